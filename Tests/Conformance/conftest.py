"""Fixtures of the conformance suite: a shared broker, brokers of a case's own, unique names.

Every case is a test named `test_cNN_what_holds`, after the numbered list in CASES.md.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker_process import NEEDS_PROCESS, BrokerProcess, find_freshet
from cases import all_cases, case_number, listed



def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--bootstrap",
        metavar="HOST:PORT",
        help="the broker to check (default: start one); cases that must restart it are skipped",
    )
    group.addoption(
        "--freshet",
        metavar="PATH",
        help="the program to start brokers with (default: .build/release, then .build/debug)",
    )


def freshet_program(config: pytest.Config) -> Path:
    program = find_freshet(config.getoption("--freshet"))
    if program is None:
        pytest.exit("no freshet program: build it, or give --freshet PATH or --bootstrap", 2)
    return program


@pytest.fixture(scope="session")
def shared_process(request: pytest.FixtureRequest) -> Iterator[BrokerProcess | None]:
    """The process that all cases share; None when a broker was named."""
    if request.config.getoption("--bootstrap"):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="freshet-conformance-") as directory:
        process = BrokerProcess(freshet_program(request.config), Path(directory))
        process.start()
        yield process
        process.stop()


@pytest.fixture(scope="session")
def bootstrap(request: pytest.FixtureRequest, shared_process: BrokerProcess | None) -> str:
    """Address HOST:PORT of the shared broker."""
    named: str | None = request.config.getoption("--bootstrap")
    if shared_process is None:
        assert named is not None
        return named
    return shared_process.bootstrap


@pytest.fixture
def broker_directory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where `broker_process` has its files: on the disk, or in memory if the case says so."""
    memory = Path("/dev/shm")
    if request.node.get_closest_marker("in_memory") is None or not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="freshet-conformance-", dir=memory) as directory:
        yield Path(directory)


@pytest.fixture
def broker_process(
    request: pytest.FixtureRequest, broker_directory: Path
) -> Iterator[BrokerProcess]:
    """A running broker of this case's own: `kill()`, `restart()`, `stop()`, `data`, `bootstrap`.

    `@pytest.mark.settings("broker.maximum_connections=5")` sets keys of its configuration,
    `@pytest.mark.environment(NAME="value")` variables. Its log is shown when the case fails.
    """
    if request.config.getoption("--bootstrap"):
        pytest.skip(NEEDS_PROCESS)
    settings = [key for mark in request.node.iter_markers("settings") for key in mark.args]
    environment: dict[str, str] = {}
    for mark in request.node.iter_markers("environment"):
        environment.update(mark.kwargs)
    process = BrokerProcess(
        freshet_program(request.config), broker_directory, settings, environment
    )
    try:
        yield process.start()
    finally:
        status = process.process.poll() if process.process else None
        process.kill()
        print(f"log of {process.bootstrap}, which had ended with {status}:\n{process.log_tail()}")


@pytest.fixture(scope="session")
def unique() -> Callable[[str], str]:
    """`unique("orders")` is a name for a topic, group or id that no other case and run uses."""
    counter = itertools.count(1)
    return lambda stem: f"{stem}-{os.getpid():x}-{os.urandom(3).hex()}-{next(counter)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what became of each case, and why some were skipped, so that none is missed."""
    outcomes: dict[int, set[str]] = {}
    skips: dict[str, list[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            number = case_number(report.nodeid)
            if number is not None:
                outcomes.setdefault(number, set()).add(outcome)
            if outcome == "skipped":
                skips.setdefault(skip_reason(report), []).append(report.nodeid)
    if not outcomes:
        return
    cases = all_cases().values()
    here = {case.number for case in cases if case.reason is None}
    red = [number for number, seen in outcomes.items() if seen & {"failed", "error"}]
    skipped = [number for number, seen in outcomes.items() if seen == {"skipped"}]
    say = terminalreporter.write_line
    terminalreporter.section("conformance cases")
    say(f"green {len(outcomes) - len(red) - len(skipped)} of {len(here)}")
    missing = here - set(outcomes)
    for label, numbers in (("red", red), ("skipped", skipped), ("not in this run", missing)):
        if numbers:
            say(f"{label} {len(numbers)}: {listed(numbers)}")
    for case in cases:
        if case.reason is not None:
            say(f"not here C{case.number:02}: {case.reason}")
    if skips:
        say(f"skipped tests, {sum(map(len, skips.values()))}, by reason:")
    for reason in sorted(skips):
        names = {case_number(name) for name in skips[reason]} - {None}
        say(f"  {reason}: {len(skips[reason])} ({listed(number for number in names if number)})")


def skip_reason(report: pytest.TestReport) -> str:
    """What a skipped test said."""
    told = report.longrepr
    return str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")
