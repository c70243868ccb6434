"""`omgate emulator`: the emulated SDK home, its exports, its C++ half."""

from __future__ import annotations

import sys

import typer

from bench.commands.common import group

CANNOT_BUILD = 3
"""Exit code of `emulator build` where something that it needs is missing."""

app = group(
    """An SDK home that runs on a CPU: the SDK's names, no device. What is measured on it is emulated and says so.

    It is made on first use, in the user's cache or in OMGATE_EMULATOR_HOME. Programs that were written for the SDK run on it:

    \b
      eval "$(omgate emulator env)"                  MX_SDK_HOME, PYTHONPATH, LD_LIBRARY_PATH, PATH ... in this shell
      atc --framework=5 --model=m.onnx --output=m --soc_version=Ascend310
      python main.py                                 StreamManagerApi, mindx.sdk
      omgate emulator build                          libmxbase.so and Mcnn, for C++
      export MX_SDK_HOME="$MX_SDK_HOME/old"          after that: the C++ headers of SDK 2.0 to 6.x
      pytest bench/ --backend om-sdk --emulate       the same without the exports

    \b
    Faults, for tests (OMGATE_EMULATOR_FAULT, a comma between several; K counts inferences, * is each):
      slow=SECONDS[@K] hang@K error=CODE@K empty@K nan@K shape@K crash@K device-missing
    OMGATE_EMULATOR_DEVICE_SECONDS=0.010: no graph is run, each inference takes that long and gives zeros.
    """
)


@app.command("env")
def emulator_env() -> None:
    """Prints the exports of the home's set_env.sh, for eval; makes the home when it is not there.

    \b
    Example:
      eval "$(omgate emulator env)"
    """
    from bench.emulator.home import make_home, variables

    for name, value in variables(make_home()).items():
        print(f"export {name}={_quoted(value)}")


@app.command("path")
def emulator_path() -> None:
    """Prints the home's folder; makes it when it is not there."""
    from bench.emulator.home import make_home

    print(make_home())


@app.command("build")
def emulator_build() -> None:
    """Compiles the home's mxBase library, and the deliverable's program Mcnn, into the home.

    Needs a C++ compiler, cmake and OpenCV's headers; says what is missing, and ends with 3.
    """
    from bench.emulator.build import CannotBuild, build
    from bench.emulator.home import make_home

    home = make_home()
    try:
        build(home, lambda text: print(text, flush=True))
    except CannotBuild as error:
        print(f"omgate: {error}", file=sys.stderr)
        raise typer.Exit(CANNOT_BUILD) from error


def _quoted(value: str) -> str:
    """The value for a shell, in single quotes."""
    return "'" + value.replace("'", "'\"'\"'") + "'"
