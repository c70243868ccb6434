from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ms = pytest.importorskip("mindspore")

from cases.errors import OmgateError  # noqa: E402
from cases.mcnn import network  # noqa: E402
from cases.mcnn.checkpoint import load_strictly  # noqa: E402

LAYERS = {  # name: (out, in, kernel), from the published model's table
    "branch1.0": (16, 1, 9), "branch1.2": (32, 16, 7), "branch1.4": (16, 32, 7), "branch1.5": (8, 16, 7),
    "branch2.0": (20, 1, 7), "branch2.2": (40, 20, 5), "branch2.4": (20, 40, 5), "branch2.5": (10, 20, 5),
    "branch3.0": (24, 1, 5), "branch3.2": (48, 24, 3), "branch3.4": (24, 48, 3), "branch3.5": (12, 24, 3),
    "fuse.0": (1, 30, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def mcnn() -> network.Mcnn:
    return network.Mcnn()


def test_parameters_are_the_published_ones(mcnn: network.Mcnn) -> None:
    expected = {}
    for name, (out, channels, kernel) in LAYERS.items():
        expected[f"{name}.conv.weight"] = (out, channels, kernel, kernel)
        expected[f"{name}.conv.bias"] = (out,)
    found = {parameter.name: tuple(parameter.shape) for parameter in mcnn.get_parameters()}
    assert found == expected
    assert len(found) == 26
    assert sum(int(np.prod(shape)) for shape in found.values()) == 127_953


def test_a_checkpoint_has_the_published_size_and_loads(mcnn: network.Mcnn, tmp_path: Path) -> None:
    path = tmp_path / "mcnn.ckpt"
    ms.save_checkpoint(mcnn, str(path))
    assert path.stat().st_size == 512_971
    other = network.Mcnn()
    load_strictly(other, path)
    for old, new in zip(mcnn.get_parameters(), other.get_parameters(), strict=True):
        np.testing.assert_array_equal(old.asnumpy(), new.asnumpy())


def test_a_checkpoint_of_another_network_is_refused_with_the_names(
    mcnn: network.Mcnn, tmp_path: Path
) -> None:
    wrong = []
    for parameter in mcnn.get_parameters():
        name, values = parameter.name, parameter.asnumpy()
        if name == "branch1.2.conv.bias":
            continue
        if name == "branch2.0.conv.weight":
            name = "branch2.0.weight"
        if name == "fuse.0.conv.weight":
            values = values[:, :29]
        wrong.append({"name": name, "data": ms.Tensor(values)})
    path = tmp_path / "other.ckpt"
    ms.save_checkpoint(wrong, str(path))
    with pytest.raises(OmgateError) as caught:
        load_strictly(network.Mcnn(), path)
    message = str(caught.value)
    for part in (
        "other.ckpt",
        "missing branch1.2.conv.bias",
        "missing branch2.0.conv.weight",
        "unknown branch2.0.weight",
        "fuse.0.conv.weight is (1, 29, 1, 1), not (1, 30, 1, 1)",
    ):
        assert part in message
    assert "\n" not in message


def test_a_torn_checkpoint_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "torn.ckpt"
    path.write_bytes(b"\x0a\x99not a checkpoint")
    with pytest.raises(OmgateError, match=r"torn\.ckpt: not a readable MindSpore checkpoint") as caught:
        load_strictly(network.Mcnn(), path)
    assert "\n" not in str(caught.value)


def test_the_map_is_a_quarter_and_not_negative(mcnn: network.Mcnn) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    image = np.random.default_rng(1).uniform(0, 255, (1, 1, 70, 64)).astype(np.float32)
    made = mcnn(ms.Tensor(image)).asnumpy()
    assert made.shape == (1, 1, 17, 16)
    assert made.min() >= 0
