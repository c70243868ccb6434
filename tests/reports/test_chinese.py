"""Sentences of a record in Chinese: the forms agree, what a run says has one, and no text can make it slow."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.chinese import FIELD, LONGEST, WHOLE_NUMBERS, WIDEST, chinese
from reports.diff.document import document
from reports.diff.model import Diff, RunSide
from reports.html.words import told
from reports.performance import Figure, judge_figures
from reports.record import read
from reports.sentences import CLAUSES, PHRASES, SENTENCES
from reports.verdict import Status
from tests.reports.html import made

HAN = re.compile(r"[一-鿿]")
FORMS = [*SENTENCES, *CLAUSES, *PHRASES]


@pytest.mark.parametrize(("english", "told"), FORMS, ids=[english[:40] for english, _ in FORMS])
def test_both_forms_have_the_same_fields_and_full_width_punctuation(english: str, told: str) -> None:
    assert set(FIELD.findall(english)) == set(FIELD.findall(told))
    without = FIELD.sub("", told)
    assert not re.search(r"[一-鿿][,;:?!()]|[,;:?!][一-鿿]", without)


@pytest.mark.parametrize(
    ("english", "told"), [*SENTENCES, *CLAUSES], ids=[e[:40] for e, _ in [*SENTENCES, *CLAUSES]]
)
def test_a_sentence_of_this_form_is_told(english: str, told: str) -> None:
    """Filled with values that hold no other form; phrases stay as they are."""

    def fill(text: str) -> str:
        return FIELD.sub(lambda found: "7" if found[1] in WHOLE_NUMBERS else f"<{found[1]}>", text)

    assert chinese(fill(english)) == fill(told)


def test_a_whole_verdict_of_accuracy() -> None:
    text = (
        "MAE rose by 5.75 counts (33.25 -> 39.00), beyond the gate of 2 % (0.67 counts); exact on these 24 images;"
        " 95 % interval -5.39 .. 14.79 includes 0: beyond them it is not shown"
    )
    assert chinese(text) == (
        "MAE 上升 5.75 人（33.25 → 39.00），超出门限 2 %（0.67 人）；对这 24 张图片是精确值；95 % 区间 -5.39 … 14.79 含 0：对这些图片之外未能证明"
    )


def test_a_whole_verdict_of_speed() -> None:
    text = (
        "throughput/pipelined-4 (region answers): median 93.17 images/s -> 78.68 images/s, -15.6 %, interval -19.3 % .. -11.4 %;"
        " p = <0.0001 (Holm, 2 figures): worse, beyond the threshold of 5 %"
    )
    assert chinese(text) == (
        "throughput/pipelined-4（区段 answers）：中位数 93.17 图片/秒 → 78.68 图片/秒，-15.6 %，区间 -19.3 % … -11.4 %；"
        "p = <0.0001（Holm，2 个指标）：变慢，超出阈值 5 %"
    )


def test_lists_and_advice() -> None:
    assert chinese("3 of 24 images have no result: IMG_1, IMG_2 and 7 more") == (
        "24 张图片中有 3 张没有结果：IMG_1, IMG_2 等（另有 7 个）"
    )
    assert chinese("restore the data (or the JPEG decoder's version), or: omgate x") == (
        "恢复数据（或 JPEG 解码器的版本），或者：omgate x"
    )
    assert (
        chinese("moved most: IMG_1 (-4.79); if it is meant: omgate x")
        == "变化最大：IMG_1 (-4.79)；若是有意为之：omgate x"
    )


def test_what_is_not_known_stays_as_it_is() -> None:
    for text in ("", "made up for a test", "MAE rose", "12 images; of another kind"):
        assert chinese(text) == text


def test_a_clause_that_is_not_known_stays_english_beside_those_that_are() -> None:
    assert chinese("measure again on a quiet machine; made up") == "在安静的机器上重新测量; made up"


HOUSE = Path(__file__).parents[2]
MAKERS = ("Reason", "_reason", "cannot_tell", "_cannot_tell", "_noisy")
WRITTEN_IN = (
    *(
        "reports/accuracy.py",
        "reports/comparable.py",
        "reports/monitor.py",
        "reports/outcome.py",
    ),
    *(
        "reports/perfstats_verdict.py",
        "bench/latency/judge.py",
        "bench/latency/measure.py",
        "bench/latency/steady.py",
    ),
    *("reports/diff/accuracy.py", "reports/diff/across.py", "bench/parity.py", "bench/programs/record.py"),
)


PIECES = {
    *("7 of 7 failed7 (7): 77", "7 of 7 have no result7: 7", "7 was busy before the measurement began (7 %)"),
    *("pytest bench/ --resume=7", "nothing to hold the speed against: 7", "needs 7 to begin with"),
}
"""Sentences in pieces, and a command: the tests below have them whole."""


def test_failures_and_missing_images_are_told() -> None:
    assert chinese("2 of 24 images failed (bad-image): a.jpg: cut off; also b.jpg").startswith(
        "24 张图片中有 2 张失败（bad-image）："
    )
    assert chinese("1 image failed").startswith("1 image")
    assert chinese("1 of 1 image failed in run night (bad-image): a.jpg").startswith(
        "run night 中，1 张图片里有 1 张失败"
    )
    assert chinese("3 of 24 images have no result: a, b, c") == "24 张图片中有 3 张没有结果：a, b, c"
    assert chinese("chip 0 of NPU 1 was busy before the measurement began (55 %)").startswith(
        "测量开始前 NPU 1 的芯片 0"
    )
    assert HAN.search(chinese("nothing to hold the speed against: there is no baseline"))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.01, 1.03, 1.3])
@pytest.mark.parametrize(
    ("samples", "between"), [(2, None), (6, 0.001), (20, None), (300, 0.0001), (300, 0.2)]
)
def test_every_verdict_on_speed_is_told(factor: float, samples: int, between: float | None) -> None:
    noise = np.random.default_rng(samples)
    old, new = (tuple(0.01 * f * noise.lognormal(0, 0.03, samples)) for f in (1.0, factor))
    figures = [
        Figure(metric=name, unit="s", region="infer", old=old, new=new, between=between)
        for name in ("latency/single-stream", "perfstats/e2e")
    ]
    empty = Figure(metric="latency/x", unit="s", region="infer", old=(), new=new)
    for verdict in judge_figures([*figures, empty]):
        for reason in verdict.reasons:
            for clause in chinese(reason.message).split("；") + chinese(reason.advice).split("；"):
                assert HAN.search(clause), (reason.message, reason.advice, clause)


def sentences_in(path: Path) -> list[str]:
    """What the calls that make reasons say, directly or by a name that is assigned just so; each field a 7."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
            for argument in node.args:
                said = assigned.get(argument.id, []) if isinstance(argument, ast.Name) else [argument]
                found += [text for text in map(as_text, said) if text]
    return found


def as_text(node: ast.expr) -> str:
    """A literal's text with 7 for its fields; empty for what is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


@pytest.mark.parametrize("path", WRITTEN_IN)
def test_what_makers_of_reasons_write_has_a_chinese_form(path: str) -> None:
    """A new sentence without one turns this red, with the file it is in."""
    clauses = [clause for text in sentences_in(HOUSE / path) for clause in text.split("; ")]
    fields_alone = re.compile(r"[7\s.:;,]*")
    left = {c for c in clauses if not fields_alone.fullmatch(c) and not HAN.search(chinese(c))}
    assert left <= PIECES


ODD = [
    "a; b.jpg",
    "12 images.jpg",
    "5 counts",
    "1 image",
    "the baseline",
    "{old}",
    r"\1\g<0>",
    "a(b)*+?.jpg",
    "人群; 1 image",
]


@given(st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=300)))
def test_any_name_is_kept_to_the_letter(name: str) -> None:
    assume(" changed by " not in name and name.count("; ") < WIDEST)
    text = chinese(
        f"the count of {name} changed by +1.00 (2.00 -> 3.00), beyond the gate of 5 counts for one image"
    )
    assert text == f"{name} 的人数变化 +1.00（2.00 → 3.00），超出单张图片的门限 5 人"


@pytest.mark.parametrize("name", ODD)
def test_a_list_of_names_is_kept_to_the_letter(name: str) -> None:
    assert chinese(f"2 of 24 images have no result: {name}, b") == f"24 张图片中有 2 张没有结果：{name}, b"


@pytest.mark.parametrize(
    "piece",
    ["other conditions: ", "a b SDK statistics: c: ", "x, or: ", "the run is on s, ", "'m' 2 times; "],
)
def test_sentences_within_sentences_end(piece: str) -> None:
    """A text can be made up that a rule for itself would follow down to the end of the stack."""
    assert piece in chinese((piece * 4000)[: LONGEST - 1])


def test_a_condition_that_is_not_known_says_so() -> None:
    assert chinese("other conditions: cores 8, the baseline's unknown") == "条件不同：核数为 8，基线为 未知"


def test_no_text_is_slow() -> None:
    """Ten thousand reasons in a second of processor time is the aim; a hostile one must not cost more than its length."""
    hostile = [
        "a (b -> c), " * 300,
        "; " * 1500,
        "{k} of {_total} " * 200,
        "1 image " * 400,
        "x" * 100_000,
        " and 1 more" * 300,
    ]
    hostile += [f"the baseline {text}" for text in hostile]
    started = time.process_time()
    for text in hostile:
        chinese(text)
    # An order of magnitude above what it takes, far below what backtracking would.
    assert time.process_time() - started < 5.0


def test_a_report_made_of_what_runs_say_has_no_english_reason(tmp_path: Path) -> None:
    run = read(made.full(tmp_path)).run
    texts = [
        text
        for reasons in (
            *(entry.verdict.reasons for entry in run.verdicts),
            *(entry.reasons for entry in run.parity),
        )
        for reason in reasons
        for text in (reason.message, reason.advice)
        if text
    ]
    assert texts
    left = [text for text in texts if not HAN.search(chinese(text)) and not text.startswith("omgate ")]
    assert left == []


def test_a_sentence_without_a_chinese_form_is_marked_as_english() -> None:
    assert told("<made> up").__html__() == '<span lang="en">&lt;made&gt; up</span>'
    assert 'lang="zh-CN">重新测量<' in told("measure again").__html__()


def test_a_warning_of_a_diff_is_told_after_the_name_of_its_run() -> None:
    sides = [
        RunSide(id=name, label=name, folder="", started="", finished=True) for name in ("night", "night: two")
    ]
    diff = Diff(
        status=Status.PASS,
        old=sides[0],
        new=sides[1],
        warnings=("night: its last line was torn by a kill and is left out", "made up for a test"),
    )
    first, second = document(diff).warnings
    assert first.zh == "night：最后一行因进程被终止而残缺，已略去"
    assert second.zh == second.en == "made up for a test"


def test_no_form_is_there_twice() -> None:
    for book in (SENTENCES, CLAUSES, PHRASES):
        assert len({english for english, _ in book}) == len(book)
