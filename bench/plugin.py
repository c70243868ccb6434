"""The pytest side of a run: options, parametrization over cases x backends, verdicts as test outcomes, the closing table.

What is measured and how is in `bench.session`; this file only translates between it and pytest.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cases.errors import OmgateError
from reports.errors import ReportError

if TYPE_CHECKING:
    from bench.parity import Pairing
    from bench.selection import Options, Selected
    from bench.session import Session
    from reports.parity import Parity
    from reports.verdict import Verdict

HOUSE = Path(__file__).resolve().parents[1]
SESSION = pytest.StashKey["Session"]()
PAIRS = pytest.StashKey["list[Selected]"]()

PROBLEM = pytest.StashKey[str]()
SDK_HOME = pytest.StashKey["str | None"]()
OPTIONS = pytest.StashKey["Options"]()

USER_ERRORS = (OmgateError, ReportError)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest bench/`; those that take a path are given as --option=PATH."""
    group = parser.getgroup("omgate", "omgate: accuracy of model deliverables")
    repeat = {"action": "append", "default": [], "metavar": "NAME"}
    group.addoption(
        "--backend",
        **repeat,
        help="a backend to run: reference (ONNX Runtime, CPU), ckpt (MindSpore), om-sdk (MindX SDK streams), om-mxbase. "
        "Repeatable. Default: all that can run here",
    )
    group.addoption(
        "--case", **repeat, help="a case to run, such as mcnn-synthetic. Repeatable. Default: all"
    )
    group.addoption(
        "--ckpt", metavar="FILE", help="this MindSpore checkpoint instead of the case's (--ckpt=FILE)"
    )
    group.addoption("--onnx", metavar="FILE", help="this ONNX model instead of the case's (--onnx=FILE)")
    group.addoption("--om", metavar="FILE", help="this OM model instead of the case's (--om=FILE)")
    group.addoption(
        "--data",
        metavar="DIR",
        help="this test set instead of the case's: a folder with images/ and ground_truth_csv/ (--data=DIR)",
    )
    group.addoption("--label", default="", metavar="TEXT", help="a name for the run, such as cann-8.0")
    group.addoption(
        "--limit",
        type=_positive,
        metavar="N",
        help="only the first N images; such a run is never a pass and can't be promoted",
    )
    group.addoption(
        "--run-dir", metavar="DIR", help="where run records go (--run-dir=DIR). Default: reports/runs"
    )
    group.addoption(
        "--resume",
        metavar="RUN",
        help="go on with a run that was killed: its id, label or folder (--resume=RUN)",
    )
    group.addoption(
        "--device",
        metavar="N",
        help="the Ascend device to run on, such as 0; cpu keeps ckpt off it. Default: the pipeline's, the first",
    )
    group.addoption(
        "--emulate",
        action="store_true",
        help="om-sdk and om-mxbase on the emulated SDK home, on this processor; what it measures is stamped emulated",
    )
    group.addoption(
        "--gate",
        action="store_true",
        help="for CI: a missing baseline, a skipped backend and every 'cannot tell' fail",
    )
    # --strict is pytest's own since 9.0 (unknown markers and the like fail); here a drift fails with it, too.


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(f"{text}: a whole number from 1")
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Notices a moved root: `--data DIR` with a blank makes pytest take DIR for a test path."""
    config.addinivalue_line("markers", "omgate: a measurement of a deliverable")
    if HOUSE not in (config.rootpath, *config.rootpath.parents) and _names_a_path(config):
        raise pytest.UsageError(
            f"pytest moved its root to {config.rootpath}: it took an option's path for a test path. "
            "Write options that take a path with '=': --data=DIR, --ckpt=FILE, --run-dir=DIR"
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Gives MX_SDK_HOME back as it was before `--emulate`."""
    if SDK_HOME in config.stash:
        before = config.stash[SDK_HOME]
        if before is None:
            os.environ.pop("MX_SDK_HOME", None)
        else:
            os.environ["MX_SDK_HOME"] = before


def _emulate(config: pytest.Config) -> None:
    """Points MX_SDK_HOME at the emulated home, which is made where it is not there yet."""
    from bench.emulator.home import make_home

    config.stash[SDK_HOME] = os.environ.get("MX_SDK_HOME")
    os.environ["MX_SDK_HOME"] = str(make_home())


def _names_a_path(config: pytest.Config) -> bool:
    names = ("ckpt", "onnx", "om", "data", "run_dir", "resume")
    return any(config.getoption(name, None) for name in names)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each case x backend, and for each two backends of a case.

    Named so: test_accuracy[mcnn-synthetic-ckpt], test_parity[mcnn-synthetic-ckpt-vs-reference].
    """
    from bench.parity import pairings

    if not {"pair", "pairing"} & set(metafunc.fixturenames):
        return
    pairs = metafunc.config.stash.get(PAIRS, None)
    if pairs is None:
        pairs = _pairs(metafunc.config)
        metafunc.config.stash[PAIRS] = pairs
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", pairs, ids=[f"{pair.case.name}-{pair.backend}" for pair in pairs])
    if "pairing" in metafunc.fixturenames:
        found = pairings(pairs)
        metafunc.parametrize("pairing", found, ids=[pairing.name for pairing in found])


def _pairs(config: pytest.Config) -> list[Selected]:
    from bench.selection import resumed, select

    try:
        config.stash[OPTIONS] = options = resumed(_options(config))
        if options.emulate:
            _emulate(config)
        return select(options)
    except USER_ERRORS as error:
        config.stash[PROBLEM] = str(error)
        return []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ends the session where the options can't be followed; an exception while tests are generated would count as a broken test."""
    if PROBLEM in config.stash:
        raise pytest.UsageError(f"omgate: {config.stash[PROBLEM]}")
    # One backend alone has none to be compared with: no test rather than pytest's skipped one, unless it is all that was asked for.
    compared = [item for item in items if not _is_empty(item)]
    items[:] = compared or items


def _is_empty(item: pytest.Item) -> bool:
    """True for what pytest makes of an empty list of pairings."""
    from bench.parity import Pairing

    pairing = _parameters(item).get("pairing")
    return pairing is not None and not isinstance(pairing, Pairing)


def _parameters(item: pytest.Item) -> dict[str, object]:
    """What a test was parametrized with, by name."""
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _options(config: pytest.Config) -> Options:
    from bench.selection import Options, cases_folder

    def path(name: str) -> Path | None:
        given = config.getoption(name)
        return (config.invocation_params.dir / given).resolve() if given else None

    return Options(
        run_dir=path("run_dir") or HOUSE / "reports" / "runs",
        cases_dir=cases_folder(),
        cases=tuple(config.getoption("case")),
        backends=tuple(config.getoption("backend")),
        ckpt=path("ckpt"),
        onnx=path("onnx"),
        om=path("om"),
        data=path("data"),
        label=config.getoption("label"),
        limit=config.getoption("limit"),
        resume=config.getoption("resume"),
        gate=config.getoption("gate"),
        strict=config.getoption("strict"),
        emulate=config.getoption("emulate"),
        device=config.getoption("device"),
    )


@pytest.fixture(scope="session")
def omgate_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The run of this pytest session: its record is begun when the first measurement asks for it."""
    from bench.progress import Bar
    from bench.session import Session

    config = request.config
    capture = config.pluginmanager.getplugin("capturemanager")
    bar = Bar(capture.global_and_fixture_disabled if capture else None, quiet=config.get_verbosity() < 0)
    try:
        pairs, pairings = _selected(request.session), _selected_pairings(request.session)
        session = Session.begin(config.stash[OPTIONS], pairs, bar, pairings)
    except USER_ERRORS as error:
        pytest.exit(f"omgate: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    config.stash[SESSION] = session
    yield session
    session.close()


def _selected(session: pytest.Session) -> list[Selected]:
    """The cases on backends of the tests that are left after -k and the like, in their order, without those that can't run here."""
    wanted = {(pair.case.name, pair.backend) for item in session.items for pair in _own_pairs(item)}
    for pairing in _selected_pairings(session):
        wanted |= {(pairing.case.name, pairing.backend), (pairing.case.name, pairing.other)}
    pairs = session.config.stash[PAIRS]
    return [pair for pair in pairs if (pair.case.name, pair.backend) in wanted and not pair.missing]


def _own_pairs(item: pytest.Item) -> list[Selected]:
    from bench.selection import Selected

    pair = _parameters(item).get("pair")
    return [pair] if isinstance(pair, Selected) else []


def _selected_pairings(session: pytest.Session) -> list[Pairing]:
    """The pairings of the tests that are left, without those of which one side can't run here."""
    from bench.parity import Pairing

    found = [_parameters(item).get("pairing") for item in session.items]
    return [pairing for pairing in found if isinstance(pairing, Pairing) and not pairing.missing]


@pytest.fixture
def measured(pair: Selected, request: pytest.FixtureRequest) -> Measured:
    """The case on the backend, ready to be measured; skipped (failed under --gate) where it can't run here."""
    gate = request.config.getoption("gate")
    _need(pair.missing, gate)
    session = request.getfixturevalue("omgate_session")
    return Measured(session, pair, gate, request.config.getoption("strict"))


@pytest.fixture
def paired(pairing: Pairing, request: pytest.FixtureRequest) -> Paired:
    """Two backends of a case, ready to be compared; skipped (failed under --gate) where one of them can't run here."""
    gate = request.config.getoption("gate")
    _need(pairing.missing, gate)
    return Paired(request.getfixturevalue("omgate_session"), pairing, gate)


def _need(missing: str, gate: bool) -> None:
    if missing:
        _undecided(f"cannot-tell: backend-unavailable: {missing}", gate)


def _undecided(text: str, gate: bool) -> None:
    """What can't be told is a skipped test, and a failed one under --gate."""
    if gate:
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


@dataclass(frozen=True)
class Measured:
    """One case on one backend within the run; `settle` turns a verdict into the test's outcome."""

    session: Session
    pair: Selected
    gate: bool
    strict: bool

    def accuracy(self) -> Verdict:
        """The verdict on the whole test set against the stored baseline."""
        return self.session.accuracy(self.pair.case, self.pair.backend)

    def settle(self, verdict: Verdict) -> None:
        """Passes, warns, skips or fails the test; its first line is the verdict."""
        from bench.closing import explain

        text = explain(verdict)
        status = str(verdict.status)
        if status == "regressed" or (status == "drift" and self.strict):
            pytest.fail(text, pytrace=False)
        if status == "cannot-tell":
            _undecided(text, self.gate)
        if status == "drift":
            warnings.warn(Drift(f"{self.pair.case.name}-{self.pair.backend}: {text}"), stacklevel=1)


@dataclass(frozen=True)
class Paired:
    """Two backends of one case within the run."""

    session: Session
    pairing: Pairing
    gate: bool

    def parity(self) -> Parity:
        """How far they are apart on the whole test set."""
        return self.session.parity(self.pairing)

    def settle(self, parity: Parity) -> None:
        """Passes, skips or fails the test; its first line is the verdict."""
        from bench.closing import explain_parity

        text = explain_parity(parity)
        if parity.status == "regressed":
            pytest.fail(text, pytrace=False)
        if parity.status == "cannot-tell":
            _undecided(text, self.gate)


class Drift(UserWarning):
    """A change that is real and smaller than the tolerance."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing measured must be lost when the session was interrupted: the record is closed by its fixture, or here."""
    run = session.config.stash.get(SESSION, None)
    if run is not None:
        run.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The closing table: the verdict first, then the numbers, then the footnotes."""
    run = config.stash.get(SESSION, None)
    if run is None:
        return
    from bench.closing import table

    terminalreporter.section("omgate")
    writer = terminalreporter._tw
    terminalreporter.write(table(run, writer.fullwidth, writer.hasmarkup))
