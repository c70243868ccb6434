"""What stands in the page, read as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.html.notes import Notes
from reports.html.page import render
from reports.html.source import load
from reports.html.write import write
from reports.perfstats import PERFSTATS_FILE
from tests.reports.html import made

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Reader(HTMLParser):
    """Whether every element is closed where it must be; headings by their order; ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for name in ("href", "xlink:href"):
            if (found.get(name) or "").startswith("#"):
                self.targets.append(str(found[name])[1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def sections(text: str) -> list[str]:
    return re.findall(r'<h2 id="([a-z]+)"', text)


def test_the_sections_stand_in_their_order(whole_run: Path) -> None:
    order = ["results", "parity", "attribution", "scatter", "images", "performance", "environment"]
    assert sections(render(load(whole_run))) == order


def test_the_page_is_sound_html(whole_run: Path) -> None:
    read = Reader(render(load(whole_run)))
    assert (read.wrong, read.open) == ([], [])
    assert len(read.ids) == len(set(read.ids)), "an id twice"
    assert set(read.targets) <= set(read.ids), "a link to nothing"


def test_the_verdict_comes_first_and_every_reason_is_told(whole_run: Path) -> None:
    text = render(load(whole_run))
    assert text.index("Something got worse") < text.index('id="note-1"') < text.index('id="results"')
    for reason in (
        "MAE rose by 5.75 counts",
        "no baseline of it on ckpt",
        "within the gate of 2 %",
        "110 against 104, 6.00 apart",
        "人数之差超出容差",
    ):
        assert reason in text
    assert (
        text.index("MAE rose by 5.75") < text.index("no baseline of it") < text.index("MAE rose by 0.15")
    ), "the worst first"


def test_emulated_and_synthetic_are_said_where_numbers_stand(whole_run: Path) -> None:
    text = render(load(whole_run))
    assert "ran on the emulated SDK" in text
    assert "drawn by a generator" in text
    table = text[text.index('id="table-results"') : text.index('id="parity"')]
    assert table.count("emulated · fp16") == 2
    assert table.count("synthetic images") == 4
    for part in (
        "SDK statistics: mcnn-made-up on om-sdk (emulated)",
        "Throughput over images in flight (emulated in part)",
    ):
        assert part in text


def test_a_killed_run_has_a_report_that_says_so(tmp_path: Path) -> None:
    writer = made.begin(tmp_path, images=6)
    writer.close()
    text = write(writer.folder).report.read_text(encoding="utf-8")
    assert "The run was killed or is still going" in text
    assert f"pytest bench/ --resume={writer.run.id}" in text


def test_an_empty_run_has_a_report(tmp_path: Path) -> None:
    writer = made.begin(tmp_path, images=0, backends=())
    writer.close()
    text = render(load(writer.folder))
    assert sections(text) == ["results", "attribution", "performance", "environment"]
    assert "Nothing was measured." in text


def test_what_is_absent_says_how_to_get_it(tmp_path: Path) -> None:
    writer = made.begin(tmp_path, images=3)
    writer.finish()
    text = render(load(writer.folder))
    for said in (
        "was not traced",
        "--attribution",
        "No speed was measured",
        "--perfstats",
        "No two backends were compared",
        "No pictures are in the record",
    ):
        assert said in text


def test_without_images_there_is_no_picture(whole_run: Path, tmp_path: Path) -> None:
    with_pictures, without = render(load(whole_run)), render(load(whole_run, pictures=False))
    assert "data:image/jpeg" in with_pictures
    assert "data:image/jpeg" not in without
    assert "This report was made without pictures." in without


def test_a_broken_part_costs_that_part_alone(tmp_path: Path) -> None:
    folder = made.full(tmp_path, images=5)
    (folder / PERFSTATS_FILE).write_text('{"schema": 1, "entries": 7}')
    with (folder / "timings.jsonl").open("ab") as file:
        file.write(b"no json\n")
    for path in (folder / "images").rglob("*.jpg"):
        path.write_bytes(b"no jpeg")
    text = render(load(folder))
    assert "no performance statistics of schema 1" in text
    assert "no timing, passed over" in text
    assert "Latency, one image in flight" in text


def test_a_failed_image_is_neither_drawn_nor_lost(tmp_path: Path) -> None:
    import msgspec

    writer = made.begin(tmp_path, images=4)
    line = made.record("mcnn-made-up", "om-sdk", "IMG_9", 9)
    writer.append(msgspec.structs.replace(line, status="failed", reason="worker-died", predicted_count=None))
    writer.append(made.record("mcnn-made-up", "ckpt", "IMG_9", 9))
    writer.finish()
    text = render(load(writer.folder))
    # After the card of it that ckpt's count may have: its row in the table.
    row = text[text.index(">IMG_9<", text.index('id="table-images')) :]
    assert "worker-died" in row[: row.index("</tr>")]


def test_a_speed_without_a_baseline_does_not_hide_that_accuracy_passed(tmp_path: Path) -> None:
    from reports.reasons import ReasonCode
    from reports.run import VerdictEntry
    from reports.verdict import cannot_tell

    writer = made.begin(tmp_path, images=4)
    nothing = cannot_tell(ReasonCode.NO_BASELINE, "no speed in the baseline")
    entry = VerdictEntry(case="mcnn-made-up", backend="reference", verdict=nothing, kind="latency")
    writer.update(verdicts=(*writer.run.verdicts, entry))
    writer.finish()
    text = render(load(writer.folder))
    row = text[text.index('id="table-results') :]
    assert "accuracy: pass" in row[: row.index("</table>")]
    assert "精度：通过" in row


def test_a_reason_that_many_share_is_told_once_with_all_of_them(tmp_path: Path) -> None:
    from reports.reasons import ReasonCode
    from reports.run import VerdictEntry
    from reports.verdict import cannot_tell

    writer = made.begin(tmp_path, images=4)
    nothing = cannot_tell(ReasonCode.NO_BASELINE, "no speed in the baseline")
    entries = [
        VerdictEntry(case="mcnn-made-up", backend=backend, verdict=nothing, kind=kind)
        for backend in ("reference", "om-sdk")
        for kind in ("latency", "throughput")
    ]
    writer.update(verdicts=(*writer.run.verdicts, *entries))
    writer.finish()
    source = load(writer.folder)
    assert render(source).count("no speed in the baseline") == 1
    notes = Notes(source.outcome)
    (shared,) = [note for note in notes.all if note.reason.message == "no speed in the baseline"]
    assert [(place, kinds.en) for place, kinds in shared.places] == [
        (("mcnn-made-up", "reference"), "latency, throughput"),
        (("mcnn-made-up", "om-sdk"), "latency, throughput"),
    ]
    assert shared.number in notes.numbers("mcnn-made-up", "om-sdk")
    assert shared.number not in notes.numbers("mcnn-made-up", "ckpt")


def test_two_reports_of_a_run_are_the_same(whole_run: Path) -> None:
    assert render(load(whole_run)) == render(load(whole_run))


def test_a_figure_speaks_both_languages_and_has_no_colour_of_its_own(whole_run: Path) -> None:
    text = render(load(whole_run))
    figures = re.findall(r'<svg class="figure".*?</svg>', text, re.DOTALL)
    assert len(figures) >= 8
    for figure in figures:
        assert "<title>" in figure
        assert "var(--" in figure
        assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]\b", figure), "a stand-in for a colour is left"
        assert "font-family" not in figure
    assert '<tspan class="zh">真实人数</tspan>' in text


@pytest.mark.parametrize("name", [made.HOSTILE, "</script>", "a\x1b[31m\u202eb"])
def test_a_hostile_name_is_only_text(tmp_path: Path, name: str) -> None:
    writer = made.begin(tmp_path, names=(name, "IMG_2"), label=name, case="c", title=name)
    writer.finish()
    text = render(load(writer.folder))
    assert text.count("<script>") == 1
    assert "<img src=x" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
