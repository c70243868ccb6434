import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.checkpoint_file import Parameter, parameters
from cases.errors import OmgateError

TRAINED = Path(__file__).parents[2] / "cases" / "mcnn" / "model" / "mcnn-synthetic.ckpt"


def test_the_committed_checkpoint_is_read_as_mindspore_reads_it() -> None:
    found = parameters(TRAINED.read_bytes())
    assert len(found) == 26
    assert found[0] == Parameter("branch1.0.conv.weight", (16, 1, 9, 9), "Float32", 16 * 81 * 4)
    assert sum(one.size_bytes for one in found) == 4 * 127_953


def test_a_check_sum_at_the_end_is_no_part_of_it() -> None:
    content = TRAINED.read_bytes()
    assert parameters(content + b"crc_num" + (12345).to_bytes(10, "big")) == parameters(content)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_checkpoint_or_an_error(content: bytes) -> None:
    with contextlib.suppress(OmgateError):
        assert parameters(content)


@pytest.mark.parametrize("length", [0, 1, 100, 5000, 512_970])
def test_a_torn_one_is_refused(length: int) -> None:
    with pytest.raises(OmgateError, match="not a MindSpore checkpoint"):
        parameters(TRAINED.read_bytes()[:length])
