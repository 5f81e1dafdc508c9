"""What the crash loop looks for is found: each promise, broken by hand, fails the comparison."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import records  # noqa: E402
import verify  # noqa: E402
from broker import Failure  # noqa: E402

pytestmark = pytest.mark.quick
SENT = 6


@pytest.fixture
def log() -> list[list[tuple[int, int, bytes]]]:
    """Two partitions, a record in each in turn: (offset, leader epoch, value)."""
    return [
        [(place, 1, records.value(0, 2 * place + index)) for place in range(SENT // 2)]
        for index in range(2)
    ]


@pytest.fixture
def answers(tmp_path: Path) -> dict[int, tuple[Path, int]]:
    ledger = records.Ledger(tmp_path / "ledger")
    for number in range(SENT):
        ledger.add(number, number % 2, number // 2)
    ledger.close()
    return {0: (tmp_path / "ledger", SENT)}


def lose(log):
    log[1].pop()


def lose_in_the_middle(log):
    del log[0][1]


def change(log):
    offset, epoch, value = log[0][0]
    log[0][0] = (offset, epoch, value[:-1] + bytes([value[-1] ^ 1]))


def swap(log):
    log[0][:2] = [(0, 1, log[0][1][2]), (1, 1, log[0][0][2])]


def repeat(log):
    log[0].append((3, 1, log[0][2][2]))


def invent(log):
    log[0].append((3, 1, records.value(9, 9)))


def test_what_is_promised_passes(log, answers):
    assert verify.check_producers("t", log, answers, exactly_once=True) == 0


@pytest.mark.parametrize("exactly_once", [True, False])
@pytest.mark.parametrize("harm", [lose, lose_in_the_middle, change, swap, repeat, invent])
def test_harm_is_found(log, answers, harm, exactly_once):
    harm(log)
    with pytest.raises(Failure):
        verify.check_producers("t", log, answers, exactly_once)


def test_an_answer_that_never_came_is_found(log, answers):
    path, _ = answers[0]
    with pytest.raises(Failure, match="answered"):
        verify.check_producers("t", log, {0: (path, SENT + 1)}, exactly_once=False)


def test_a_copy_of_an_earlier_start_is_allowed_to_plain_producers_only(log, tmp_path):
    log[0].insert(0, (0, 0, log[0][0][2]))
    log[0] = [(place, epoch, value) for place, (_, epoch, value) in enumerate(log[0])]
    ledger = records.Ledger(tmp_path / "moved")
    for number in range(SENT):
        ledger.add(number, number % 2, number // 2 + (number % 2 == 0))
    ledger.close()
    moved = {0: (tmp_path / "moved", SENT)}
    assert verify.check_producers("t", log, moved, exactly_once=False) == 1
    with pytest.raises(Failure, match="2 times"):
        verify.check_producers("t", log, moved, exactly_once=True)


def test_a_copy_after_the_acknowledged_one_is_found(log, answers):
    log[0].append((3, 2, log[0][0][2]))
    with pytest.raises(Failure, match="copies"):
        verify.check_producers("t", log, answers, exactly_once=False)


@pytest.mark.parametrize("harm", [lose, lose_in_the_middle, change, swap, repeat])
def test_what_a_reader_saw_and_is_not_there_is_found(log, tmp_path, harm):
    ledger = records.Ledger(tmp_path / "seen")
    for index, entries in enumerate(log):
        for offset, epoch, value in entries:
            ledger.add(zlib.crc32(value), index, offset, epoch)
    ledger.close()
    verify.check_follower("t", log, tmp_path / "seen")
    harm(log)
    with pytest.raises(Failure):
        verify.check_follower("t", log, tmp_path / "seen")


@pytest.mark.parametrize("harm", [lose, lose_in_the_middle, swap, repeat])
def test_output_that_is_not_f_of_the_input_is_found(log, harm):
    output = [
        [(offset, 1, records.derived(index, offset, value)) for offset, _, value in entries]
        for index, entries in enumerate(log)
    ]
    verify.check_transformed("t", output, log)
    harm(output)
    with pytest.raises(Failure):
        verify.check_transformed("t", output, log)
