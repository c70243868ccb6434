"""`mindx.sdk.base` as a module of its own: the SDK's build tree has it so, and its own tests import it by this name."""

import sys

from mindx.sdk import base

sys.modules[__name__] = base
