"""Numbers that no test can be green for yet, with the reason, so that none is forgotten."""

from __future__ import annotations

import pytest


@pytest.mark.skip(reason="producer.id.expiration.ms cannot be set: a day is too long for a test")
def test_c39_after_the_state_has_expired_any_sequence_is_accepted() -> None:
    raise AssertionError


@pytest.mark.skip(reason="offsets.retention.minutes cannot be set: 7 days are too long for a test")
def test_c71_offsets_of_an_empty_group_expire() -> None:
    raise AssertionError


@pytest.mark.skip(reason="compaction is not built yet")
def test_c79_the_last_value_of_each_key_is_kept() -> None:
    raise AssertionError


@pytest.mark.skip(reason="compaction is not built yet")
def test_c80_a_kill_while_segments_are_swapped_leaves_the_old_or_the_new() -> None:
    raise AssertionError


@pytest.mark.skip(reason="a soak of 24 hours: run by hand")
def test_c90_memory_and_file_handles_stay_flat_for_a_day() -> None:
    raise AssertionError
