"""The SDK's newer Python interface, emulated: `stream` (pipelines), `base` (inference alone) and the messages of pipelines.

The parts are imported when they are asked for: `base` needs numpy, `stream` and the messages need protobuf.
"""
