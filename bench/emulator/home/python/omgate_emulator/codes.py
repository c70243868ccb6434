"""Error codes of the SDK (APP_ERROR, Vision SDK's ErrorCodes.h) and the text that names one in a log line or a result.

The wording of the messages is this project's own: the numbers are the interface, the words behind them are unconfirmed. Two are the
SDK's, whose own tests compare them (Vision SDK, mxBase/test/gtest/PyAPITest).
"""

from __future__ import annotations

OK = 0
NOT_INITIALISED = -1
INVALID_FILE = 18
FAILURE = 1001
INNER = 1002
INVALID_PARAMETER = 1004
OUT_OF_MEMORY = 1006
TIMEOUT = 1011
INIT_FAIL = 1013
NOT_EXIST = 1016
NO_HOME = 1028
INVALID_PATH = 1029
QUEUE_FULL = 5003
STREAM_EXISTS = 6001
STREAM_NOT_EXIST = 6002
CHANGE_STATE = 6003
CREATE_FAILED = 6004
INVALID_CONFIG = 6005
INVALID_LINK = 6006
LINK_FAILED = 6007
MODE_NOT_MATCHED = 6008
STREAM_TIMEOUT = 6010
ELEMENT_INVALID = 6011
ELEMENT_EXISTS = 6012
ELEMENT_NOT_EXIST = 6013
INVALID_FACTORY = 6014
INVALID_PROPERTIES = 6015
PAD_UNLINKED = 6016
METADATA_KEY_EXISTS = 7010
METADATA_KEY_NOT_EXIST = 7011
METADATA_NULL = 7013
METADATA_KEY_EMPTY = 7024

MESSAGES = {
    NOT_INITIALISED: "general failure of ACL, or the manager is not initialised",
    OK: "success",
    1: "invalid parameter (ACL)",
    2: "bad allocation (ACL)",
    3: "runtime failure (ACL)",
    4: "graph engine failure (ACL)",
    5: "operator not found (ACL)",
    6: "operator can't be loaded (ACL)",
    7: "model can't be read (ACL)",
    8: "model can't be parsed (ACL)",
    9: "model lacks an attribute (ACL)",
    10: "model can't be deserialised (ACL)",
    14: "data type not supported (ACL)",
    15: "initialised twice (ACL)",
    17: "input or output failure (ACL)",
    INVALID_FILE: "invalid file (ACL)",
    FAILURE: "General Failed",
    INNER: "inner failure",
    1003: "invalid pointer",
    INVALID_PARAMETER: "Invalid parameter",
    1005: "not realised",
    OUT_OF_MEMORY: "out of memory",
    1007: "memory can't be allocated",
    1008: "memory can't be freed",
    1009: "out of range",
    1010: "no permission",
    TIMEOUT: "timeout",
    1012: "not initialised",
    INIT_FAIL: "initialisation failed",
    1014: "in progress",
    1015: "exists already",
    NOT_EXIST: "does not exist",
    1017: "busy",
    1018: "full",
    1019: "can't be opened",
    1020: "can't be read",
    1021: "can't be written",
    1022: "can't be destroyed",
    NO_HOME: "MX_SDK_HOME is not set",
    INVALID_PATH: "invalid path",
    1030: "initialised twice",
    3001: "inference input can't be set",
    3002: "inference output can't be set",
    3005: "inference output can't be got",
    5001: "queue empty",
    5002: "queue stopped",
    QUEUE_FULL: "queue full",
    STREAM_EXISTS: "stream exists already",
    STREAM_NOT_EXIST: "stream does not exist",
    CHANGE_STATE: "stream can't change its state",
    CREATE_FAILED: "stream can't be created",
    INVALID_CONFIG: "invalid stream configuration",
    INVALID_LINK: "invalid link",
    LINK_FAILED: "elements can't be linked",
    MODE_NOT_MATCHED: "transfer mode does not match the earlier one",
    6009: "invalid transfer mode",
    STREAM_TIMEOUT: "no result in time",
    ELEMENT_INVALID: "invalid element",
    ELEMENT_EXISTS: "element exists already",
    ELEMENT_NOT_EXIST: "element does not exist",
    INVALID_FACTORY: "invalid element factory",
    INVALID_PROPERTIES: "invalid element properties",
    PAD_UNLINKED: "element has a port without a link",
    6017: "invalid property of the pipeline",
    METADATA_KEY_EXISTS: "metadata key exists already",
    METADATA_KEY_NOT_EXIST: "metadata key does not exist",
    METADATA_NULL: "metadata is null",
    METADATA_KEY_EMPTY: "metadata key is empty",
    9001: "device query failed",
}


def message(code: int) -> str:
    """Return the message of a code."""
    return MESSAGES.get(code, "unknown")
