from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from reports.attribution import Absent, Attribution, Rung
from reports.attribution_table import attribution_table
from reports.verdict import Moved

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def attributions() -> list[Attribution]:
    def rung(
        *factors: str, after: str, mae: tuple[float, float], bias: float, changed: int, moved: Moved
    ) -> Rung:
        return Rung(
            factors=factors,  # type: ignore[arg-type]
            before="",
            after=after,
            n=23,
            mae_before=mae[0],
            mae_after=mae[1],
            mae_change=mae[1] - mae[0],
            mae_low=mae[1] - mae[0] - 0.4,
            mae_high=mae[1] - mae[0] + 0.35,
            bias_change=bias,
            bias_low=bias - 0.1,
            bias_high=bias + 0.1,
            changed=changed,
            moved=(moved,) if changed else (),
        )

    still = rung("pipeline", after="om-sdk FP16 (emulated), pad-1024, raw-sum", mae=(33.4, 33.4), bias=0, changed=0, moved=Moved("", 0, 0, 0, 0))  # fmt: skip
    return [
        Attribution(
            case="mcnn-synthetic",
            n=23,
            expected=24,
            start="ckpt FP32, native-4, resampled",
            end="om-sdk FP16 (emulated), pad-1024, raw-sum",
            mae_start=27.674,
            mae_end=33.4,
            mae_change=33.4 - 27.674,
            bias_change=16.4,
            rungs=(
                rung("ground-truth", after="ckpt FP32, native-4, raw-sum", mae=(27.674, 27.614), bias=0.03, changed=23, moved=Moved("IMG_23", 1500.0, 1500.771, 1500.0, -0.771)),
                rung("preprocessing", after="ckpt FP32, pad-1024, raw-sum", mae=(27.614, 33.254), bias=16.3, changed=21, moved=Moved("IMG_3", 555.7, 606.8, 703.5, 96.7)),
                rung("framework", "precision", "runtime", after="om-mxbase FP16 (emulated), pad-1024, raw-sum", mae=(33.254, 33.4), bias=0.07, changed=23, moved=Moved("IMG_9", 1170.6, 1154.0, 1153.7, -0.3)),
                msgspec.structs.replace(still, mae_low=0.0, mae_high=0.0, bias_low=0.0, bias_high=0.0),
            ),
            absent=(
                Absent("framework", "reference: ONNX Runtime is not installed; pip install onnxruntime"),
                Absent("precision", "reference: ONNX Runtime is not installed; pip install onnxruntime"),
            ),
            warnings=("left out, 1 of 24 images without a count on om-mxbase: IMG_2 (worker-died)",),
            bias_start=1.5,
            bias_end=17.9,
        )
    ]  # fmt: skip


@pytest.mark.parametrize("width", [50, 80, 190])
def test_the_table_at_a_width(attributions: list[Attribution], width: int) -> None:
    found = attribution_table(attributions, width)
    assert found == (GOLDEN / f"attribution-{width}.txt").read_text(encoding="utf-8")


def test_nothing_traced_is_nothing() -> None:
    assert attribution_table([]) == ""


def test_a_name_cannot_command_the_terminal(attributions: list[Attribution]) -> None:
    evil = "\x1b[2J[bold]x[/bold]\n\u202e"
    rungs = tuple(
        msgspec.structs.replace(rung, after=evil, moved=(Moved(evil, 1, 1, 2, 1),))
        for rung in attributions[0].rungs
    )
    made = msgspec.structs.replace(
        attributions[0],
        case=evil,
        start=evil,
        rungs=rungs,
        absent=(Absent("runtime", evil),),
        warnings=(evil,),
    )
    for width in (50, 80, 190):
        found = attribution_table([made], width)
        assert "\x1b" not in found
        assert "\u202e" not in found
        assert "[bold]x[/bold]" in found


def test_colours_only_when_asked_for(attributions: list[Attribution]) -> None:
    assert "\x1b[" in attribution_table(attributions, 190, color=True)
    assert "\x1b[" not in attribution_table(attributions, 190)
