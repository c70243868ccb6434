"""The SDK's messages under their newer name; the same classes as in MxpiDataType_pb2, so that a program may import both."""

from MxpiDataType_pb2 import *  # noqa: F403
from MxpiDataType_pb2 import DESCRIPTOR  # noqa: F401
