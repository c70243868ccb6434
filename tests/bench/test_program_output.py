"""Parsers of what finished programs printed: good runs, known failures, torn and foreign text."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.programs.exit_status import describe_exit
from bench.programs.output import ProgramOutput, half_unit, number
from bench.programs.read import parse, read, read_all
from cases.errors import OmgateError
from tests.bench.program_lines import SHOTS, Shot, machine_lines, main_py, mcnn_log

TEXTS = {"mcnn": mcnn_log(), "sdk-main": main_py(divisor=4), "machine": machine_lines()}


def reasons(output: ProgramOutput) -> dict[str, str]:
    return {image.name: image.reason for image in output.images if image.reason}


def warned(output: ProgramOutput, *words: str) -> bool:
    return any(all(word in text for word in words) for text in output.warnings)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_good_run_gives_every_image_and_no_complaint(kind: str) -> None:
    output = parse(TEXTS[kind], "run.log")
    assert output.kind == kind
    assert output.complete
    assert output.warnings == ()
    assert [(image.name, image.predicted, image.true) for image in output.images] == [  # type: ignore[comparison-overlap]
        (shot.name, pytest.approx(shot.predicted, rel=5e-6), pytest.approx(shot.true, rel=5e-6))
        for shot in SHOTS
    ]
    assert reasons(output) == {}
    assert output.final_mae == pytest.approx(145.964, abs=0.5)
    assert output.rate is not None


@pytest.mark.parametrize("year", [False, True])
@pytest.mark.parametrize("thread", ["20817", "  817", "103710", "281472909086736"])
def test_glog_lines_with_and_without_year_and_with_any_thread_width(year: bool, thread: str) -> None:
    output = parse(mcnn_log(year=year, thread=thread), "mcnn.log")
    assert len(output.images) == 4
    assert output.warnings == ()


def test_glog_numbers_have_six_digits_and_say_how_far_they_may_be_off() -> None:
    image = {image.name: image for image in parse(mcnn_log(), "mcnn.log").images}
    assert image["IMG_2.jpg"].predicted == 1.23457e6
    assert image["IMG_2.jpg"].slack == pytest.approx(5 + 5)
    assert image["IMG_1.jpg"].slack == pytest.approx(0.0005 + 0.0005)
    assert image["IMG_1.jpg"].size == (683, 1024)
    assert image["IMG_1.jpg"].precision_digits == 6


def test_the_final_mae_is_the_one_before_mse_and_no_image_takes_it() -> None:
    output = parse(mcnn_log(SHOTS[:2]), "mcnn.log")
    assert output.final_mae == pytest.approx((11.232 + 1.75) / 2)
    assert output.final_rmse == pytest.approx(math.sqrt((11.232**2 + 1.75**2) / 2), rel=1e-5)
    assert output.rate == 57.8341


def test_the_line_of_a_complaint_is_the_line_in_the_file() -> None:
    text = mcnn_log()
    lines = text.split("\n")
    place = next(n for n, line in enumerate(lines) if line.endswith("pre:88.75"))
    lines[place] = lines[place].replace("88.75", "8x.75")
    output = parse("\n".join(lines), "mcnn.log")
    assert warned(output, f"mcnn.log:{place + 1}:", "8x.75")
    assert [image.name for image in output.images] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"]
    assert warned(output, "3 of 4 images")


def test_the_sdks_own_lines_in_the_info_file_change_nothing() -> None:
    lines = mcnn_log(year=True).split("\n")
    foreign = "I20260418 11:22:33.000001 20817 DeviceManager.cpp:77] 12"
    other = "I20260418 11:22:33.000001 20817 ModelInferenceProcessor.cpp:69] 1,2,3"
    mixed = "\n".join(part for line in lines for part in (line, foreign, other) if part) + "\n"
    plain = parse("\n".join(lines), "mcnn.log")
    output = parse(mixed, "mcnn.log")
    assert [replace(image, line=0) for image in output.images] == [
        replace(image, line=0) for image in plain.images
    ]
    assert output.warnings == ()


@pytest.mark.parametrize("every", [2, 3])
def test_flow_control_drops_images_and_mixes_none(every: int) -> None:
    output = parse(mcnn_log(every=every), "mcnn.log")
    right = {shot.name: shot for shot in SHOTS}
    assert output.images
    for image in output.images:
        assert image.predicted == pytest.approx(right[image.name].predicted, rel=5e-6)
        assert image.true is None or image.true == pytest.approx(right[image.name].true, rel=5e-6)
    assert len(output.images) < len(SHOTS)
    assert output.warnings


@settings(deadline=None)
@given(st.sets(st.integers(0, 200)))
def test_lines_lost_anywhere_mix_no_two_images_as_long_as_labels_are_there(lost: set[int]) -> None:
    right = {shot.name: shot for shot in SHOTS}
    lines = mcnn_log().splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if number not in lost or "csv" in line]
    for image in parse("".join(kept), "mcnn.log").images:
        assert image.predicted == pytest.approx(right[image.name].predicted, rel=5e-6)
        assert image.true is None or image.true == pytest.approx(right[image.name].true, rel=5e-6)


def test_an_image_whose_beginning_is_lost_takes_nothing_from_the_one_before() -> None:
    lines = mcnn_log().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if "main.cpp:88] 1" in line)
    last = next(number for number, line in enumerate(lines) if line.endswith("IMG_10.csv\n"))
    output = parse("".join(lines[:first] + lines[last + 1 :]), "mcnn.log")
    assert [(image.name, image.predicted) for image in output.images][:2] == [
        ("IMG_1.jpg", 311.482),
        ("IMG_2.jpg", 1.23457e6),
    ]
    assert warned(output, "no name for an image")


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_torn_anywhere_gives_no_wrong_count(kind: str) -> None:
    """A count cut in its digits is the danger: 311.482 that became 31."""
    right = {shot.name: shot for shot in SHOTS}
    text = TEXTS[kind]
    for end in range(0, len(text), 3):
        for image in parse(text[:end], "torn").images:
            assert image.predicted == pytest.approx(right[image.name].predicted, rel=5e-6)
            assert image.true is None or image.true == pytest.approx(right[image.name].true, rel=5e-6)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_run_that_died_says_so(kind: str) -> None:
    died = {"mcnn": mcnn_log(end=False), "sdk-main": main_py(end=False), "machine": machine_lines(end=False)}[
        kind
    ]
    output = parse(died, "run.log")
    assert not output.complete
    assert warned(output, "did not come to its end")


def test_the_constant_182_is_seen_and_the_right_figures_are_told() -> None:
    output = parse(main_py(), "out.txt")
    assert warned(output, "divided by 182", "over the 4 images they are 145.")


def test_a_count_is_good_for_what_was_printed_of_it() -> None:
    text = "IMG_1.jpg True value: 60.0 predictive value: 110.21462\nIMG_2.jpg True value: 17.0 predictive value: 28.135520219802856\n"
    assert [image.precision_digits for image in parse(text, "out.txt").images] == [8, 17]


def test_another_divisor_and_none_at_all() -> None:
    assert warned(parse(main_py(divisor=7), "out.txt"), "divided by 7;")
    text = main_py(divisor=4)
    wrong = re.sub(r"MAE: \S+", "MAE: 12.5", text)
    assert warned(parse(wrong, "out.txt"), "no divisor explains them")


def test_a_full_set_of_182_images_is_no_complaint() -> None:
    shots = [Shot(f"IMG_{n}.jpg", 100 + 1.37 * n, 100 + 1.21 * n) for n in range(1, 183)]
    assert parse(main_py(shots), "out.txt").warnings == ()
    assert parse(mcnn_log(shots), "out.txt").warnings == ()


# --- known failures ---------------------------------------------------------------------------------------------------------------


def test_images_above_1025_pixels_became_black() -> None:
    shots = (*SHOTS, Shot("IMG_4.jpg", 3.25, 400.0, (900, 1300)), Shot("IMG_5.jpg", 3.25, 500.0, (1025, 700)))
    output = parse(mcnn_log(shots), "mcnn.log")
    assert reasons(output) == {"IMG_4.jpg": "too-large", "IMG_5.jpg": "too-large"}
    assert ["black" in image.detail for image in output.images[-2:]] == [True, False]


def test_the_same_count_for_different_images_is_no_result() -> None:
    shots = (*SHOTS, *(Shot(f"IMG_{n}.jpg", 3.25, 40.0 * n) for n in (4, 5, 6)))
    assert reasons(parse(mcnn_log(shots), "mcnn.log")) == dict.fromkeys(
        ("IMG_4.jpg", "IMG_5.jpg", "IMG_6.jpg"), "bad-output"
    )
    assert set(reasons(parse(main_py(shots[:-1], divisor=6), "out.txt"))) == {"IMG_4.jpg", "IMG_5.jpg"}


def test_a_pair_of_equal_counts_with_six_digits_and_sizes_that_fit_can_be_chance() -> None:
    shots = (*SHOTS, Shot("IMG_4.jpg", 88.75, 95.0))
    output = parse(mcnn_log(shots), "mcnn.log")
    assert reasons(output) == {}
    assert warned(output, "IMG_10.jpg, IMG_4.jpg", "chance")


def test_two_copies_of_one_image_are_no_failure() -> None:
    shots = (*SHOTS, Shot("copy.jpg", 88.75, 90.5))
    assert reasons(parse(machine_lines(shots), "out.txt")) == {}


def test_a_label_of_exactly_0_is_a_missing_label() -> None:
    shots = (*SHOTS, Shot("IMG_4.jpg", 12.5, 0.0))
    assert reasons(parse(mcnn_log(shots), "mcnn.log")) == {"IMG_4.jpg": "missing-truth"}
    assert reasons(parse(main_py(shots), "out.txt")) == {}  # this program stops at a missing label


def test_directory_entries_that_are_no_images_were_inferred_as_black() -> None:
    shots = (*SHOTS, Shot("Thumbs.db", 1.5, 7.0, (0, 0)), Shot("notes", 1.5, 8.0, (0, 0)))
    assert reasons(parse(mcnn_log(shots), "mcnn.log")) == {"Thumbs.db": "bad-image", "notes": "bad-image"}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_count_that_is_not_finite_is_no_result(value: float) -> None:
    shots = (*SHOTS, Shot("IMG_4.jpg", value, 12.0))
    assert reasons(parse(mcnn_log(shots), "mcnn.log")) == {"IMG_4.jpg": "not-finite"}
    assert reasons(parse(machine_lines(shots), "out.txt")) == {"IMG_4.jpg": "not-finite"}


def test_no_images_at_all_print_nan_and_give_nothing() -> None:
    text = mcnn_log(()[:0], divisor=1)
    text = text.replace("mae:0\n", "mae:-nan\n").replace("mse:0\n", "mse:-nan\n")
    output = parse(text, "mcnn.log")
    assert output.images == ()
    assert output.complete


def test_a_failed_machine_line_keeps_its_reason() -> None:
    text = machine_lines(SHOTS[:3]) + machine_lines(
        SHOTS[3:], status="failed", reason="no-label", detail="gone", predicted=None
    )
    output = parse(text, "out.txt")
    assert reasons(output) == {"IMG_3.jpg": "missing-truth"}
    assert "no-label: gone" in output.images[-1].detail


def test_machine_lines_keep_every_digit_and_the_devices_seconds() -> None:
    output = parse(machine_lines([Shot("a.jpg", 311.48200000000003, 300.1)]), "out.txt")
    assert output.images[0].predicted == 311.48200000000003
    assert output.images[0].seconds == {"transfer": 0.002, "infer": 0.05}
    assert output.rate == pytest.approx(20)


def test_machine_lines_count_alone_among_lines_for_people() -> None:
    output = parse(mcnn_log() + machine_lines(), "out.txt")
    assert output.kind == "machine"


def test_what_main_py_says_before_it_ends_is_told() -> None:
    output = parse(main_py(SHOTS[:2], end=False) + "infer_result is null\n", "out.txt")
    assert warned(output, "out.txt:6:", "no result came")


def test_an_abort_is_told() -> None:
    text = (
        mcnn_log(SHOTS[:1], end=False)
        + "terminate called after throwing an instance of 'std::invalid_argument'\n"
    )
    assert warned(parse(text, "mcnn.log"), "ended", "std::invalid_argument")


# --- files --------------------------------------------------------------------------------------------------------------------


def test_two_files_of_one_run_are_one_and_more_digits_win(tmp_path: Path) -> None:
    out, log = tmp_path / "out.txt", tmp_path / "err.txt"
    out.write_text(machine_lines(SHOTS[:2], end=False), encoding="utf-8")
    log.write_text(mcnn_log(), encoding="utf-8")
    output = read_all([log, out])
    assert {image.name: image.precision_digits for image in output.images} == {
        "IMG_1.jpg": 17,
        "IMG_10.jpg": 17,
        "IMG_2.jpg": 6,
        "IMG_3.jpg": 6,
    }
    assert output.complete


def test_two_files_that_contradict_each_other_give_no_count(tmp_path: Path) -> None:
    out, log = tmp_path / "out.txt", tmp_path / "err.txt"
    out.write_text(machine_lines([Shot("IMG_1.jpg", 12.5, 300.25)]), encoding="utf-8")
    log.write_text(mcnn_log(), encoding="utf-8")
    assert "IMG_1.jpg" in reasons(read_all([log, out]))


def test_a_file_without_a_result_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello\n", encoding="utf-8")
    with pytest.raises(OmgateError, match=r"notes\.txt: no image's result.*mxsdk\.log"):
        read(file)
    with pytest.raises(OmgateError, match="can't be read"):
        read(tmp_path / "absent.txt")


def test_a_program_that_died_at_its_beginning_says_why(tmp_path: Path) -> None:
    file = tmp_path / "err.txt"
    file.write_text(
        "E0418 11:22:33.000001   817 Mcnn.cpp:71] Init devices failed, ret=1013.\n", encoding="utf-8"
    )
    with pytest.raises(OmgateError, match="ret=1013"):
        read(file)


# --- exit status ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((233, 1001), (234, 1002), (235, 1003), (236, 1004), (239, 1007), (243, 1011), (245, 1013)),
        *((248, 1016), (32, 500000), (255, -1), (18, 18)),
    ],
)
def test_an_exit_status_names_the_code_behind_it(status: int, code: int) -> None:
    assert f"{code} (APP_ERR_" in describe_exit(status)


def test_an_exit_status_of_0_is_not_called_a_success() -> None:
    assert "1024" in describe_exit(0)
    assert "success" not in describe_exit(0)


def test_signals_are_named() -> None:
    assert describe_exit(-11) == "ended by SIGSEGV"
    assert "SIGABRT" in describe_exit(134)


# --- whatever text ------------------------------------------------------------------------------------------------------------

FRAGMENTS = sorted({line for text in TEXTS.values() for line in text.splitlines()})
FRAGMENTS += [
    "I0418 11:22:33.000001 1 Mcnn.cpp:1] pre:1e999",
    '{"omgate":1,"image":"x.jpg","status":"ok","predicted":1e308}',
]
FRAGMENTS += [
    '{"omgate":1,"image":7}',
    '{"omgate":1,"done":true,"images":-3.5,"mae":NaN}',
    "a True value: 1 predictive value: x",
]
FRAGMENTS += ["I0418 11:22:33.000001 1 Mcnn.cpp:1] pre:1e308", "I0418 11:22:33.000001 1 main.cpp:1] 5"]
FRAGMENTS += [
    "MAE: 1e308   MSE: -1e308",
    "I0418 11:22:33.000001 1 main.cpp:1] mse:-5",
    "I0418 11:22:33.000001 1 main.cpp:1] mae:0",
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=40), max_size=60), st.integers(0, 30))
def test_no_text_makes_a_parser_raise(parts: list[str], cut: int) -> None:
    text = "\n".join(parts)
    output = parse(text[: len(text) - cut], "any")
    for image in output.images:
        assert image.reason or (image.predicted is not None and math.isfinite(image.predicted))
    assert all(text.startswith("any:") for text in output.warnings)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-6, max_value=1e12))
def test_half_a_unit_covers_what_six_digits_lose(value: float) -> None:
    printed = float(f"{value:.6g}")
    assert abs(printed - value) <= half_unit(printed, 6) * (1 + 1e-9)


def test_numbers_are_those_that_programs_print() -> None:
    assert [number(text) for text in ("1e+06", "-0.5", ".5", " 7 ")] == [1e6, -0.5, 0.5, 7.0]
    assert [number(text) for text in ("1_0", "0x1p3", "", "1,5", "infinity", "١")] == [None] * 6
