"""C54 and C81: the crash loop; a short one with `-m quick`, 200 kills otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from broker_process import NEEDS_PROCESS, find_freshet

pytestmark = [pytest.mark.quick, pytest.mark.timeout(1500)]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> str:
    """What the loop says after it has held; its own words when it has not."""
    if request.config.getoption("--bootstrap"):
        pytest.skip(NEEDS_PROCESS)
    is_quick = request.config.getoption("markexpr") == "quick"
    freshet = find_freshet(request.config.getoption("--freshet"))
    assert freshet is not None, "no freshet program: build it, or give --freshet PATH"
    command = [
        sys.executable,
        str(HERE / "crash_loop.py"),
        "--freshet",
        str(freshet),
        "--kills",
        "8" if is_quick else "200",
    ]
    loop = subprocess.run(command, capture_output=True, text=True)
    assert loop.returncode == 0, loop.stdout[-4000:] + loop.stderr[-4000:]
    return loop.stdout


def test_c54_output_of_transactions_is_f_of_the_input_over_kills(report: str) -> None:
    assert "transformed: " in report and "f of the input, each once, in order" in report


def test_c81_every_acknowledged_record_is_at_its_offset_over_kills(report: str) -> None:
    for name in ("acks-all: ", "acks-1: ", "idempotent: "):
        assert name in report
    assert report.count("each at its acknowledged offset") == 3
