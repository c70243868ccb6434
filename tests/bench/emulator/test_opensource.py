"""Builds that were written for a real SDK home: old string layout, the SDK's OpenCV, glog and cpprest, the headers of SDK 2.0 to 6.x."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.opensource import put_opensource
from tests.bench.emulator.graphs import scaled_in_half
from tests.bench.emulator.mxbase_home import PROGRAMS, Stage, compiled, values

PUBLISHED = ["-std=c++11", "-D_GLIBCXX_USE_CXX11_ABI=0", "-Dgoogle=mindxsdk_private", "-fPIE", "-pie"]
"""How published CMakeLists compile."""

OPENCV = Path("/usr/include/opencv4/opencv2/core/version.hpp")

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here: apt-get install g++")


@pytest.fixture
def home(emulated_home: Path, mxbase_library: Path, tmp_path: Path) -> Path:
    """A home with the library, whose path has a space."""
    folder = tmp_path / "an SDK"
    folder.mkdir()
    for path in emulated_home.iterdir():
        if path.name != "lib":
            (folder / path.name).symlink_to(path)
    (folder / "lib").symlink_to(mxbase_library)
    return folder


@pytest.fixture
def stage(emulated_home: Path, tmp_path: Path) -> Stage:
    work = tmp_path / "work"
    work.mkdir()
    return Stage(emulated_home, work)


@pytest.mark.skipif(not OPENCV.is_file(), reason="no OpenCV here: apt-get install libopencv-dev")
def test_a_program_links_with_the_names_of_the_sdk(home: Path, stage: Stage) -> None:
    put_opensource(home)
    old = home / "old"
    done = compiled(
        *PUBLISHED, f"-I{old}/opensource/include", f"-I{old}/opensource/include/opencv4", f"-I{old}/include",
        f"-L{old}/opensource/lib", f"-L{old}/lib", PROGRAMS / "picture.cpp",
        "-lglog", "-lcpprest", "-lmxbase", "-lopencv_world", "-o", stage.folder / "picture",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    import cv2

    picture = np.arange(40, dtype=np.uint8).reshape(5, 8)
    assert cv2.imwrite(str(stage.folder / "small.png"), picture)
    done = stage.run(
        ["./picture", stage.model("scaled"), "small.png"],
        MX_SDK_HOME=str(old),
        LD_LIBRARY_PATH=str(old / "lib"),
    )
    assert (done.returncode, values(done.stdout, "size")) == (0, ["8 5"]), done.stderr
    want = scaled_in_half(np.array([[0, 1, 2]], np.float32)).sum()
    assert float(values(done.stdout, "sum")[0]) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("headers", ["include", "include-old"])
@pytest.mark.parametrize("before", ["-D_GLIBCXX_USE_CXX11_ABI=0", "-D_GLIBCXX_USE_CXX11_ABI=1", "-DNOTHING"])
def test_strings_are_todays_whatever_a_build_says(
    emulated_home: Path, tmp_path: Path, headers: str, before: str
) -> None:
    source = tmp_path / "strings.cpp"
    source.write_text(
        '#include <vector>\n#include "MxBase/Log/Log.h"\n#include <string>\n'
        'static_assert(_GLIBCXX_USE_CXX11_ABI == 1, "another string");\n'
        'static_assert(sizeof(std::string) > sizeof(void*), "another string");\n'
    )
    done = compiled("-std=c++11", "-fsyntax-only", before, f"-I{emulated_home / headers}", source)
    assert (done.returncode, done.stderr) == (0, "")


def test_made_again_over_what_is_there(home: Path) -> None:
    put_opensource(home)
    os.unlink(home / "old" / "bin")
    (home / "old" / "bin").symlink_to("/nowhere")
    (home / "opensource" / "lib" / "libglog.so").write_text("old")
    told = put_opensource(home)
    assert str(home / "old") in told
    assert (home / "old" / "bin").resolve() == (home / "bin").resolve()
    assert (home / "old" / "include" / "MxBase/Tensor/TensorContext/TensorContext.h").is_file()
    assert not (home / "old" / "old").is_symlink()
    assert "libmxbase" in (home / "opensource" / "lib" / "libglog.so").read_text()
