"""C77 and C78: what is too old or too much is removed, whole segments at a time."""

from __future__ import annotations

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Record
from kafka_codec.records import now_milliseconds
from raw.client import Client, wait_for
from raw.test_configs import DELETE, SET, alter

pytestmark = [
    pytest.mark.quick,
    pytest.mark.settings("broker.retention_check_interval=100ms"),
]
SEGMENT = 1_048_576
OLD = 3_600_000
VALUE = bytes(400_000)


def fill(client: Client, topic: str, count: int, timestamp: int | None = None) -> None:
    """Two batches fit into a segment."""
    for _ in range(count):
        client.write(topic, Record(VALUE, timestamp=timestamp))


def logs(broker: BrokerProcess) -> list[str]:
    return sorted(path.name for path in broker.data.rglob("*.log"))


def test_c78_segments_older_than_retention_ms_are_removed_whole(
    broker_process: BrokerProcess, own: Client
) -> None:
    # Without a limit at first: what is looked at while it is being filled is rolled early.
    mixed, old = (own.create_topic(name, segment_bytes=SEGMENT, retention_ms=-1) for name in "mo")
    now = now_milliseconds()
    fill(own, mixed, 1, now - OLD)
    fill(own, mixed, 1, now)
    fill(own, old, 6, now - OLD)
    fill(own, old, 1, now)
    assert len(logs(broker_process)) == 1 + 4
    for topic in (mixed, old):
        assert alter(own, topic, ("retention.ms", SET, "60000")) == ErrorCode.NONE
    wait_for(lambda: own.start_offset(old) == 6, "all old segments are removed")
    assert own.fetch(old, 3).errorCode == ErrorCode.OFFSET_OUT_OF_RANGE
    assert own.values(old, offset=6) == [VALUE]
    assert own.start_offset(mixed) == 0, "a segment stays until its last record is old"


def test_c78_the_active_segment_is_rolled_when_it_is_itself_expired(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("expired", retention_ms=60_000)
    fill(own, topic, 3, now_milliseconds() - OLD)
    wait_for(lambda: own.start_offset(topic) == 3, "the only segment is removed")
    assert own.end_offset(topic) == 3
    assert own.write(topic, b"new") == 3
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert (client.start_offset(topic), client.end_offset(topic)) == (3, 4)


def test_c78_segments_beyond_retention_bytes_are_removed(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic(
        "large", segment_bytes=SEGMENT, retention_bytes=2 * SEGMENT, file_delete_delay_ms=0
    )
    fill(own, topic, 12)
    wait_for(lambda: own.start_offset(topic) > 0, "the oldest are removed")

    def kept() -> int:
        return sum(path.stat().st_size for path in broker_process.data.rglob("*.log"))

    wait_for(lambda: kept() < 3 * SEGMENT, "files go")
    start = own.start_offset(topic)
    assert start % 2 == 0, "whole segments"
    assert kept() >= 2 * SEGMENT * 3 // 4, "not more than asked for"
    assert len(own.values(topic, offset=start)) == 12 - start
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert client.start_offset(topic) >= start
        assert client.end_offset(topic) == 12


def test_c78_times_in_the_future_keep_their_segment(own: Client) -> None:
    kept = own.create_topic("future", segment_bytes=SEGMENT, retention_ms=1000)
    probe = own.create_topic("probe", segment_bytes=SEGMENT, retention_ms=1000)
    fill(own, kept, 4, now_milliseconds() + OLD)
    fill(own, probe, 4, now_milliseconds() - OLD)
    wait_for(lambda: own.start_offset(probe) == 4, "retention ran")
    assert own.start_offset(kept) == 0


def test_c78_without_limits_everything_is_kept(own: Client) -> None:
    kept = own.create_topic("kept", segment_bytes=SEGMENT, retention_ms=-1)
    probe = own.create_topic("probe", segment_bytes=SEGMENT, retention_ms=1000)
    for topic in (kept, probe):
        fill(own, topic, 4, 1000)
    wait_for(lambda: own.start_offset(probe) == 4, "retention ran")
    assert own.start_offset(kept) == 0


def test_c78_a_compacted_topic_is_not_cut_by_time(own: Client) -> None:
    compacted = own.create_topic("compacted", cleanup_policy="compact", retention_ms=1000)
    probe = own.create_topic("probe", retention_ms=1000)
    own.write(compacted, Record(VALUE, b"key", timestamp=1000))
    own.write(probe, Record(VALUE, timestamp=1000))
    wait_for(lambda: own.start_offset(probe) == 1, "retention ran")
    assert own.start_offset(compacted) == 0


def test_c77_a_change_of_retention_ms_takes_effect(own: Client) -> None:
    topic = own.create_topic("changed", segment_bytes=SEGMENT, retention_ms=-1)
    probe = own.create_topic("probe", retention_ms=1000)
    fill(own, topic, 4, now_milliseconds() - OLD)
    fill(own, probe, 1, now_milliseconds() - OLD)
    wait_for(lambda: own.start_offset(probe) == 1, "retention ran")
    assert own.start_offset(topic) == 0
    assert alter(own, topic, ("retention.ms", SET, "60000")) == ErrorCode.NONE
    wait_for(lambda: own.start_offset(topic) == 4, "the new limit holds")
    assert alter(own, topic, ("retention.ms", DELETE, None)) == ErrorCode.NONE
    fill(own, topic, 1, now_milliseconds() - OLD)
    assert own.start_offset(topic) == 4
