"""`mindx.sdk.stream` by its older name, as the SDK's wheel has it beside StreamManagerApi."""

import sys

from mindx.sdk import stream

sys.modules[__name__] = stream
