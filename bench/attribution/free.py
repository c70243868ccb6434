"""The reference's graph for images of any size: the same operators and weights, without the fixed height and width of its input.

An exported graph is fixed to the case's input (1024 x 1024). A fully convolutional network computes the same on any size; one that is not
gives a map of another shape or an error, and then its images count as failed.
"""

from __future__ import annotations

from cases.errors import OmgateError

NEEDS = "onnx"
"""The package that it takes beside ONNX Runtime."""


def free_size(content: bytes, where: str) -> bytes:
    """Return the serialised ONNX graph `content` with height and width of inputs and outputs (N, C, H, W) left open.

    Raises OmgateError, which names `where`, if it is no ONNX model.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        for kind, values in (("input", model.graph.input), ("output", model.graph.output)):
            for value in values:
                for axis, size in zip(
                    ("height", "width"), value.type.tensor_type.shape.dim[2:], strict=False
                ):
                    size.dim_param = f"{kind}_{axis}"
        # Shapes of activations that the exporter noted hold for the fixed size alone.
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and the checker raise what they like on hostile bytes
        reason = str(error).strip().splitlines()
        raise OmgateError(
            f"{where}: its input size can't be left open: {reason[0] if reason else type(error).__name__}"
        ) from error
    return bytes(model.SerializeToString(deterministic=True))
