"""The elements that the emulator has: their ports, their properties, and how a property's text becomes a value.

Properties of appsrc, appsink, queue, tee and fakesink are GStreamer's (element reference of gstreamer-1.0), those of mxpi_* elements
are from the Vision SDK's plugin document and source. Some GStreamer properties are the SDK's own: setting them is dropped with a warning.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, NamedTuple, Tuple, Union

from omgate_emulator import codes

Value = Union[str, int, bool]

INT = (-(1 << 31), (1 << 31) - 1)
UINT = (0, (1 << 32) - 1)
INT64 = (-(1 << 63), (1 << 63) - 1)
UINT64 = (0, (1 << 64) - 1)
BOOLEANS = {
    "true": True,
    "yes": True,
    "t": True,
    "1": True,
    "false": False,
    "no": False,
    "f": False,
    "0": False,
}


class PipelineError(Exception):
    """A pipeline that can't be made; `code` is what CreateMultipleStreams returns."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Property(NamedTuple):
    """One property: its default, and the range of a whole number, or the words of an enumeration; neither: text or a boolean."""

    default: Value = ""
    span: Tuple[int, ...] = ()
    words: Tuple[str, ...] = ()


class Factory(NamedTuple):
    """A kind of element. `more_inputs`, `more_outputs`: ports beyond the static ones come when they are linked."""

    name: str
    inputs: int
    outputs: int
    properties: Dict[str, Property]
    fixed: FrozenSet[str] = frozenset()
    more_inputs: bool = False
    more_outputs: bool = False

    @property
    def native(self) -> bool:
        """True for GStreamer's own elements."""
        return not self.name.startswith("mxpi_")


def value_of(factory: Factory, name: str, text: str) -> Value:
    """Return the value that `text` gives a property. Raises PipelineError 6015 for an unknown property, a bad or out-of-range value."""
    found = factory.properties.get(name)
    if found is None:
        raise PipelineError(codes.INVALID_PROPERTIES, f"{factory.name} has no property {name}: remove it")
    if found.words:
        if text in found.words:
            return found.words.index(text)
        if text.isdigit() and int(text) < len(found.words):
            return int(text)
        allowed = ", ".join(found.words)
    elif found.span:
        number = _number(text)
        if number is not None and found.span[0] <= number <= found.span[1]:
            return number
        allowed = f"{found.span[0]} to {found.span[1]}"
    elif isinstance(found.default, bool):
        if text.lower() in BOOLEANS:
            return BOOLEANS[text.lower()]
        allowed = "true, false"
    else:
        return text
    raise PipelineError(
        codes.INVALID_PROPERTIES, f"{factory.name}: {name} is {text!r}, allowed are {allowed}"
    )


def factory(name: str) -> Factory:
    """Return the kind of element of that name. Raises PipelineError 6014, which tells a plugin that only the emulator lacks."""
    if name in FACTORIES:
        return FACTORIES[name]
    if name in REAL_PLUGINS:
        raise PipelineError(
            codes.INVALID_FACTORY,
            f"{name}: a plugin of the real SDK that omgate's emulated home does not have; it has {', '.join(sorted(FACTORIES))}",
        )
    raise PipelineError(codes.INVALID_FACTORY, f"{name}: there is no such element factory")


def _number(text: str) -> Union[int, None]:
    try:
        return int(text, 0)
    except ValueError:
        try:
            return int(text)  # 010: GLib reads it as octal, which nobody means; taken as ten here
        except ValueError:
            return None


def _table(*rows: Tuple[str, Property]) -> Dict[str, Property]:
    return {"name": Property(), **dict(rows)}


APPSRC = _table(
    ("blocksize", Property(4096, UINT)),
    ("num-buffers", Property(-1, INT)),
    ("typefind", Property(False)),
    ("do-timestamp", Property(False)),
    ("caps", Property()),
    ("size", Property(-1, INT64)),
    ("stream-type", Property(0, (), ("stream", "seekable", "random-access"))),
    ("max-bytes", Property(1, UINT64)),
    ("max-buffers", Property(0, UINT64)),
    ("max-time", Property(0, UINT64)),
    ("format", Property(2, (), ("undefined", "default", "bytes", "time", "buffers", "percent"))),
    ("block", Property(False)),
    ("is-live", Property(False)),
    ("min-latency", Property(-1, INT64)),
    ("max-latency", Property(-1, INT64)),
    ("emit-signals", Property(True)),
    ("min-percent", Property(0, (0, 100))),
    ("duration", Property(0, UINT64)),
    ("handle-segment-change", Property(False)),
    ("leaky-type", Property(0, (), ("none", "upstream", "downstream"))),
)
SINK = _table(
    ("sync", Property(True)),
    ("max-lateness", Property(-1, INT64)),
    ("qos", Property(False)),
    ("async", Property(False)),
    ("ts-offset", Property(0, INT64)),
    ("enable-last-sample", Property(True)),
    ("blocksize", Property(4096, UINT)),
    ("render-delay", Property(0, UINT64)),
    ("throttle-time", Property(0, UINT64)),
    ("max-bitrate", Property(0, UINT64)),
    ("processing-deadline", Property(20000000, UINT64)),
)
APPSINK = dict(
    SINK,
    **{
        "caps": Property(),
        "emit-signals": Property(True),
        "max-buffers": Property(0, UINT),
        "drop": Property(False),
        "wait-on-eos": Property(True),
        "buffer-list": Property(False),
    },
)
QUEUE = _table(
    ("max-size-buffers", Property(200, UINT)),
    ("max-size-bytes", Property(10485760, UINT)),
    ("max-size-time", Property(1000000000, UINT64)),
    ("min-threshold-buffers", Property(0, UINT)),
    ("min-threshold-bytes", Property(0, UINT)),
    ("min-threshold-time", Property(0, UINT64)),
    ("leaky", Property(0, (), ("no", "upstream", "downstream"))),
    ("silent", Property(False)),
    ("flush-on-eos", Property(False)),
)
TEE = _table(
    ("has-chain", Property(True)),
    ("silent", Property(True)),
    ("pull-mode", Property(0, (), ("never", "single"))),
    ("allow-not-linked", Property(True)),
)
TENSORINFER = _table(
    ("dataSource", Property("auto")),
    ("deviceId", Property(0, INT)),
    ("modelPath", Property()),
    # Text in the SDK: an unknown strategy is refused when the plugin starts (1013 in the log), not as a bad property.
    ("dynamicStrategy", Property("Nearest")),
    ("waitingTime", Property(5000, (1, 1000000))),
    ("outputDeviceId", Property(-1, (-1, 7))),
    ("skipModelCheck", Property(0, (0, 1))),
    ("singleBatchInfer", Property(0, (0, 1))),
    ("outputHasBatchDim", Property(1, (0, 1))),
)
DATASERIALIZE = _table(
    ("dataSource", Property("auto")),
    ("deviceId", Property(0, INT)),
    ("outputDataKeys", Property()),
    ("eraseHeaderVecFlag", Property(1, (0, 1))),
)

APPSRC_FIXED = frozenset(
    set(APPSRC)
    - {"name", "blocksize", "max-bytes", "max-buffers", "max-time", "handle-segment-change", "leaky-type"}
)
QUEUE_FIXED = frozenset(set(QUEUE) - {"name", "max-size-buffers", "leaky"})

FACTORIES = {
    item.name: item
    for item in (
        Factory("appsrc", 0, 1, APPSRC, APPSRC_FIXED | {"max-bytes"}),
        Factory("appsink", 1, 0, APPSINK, frozenset(set(APPSINK) - {"name", "blocksize"})),
        Factory("fakesink", 1, 0, dict(SINK, dump=Property(False)), frozenset({"async"})),
        Factory("queue", 1, 1, QUEUE, QUEUE_FIXED),
        Factory("tee", 1, 0, TEE, frozenset(set(TEE) - {"name"}), more_outputs=True),
        Factory("mxpi_tensorinfer", 1, 1, TENSORINFER, more_inputs=True),
        Factory("mxpi_dataserialize", 1, 1, DATASERIALIZE),
    )
}

PLUGIN_NAMES = """
filesink filesrc rtspsrc
mxpi_bufferstablizer mxpi_channelimagesstitcher mxpi_channelosdcoordsconverter mxpi_channelselector mxpi_class2osdinstances
mxpi_classpostprocessor mxpi_datatransfer mxpi_distributor mxpi_dumpdata mxpi_facealignment mxpi_imagecrop mxpi_imagedecoder
mxpi_imageencoder mxpi_imagenormalize mxpi_imageresize mxpi_keypointpostprocessor mxpi_loaddata mxpi_modelinfer
mxpi_modelvisioninfer mxpi_motsimplesort mxpi_motsimplesortV2 mxpi_nmsoverlapedroi mxpi_nmsoverlapedroiV2
mxpi_object2osdinstances mxpi_objectpostprocessor mxpi_objectselector mxpi_opencvcentercrop mxpi_opencvosd
mxpi_osdinstancemerger mxpi_parallel2serial mxpi_qualitydetection mxpi_roigenerator mxpi_rotation mxpi_rtspsrc
mxpi_rtspvideoinfo mxpi_semanticsegpostprocessor mxpi_semanticsegstitcher mxpi_skipframe mxpi_synchronize
mxpi_textgenerationpostprocessor mxpi_textobjectpostprocessor mxpi_videodecoder mxpi_videoencoder mxpi_warpperspective
"""

REAL_PLUGINS = frozenset(PLUGIN_NAMES.split())
"""Names of plugins that the SDK has and the emulator has not (Vision SDK, mxPlugins)."""
