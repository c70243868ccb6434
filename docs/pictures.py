"""Makes the README's pictures: the top of a run's report, and of the diff of two runs. Needs Chromium and Pillow.

    python docs/pictures.py RUN OLD NEW [--run-dir DIR]

The pages are made by `omgate report` and `omgate diff`; nothing is drawn here.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

PICTURES = Path(__file__).parent / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH = 1200
HEIGHTS = {"report": 1500, "diff": 1100}
"""Pixels: what of each page the README shows."""

COLOURS = 128


def main() -> None:
    """Both pictures, into docs/pictures/."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--run-dir", default="reports/runs")
    given = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        report, diff = Path(scratch) / "report.html", Path(scratch) / "diff.html"
        _omgate("report", given.run, f"--output={report}", f"--run-dir={given.run_dir}")
        _omgate("diff", given.old, given.new, f"--html={diff}", f"--folder={given.run_dir}")
        for page in (report, diff):
            _picture(page, PICTURES / f"{page.stem}.png")


def _omgate(*arguments: str) -> None:
    # 1 and 3 are verdicts, not failures.
    done = subprocess.run(["omgate", *arguments], stdout=subprocess.DEVNULL, check=False)
    if done.returncode == 2:
        raise SystemExit(f"omgate {arguments[0]} could not do it")


def _picture(page: Path, target: Path) -> None:
    from PIL import Image

    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"no Chromium here ({', '.join(BROWSERS)}): apt-get install chromium")
    size = f"--window-size={WIDTH},{HEIGHTS[page.stem]}"
    shot = page.with_suffix(".png")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size, f"--screenshot={shot}"]
    subprocess.run([browser, *flags, page.as_uri()], stderr=subprocess.DEVNULL, check=True)
    with Image.open(shot) as image:
        image.convert("RGB").quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    main()
