"""Error codes of MindX SDK (APP_ERROR): number, name and meaning, in one place; workers get the table with their config.

Source: `ErrorCodes.h` of the SDK. The commonest ones; the meanings are our own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[int, str] = MappingProxyType(
    {
        -1: "APP_ERR_ACL_FAILURE: ACL failed, or a manager was used before it was initialised",
        0: "APP_ERR_OK: success",
        1: "APP_ERR_ACL_INVALID_PARAM: ACL got an invalid parameter",
        2: "APP_ERR_ACL_BAD_ALLOC: ACL could not allocate memory",
        3: "APP_ERR_ACL_RT_FAILURE: the runtime failed",
        7: "APP_ERR_ACL_READ_MODEL_FAILURE: the model can't be read",
        8: "APP_ERR_ACL_PARSE_MODEL: the model can't be parsed",
        10: "APP_ERR_ACL_DESERIALIZE_MODEL: the model can't be deserialised",
        14: "APP_ERR_ACL_UNSUPPORTED_DATA_TYPE: the data type is not supported",
        17: "APP_ERR_ACL_IO: reading or writing failed",
        18: "APP_ERR_ACL_INVALID_FILE: the file is no OM model, or one of another chip or CANN",
        1001: "APP_ERR_COMM_FAILURE: general failure",
        1002: "APP_ERR_COMM_INNER: internal error; GetResult also says so when its time is up",
        1003: "APP_ERR_COMM_INVALID_POINTER: a pointer is not valid",
        1004: "APP_ERR_COMM_INVALID_PARAM: a parameter is not valid",
        1005: "APP_ERR_COMM_UNREALIZED: not implemented",
        1006: "APP_ERR_COMM_OUT_OF_MEM: out of memory",
        1007: "APP_ERR_COMM_ALLOC_MEM: memory can't be allocated",
        1008: "APP_ERR_COMM_FREE_MEM: memory can't be freed",
        1009: "APP_ERR_COMM_OUT_OF_RANGE: out of range",
        1010: "APP_ERR_COMM_NO_PERMISSION: no permission: owner or mode of a file",
        1011: "APP_ERR_COMM_TIMEOUT: timed out",
        1012: "APP_ERR_COMM_NOT_INIT: not initialised",
        1013: "APP_ERR_COMM_INIT_FAIL: initialising failed: no device, driver or CANN that fits",
        1015: "APP_ERR_COMM_EXIST: it exists already",
        1016: "APP_ERR_COMM_NO_EXIST: it does not exist",
        1017: "APP_ERR_COMM_BUSY: it is in use",
        1018: "APP_ERR_COMM_FULL: no device or resource is free",
        1019: "APP_ERR_COMM_OPEN_FAIL: it can't be opened",
        1020: "APP_ERR_COMM_READ_FAIL: it can't be read",
        1021: "APP_ERR_COMM_WRITE_FAIL: it can't be written",
        1022: "APP_ERR_COMM_DESTORY_FAIL: it can't be destroyed",
        1023: "APP_ERR_COMM_EXIT: the data stream has ended",
        1024: "APP_ERR_COMM_CONNECTION_CLOSE: the connection was closed",
        1025: "APP_ERR_COMM_CONNECTION_FAILURE: the connection failed",
        3001: "APP_ERR_INFER_SET_INPUT_FAIL: the inference's input can't be set",
        3002: "APP_ERR_INFER_SET_OUTPUT_FAIL: the inference's output can't be set",
        3003: "APP_ERR_INFER_CREATE_OUTPUT_FAIL: the inference's output can't be made",
        3005: "APP_ERR_INFER_GET_OUTPUT_FAIL: the inference's output can't be fetched",
        6001: "APP_ERR_STREAM_EXIST: a stream of this name exists already",
        6002: "APP_ERR_STREAM_NOT_EXIST: there is no stream of this name",
        6003: "APP_ERR_STREAM_CHANGE_STATE_FAILED: the stream can't be started or stopped",
        6004: "APP_ERR_STREAM_CREATE_FAILED: the stream can't be created",
        6005: "APP_ERR_STREAM_INVALID_CONFIG: the pipeline is not valid",
        6006: "APP_ERR_STREAM_INVALID_LINK: a link or a plugin's number is not valid",
        6007: "APP_ERR_STREAM_LINK_FAILED: two elements can't be linked",
        6010: "APP_ERR_STREAM_TIMEOUT: no result in time",
        6011: "APP_ERR_STREAM_ELEMENT_INVALID: an element is not valid",
        6013: "APP_ERR_STREAM_ELEMENT_NOT_EXIST: there is no element of this name",
        6014: "APP_ERR_ELEMENT_INVALID_FACTORY: no plugin of this factory",
        6015: "APP_ERR_ELEMENT_INVALID_PROPERTIES: a property of an element is not valid",
        9001: "APP_ERR_DEVICE_QUERY: there is no such device",  # the name is unconfirmed
        500000: "APP_ERR_INTERNAL_ERROR: internal error",
    }
)
"""Code -> "NAME: meaning"."""


def describe(code: int) -> str:
    """Return "1013 (APP_ERR_COMM_INIT_FAIL: initialising failed ...)"; the bare number where the table lacks it."""
    return f"{code} ({CODES[code]})" if code in CODES else str(code)
