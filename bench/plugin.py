"""The pytest side of a run: options, parametrization over cases x backends, verdicts as test outcomes, the closing table.

What is measured and how is in `bench.session`; this file only translates between it and pytest.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from bench.options import add_options, measures_in_parallel, names_a_path, options_of
from cases.errors import OmgateError
from reports.errors import ReportError

if TYPE_CHECKING:
    from bench.attribution.tracing import Tracing
    from bench.parity import Pairing
    from bench.selection import Options, Selected
    from bench.session import Session
    from reports.attribution import Attribution
    from reports.parity import Parity
    from reports.verdict import Verdict

pytest_plugins = ("bench.latency.plugin",)

HOUSE = Path(__file__).resolve().parents[1]
SESSION = pytest.StashKey["Session"]()
PAIRS = pytest.StashKey["list[Selected]"]()

PROBLEM = pytest.StashKey[str]()
SDK_HOME = pytest.StashKey["str | None"]()
OPTIONS: pytest.StashKey[Options] = pytest.StashKey()
ENDING = pytest.StashKey["list[str]"]()

USER_ERRORS = (OmgateError, ReportError)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest bench/`."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Notices a moved root (`--data DIR` with a blank makes pytest take DIR for a test path) and a parallel run."""
    config.addinivalue_line("markers", "omgate: a measurement of a deliverable")
    if HOUSE not in (config.rootpath, *config.rootpath.parents) and names_a_path(config):
        raise pytest.UsageError(
            f"pytest moved its root to {config.rootpath}: it took an option's path for a test path. "
            "Write options that take a path with '=': --data=DIR, --ckpt=FILE, --run-dir=DIR"
        )
    if measures_in_parallel(config):
        raise pytest.UsageError(
            "omgate measures one thing at a time, or the measurements disturb each other: leave out -n"
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Gives MX_SDK_HOME back as it was before `--emulate`, and forgets the file of `--hosts`."""
    os.environ.pop("OMGATE_HOSTS", None)
    if SDK_HOME in config.stash:
        before = config.stash[SDK_HOME]
        if before is None:
            os.environ.pop("MX_SDK_HOME", None)
        else:
            os.environ["MX_SDK_HOME"] = before


def _live_on_hosts(config: pytest.Config, options: Options) -> None:
    """Names the file of `--hosts` to all that asks for a backend. Raises OmgateError where it, or another option beside it, can't be followed."""
    from bench import hosts

    os.environ.pop(hosts.HOSTS, None)
    if options.hosts is not None:
        hosts.check_beside(
            hosts.read(options.hosts),
            emulate=options.emulate,
            perfstats=options.perfstats,
            attribution=config.getoption("attribution"),
        )
        os.environ[hosts.HOSTS] = str(options.hosts)


def _emulate(config: pytest.Config) -> None:
    """Points MX_SDK_HOME at the emulated home, which is made where it is not there yet."""
    from bench.emulator.home import make_home

    config.stash[SDK_HOME] = os.environ.get("MX_SDK_HOME")
    os.environ["MX_SDK_HOME"] = str(make_home())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each case x backend, and for each two backends of a case.

    Named so: test_accuracy[mcnn-synthetic-ckpt], test_parity[mcnn-synthetic-ckpt-vs-reference], test_attribution[mcnn-synthetic].
    """
    from bench.attribution.tracing import tracings
    from bench.parity import pairings

    if not {"pair", "pairing", "tracing"} & set(metafunc.fixturenames):
        return
    pairs = metafunc.config.stash.get(PAIRS, None)
    if pairs is None:
        pairs = _pairs(metafunc.config)
        metafunc.config.stash[PAIRS] = pairs
    if "pair" in metafunc.fixturenames:
        chosen = _with_statistics(metafunc.config, pairs) if "statistics" in metafunc.fixturenames else pairs
        metafunc.parametrize("pair", chosen, ids=[f"{pair.case.name}-{pair.backend}" for pair in chosen])
    if "pairing" in metafunc.fixturenames:
        found = pairings(pairs)
        metafunc.parametrize("pairing", found, ids=[pairing.name for pairing in found])
    if "tracing" in metafunc.fixturenames:
        traced = tracings(pairs) if metafunc.config.getoption("attribution") else []
        metafunc.parametrize("tracing", traced, ids=[tracing.name for tracing in traced])


def _with_statistics(config: pytest.Config, pairs: list[Selected]) -> list[Selected]:
    """The cases on backends of which `--perfstats` takes the SDK's statistics; none where neither this nor the resumed run has it."""
    from bench.perfstats.measure import BACKENDS

    wanted = OPTIONS in config.stash and config.stash[OPTIONS].perfstats
    return [pair for pair in pairs if pair.backend in BACKENDS] if wanted else []


def _pairs(config: pytest.Config) -> list[Selected]:
    from bench.selection import resumed, select

    try:
        config.stash[OPTIONS] = options = resumed(options_of(config))
        _live_on_hosts(config, options)
        if options.emulate:
            _emulate(config)
        return select(options)
    except USER_ERRORS as error:
        config.stash[PROBLEM] = str(error)
        return []


@pytest.hookimpl(trylast=True)  # after -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ends the session where the options can't be followed; an exception while tests are generated would count as a broken test."""
    if PROBLEM in config.stash:
        raise pytest.UsageError(f"omgate: {config.stash[PROBLEM]}")
    # One backend alone has none to be compared with: no test rather than pytest's skipped one, unless it is all that was asked for.
    compared = [item for item in items if not _is_empty(item)]
    if not compared and any("tracing" in _parameters(item) for item in items):
        raise pytest.UsageError("omgate: an attribution is made with --attribution")
    items[:] = compared or items


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on pytest's JUnit writer listens, where anything is measured: the run's folder gets what it wrote."""
    if PAIRS in session.config.stash and any(hasattr(item, "callspec") for item in session.items):
        from bench.ending import watch

        watch(session.config)


def _is_empty(item: pytest.Item) -> bool:
    """True for what pytest makes of an empty list of pairings, tracings, or pairs with statistics."""
    from bench.attribution.tracing import Tracing
    from bench.parity import Pairing
    from bench.selection import Selected

    given = _parameters(item)
    kinds = {"pairing": Pairing, "tracing": Tracing, "pair": Selected}
    return any(name in given and not isinstance(given[name], kind) for name, kind in kinds.items())


def _parameters(item: pytest.Item) -> dict[str, object]:
    """What a test was parametrized with, by name."""
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


@pytest.fixture(scope="session")
def omgate_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The run of this pytest session: its record is begun when the first measurement asks for it."""
    from bench.ending import warm_up
    from bench.latency.plugin import wanted_of
    from bench.progress import Bar
    from bench.session import Session

    config = request.config
    capture = config.pluginmanager.getplugin("capturemanager")
    bar = Bar(capture.global_and_fixture_disabled if capture else None, quiet=config.get_verbosity() < 0)
    try:
        pairs, pairings = _selected(request.session), _selected_pairings(request.session)
        session = Session.begin(
            config.stash[OPTIONS],
            pairs,
            bar,
            pairings,
            _selected_tracings(request.session),
            _selected_statistics(request.session),
            wanted_of(request.session),
        )
    except USER_ERRORS as error:
        pytest.exit(f"omgate: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    config.stash[SESSION] = session
    if not config.getoption("no_report"):
        warm_up()
    yield session
    session.close()


def _selected(session: pytest.Session) -> list[Selected]:
    """The cases on backends of the tests that are left after -k and the like, in their order, without those that can't run here."""
    wanted = {(pair.case.name, pair.backend) for item in session.items for pair in _own_pairs(item)}
    for pairing in _selected_pairings(session):
        wanted |= {(pairing.case.name, pairing.backend), (pairing.case.name, pairing.other)}
    pairs = session.config.stash[PAIRS]
    traced = {tracing.case.name for tracing in _selected_tracings(session)}
    wanted |= {(pair.case.name, pair.backend) for pair in pairs if pair.case.name in traced}
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


def _selected_tracings(session: pytest.Session) -> list[Tracing]:
    """The tracings of the tests that are left, without those of cases that can't run here."""
    from bench.attribution.tracing import Tracing

    found = [_parameters(item).get("tracing") for item in session.items]
    return [tracing for tracing in found if isinstance(tracing, Tracing) and not tracing.missing]


def _selected_statistics(session: pytest.Session) -> list[Selected]:
    """The cases on backends whose SDK statistics are asked for by the tests that are left, without those that can't run here."""
    asking = [item for item in session.items if "statistics" in getattr(item, "fixturenames", ())]
    return [pair for item in asking for pair in _own_pairs(item) if not pair.missing]


@pytest.fixture
def measured(pair: Selected, request: pytest.FixtureRequest) -> Measured:
    """The case on the backend, ready to be measured; skipped (failed under --gate) where it can't run here."""
    gate = request.config.getoption("gate")
    _need(pair.missing, gate)
    session = request.getfixturevalue("omgate_session")
    return Measured(session, pair, gate, request.config.getoption("strict"))


@pytest.fixture
def statistics(measured: Measured) -> Measured:
    """The case on a backend that has statistics of the SDK; asked for with `--perfstats` alone."""
    return measured


@pytest.fixture
def paired(pairing: Pairing, request: pytest.FixtureRequest) -> Paired:
    """Two backends of a case, ready to be compared; skipped (failed under --gate) where one of them can't run here."""
    gate = request.config.getoption("gate")
    _need(pairing.missing, gate)
    return Paired(request.getfixturevalue("omgate_session"), pairing, gate)


@pytest.fixture
def traced(tracing: Tracing, request: pytest.FixtureRequest) -> Traced:
    """A case whose difference can be traced; skipped (failed under --gate) where none of its backends can run here."""
    gate = request.config.getoption("gate")
    _need(tracing.missing, gate)
    return Traced(request.getfixturevalue("omgate_session"), tracing, gate)


def _need(missing: str, gate: bool) -> None:
    if missing:
        _undecided(f"cannot-tell: backend-unavailable: {missing}", gate)


def _undecided(text: str, gate: bool) -> NoReturn:
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

    def perfstats(self) -> Verdict:
        """The verdict on the SDK's own statistics against those of the stored baseline."""
        return self.session.performance.verdicts(self.pair.case, self.pair.backend, "perfstats")[0]

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


@dataclass(frozen=True)
class Traced:
    """The ladder of one case within the run. It explains and judges nothing: a ladder that could be built is a pass."""

    session: Session
    tracing: Tracing
    gate: bool

    def attribution(self) -> Attribution:
        """The ladder; the test is skipped (failed under --gate) where there is none."""
        from reports.ladder import NoLadder

        try:
            return self.session.attribution(self.tracing)
        except NoLadder as error:
            _undecided(f"cannot-tell: no-attribution: {error}", self.gate)


class Drift(UserWarning):
    """A change that is real and smaller than the tolerance."""


@pytest.hookimpl(tryfirst=True)  # before pytest's JUnit writer, which is told where to write
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing measured must be lost when the session was interrupted: the record is closed by its fixture, or here; then the report is written."""
    run, config = session.config.stash.get(SESSION, None), session.config
    if run is not None:
        run.close()
    if PAIRS in config.stash:
        from bench.ending import write

        cases = {pair.case.name: pair.case for pair in config.stash[PAIRS]}
        folder = run.writer.folder if run is not None else None
        report, pictures = not config.getoption("no_report"), not config.getoption("no_images")
        config.stash[ENDING] = write(config, folder, cases.values(), report, pictures)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The closing table: the verdict first, then the numbers, then the footnotes."""
    run = config.stash.get(SESSION, None)
    if run is None:
        return
    from bench.closing import table

    terminalreporter.section("omgate")
    writer = terminalreporter._tw
    terminalreporter.write(table(run, writer.fullwidth, writer.hasmarkup))
    for line in config.stash.get(ENDING, []):
        terminalreporter.write_line(line)
