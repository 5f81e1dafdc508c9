"""C89: leader epochs tell consumers that a log may have become shorter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode
from raw.client import LATEST, Client
from raw.member import commit_offsets, fetch_offset
from raw.test_data_check import check
from raw.test_recovery import segments

pytestmark = pytest.mark.quick


def current_epoch(client: Client, topic: str) -> int:
    epoch: int = client.topic_metadata(topic).partitions[0].leaderEpoch
    return epoch


def end_of(
    client: Client, topic: str, epoch: int, current: int = -1, version: int = 4
) -> tuple[int, int, int]:
    """(error, epoch, end offset) of a leader epoch."""
    partition = {"partition": 0, "currentLeaderEpoch": current, "leaderEpoch": epoch}
    topics = [{"topic": topic, "partitions": [partition]}]
    answer = client.call("OffsetForLeaderEpoch", version, topics=topics)
    found = answer.topics[0].partitions[0]
    return found.errorCode, found.leaderEpoch, found.endOffset


@pytest.mark.parametrize("version", range(2, 5))
def test_c89_epochs_of_one_life(client: Client, topic: str, version: int) -> None:
    client.write(topic, b"a", b"b", b"c")
    epoch = current_epoch(client, topic)
    assert end_of(client, topic, epoch, version=version) == (0, epoch, 3)
    assert end_of(client, topic, epoch + 1, version=version) == (0, -1, -1)
    if epoch > 0:
        assert end_of(client, topic, epoch - 1, version=version) == (0, epoch - 1, 0)
    fenced, unknown = ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.UNKNOWN_LEADER_EPOCH
    assert end_of(client, topic, epoch, epoch - 1, version)[0] == fenced
    assert end_of(client, topic, epoch, epoch + 1, version)[0] == unknown
    assert end_of(client, topic, epoch, epoch, version) == (0, epoch, 3)


def test_c89_an_unknown_topic_gets_error_3(client: Client, unique: Callable[[str], str]) -> None:
    assert end_of(client, unique("missing"), 0)[0] == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_c89_every_start_takes_a_higher_epoch_and_knows_where_the_old_ones_end(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic, epochs = own.create_topic("epochs"), []
    for round_number in range(4):
        with Client(broker_process.bootstrap) as client:
            epochs.append(current_epoch(client, topic))
            if round_number != 2:  # An epoch without records is forgotten.
                client.write(topic, b"a", b"b")
        broker_process.restart(kill=round_number % 2 == 0)
    assert epochs == sorted(set(epochs)), "higher every time"
    with Client(broker_process.bootstrap) as client:
        now = current_epoch(client, topic)
        assert now > epochs[3]
        stored = [batch.leader_epoch for batch in client.batches(topic)]
        assert stored == [epochs[0], epochs[1], epochs[3]]
        assert end_of(client, topic, epochs[0]) == (0, epochs[0], 2)
        assert end_of(client, topic, epochs[1]) == (0, epochs[1], 4)
        assert end_of(client, topic, epochs[2]) == (0, epochs[1], 4)
        assert end_of(client, topic, epochs[3]) == (0, epochs[3], 6)
        assert end_of(client, topic, now)[2] == 6
        assert client.offset_at(topic, LATEST).leaderEpoch in (now, epochs[3])
        assert client.offset_at(topic, 0).leaderEpoch == epochs[0], "of the batch found"


def test_c89_a_consumer_of_a_tail_that_was_lost_is_told_where_to_go_on(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("shorter")
    for number in range(5):
        own.write(topic, b"old %d" % number)
    epoch = current_epoch(own, topic)
    (log,) = segments(broker_process, own, topic)
    broker_process.kill()
    # As after a power loss: the last two batches never reached the disk.
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size * 3 // 5)
    broker_process.start()
    with Client(broker_process.bootstrap) as client:
        assert client.end_offset(topic) == 3
        for number in range(4):
            assert client.write(topic, b"new %d" % number) == 3 + number
        # The consumer stands at 5 with the old epoch. It is fenced, asks, and goes back to 3.
        now = current_epoch(client, topic)
        client.send_fetch(
            [
                {
                    "topic": topic,
                    "partition": 0,
                    "fetchOffset": 5,
                    "currentLeaderEpoch": epoch,
                    "partitionMaxBytes": 1 << 20,
                }
            ]
        )
        assert client.receive_fetch()[0].errorCode == ErrorCode.FENCED_LEADER_EPOCH
        assert end_of(client, topic, epoch, current=now) == (0, epoch, 3)


@pytest.mark.parametrize("from_then_on_kill", [True, False])
def test_c89_an_offset_that_was_committed_beyond_the_new_end_is_kept(
    broker_process: BrokerProcess, own: Client, from_then_on_kill: bool
) -> None:
    topic = own.create_topic("shorter", 2)
    for number in range(5):
        own.write(topic, b"old %d" % number)
    epoch = current_epoch(own, topic)
    committed = {(topic, 0): (5, "beyond"), (topic, 1): (0, "at the end")}
    codes = commit_offsets(own, "readers", committed)
    assert set(codes.values()) == {ErrorCode.NONE}
    log = next(log for log in segments(broker_process, own, topic) if log.stat().st_size > 0)
    broker_process.kill()
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size * 3 // 5)
    found = check(broker_process)
    assert "notice: " in found.stdout and "has committed offset 5 of shorter-0" in found.stdout
    broker_process.start()

    def is_kept(client: Client) -> None:
        offset = fetch_offset(client, "readers", topic)
        assert (offset.committedOffset, offset.metadata) == (5, "beyond")
        assert fetch_offset(client, "readers", topic, 1).committedOffset == 0

    with Client(broker_process.bootstrap) as client:
        assert client.end_offset(topic) == 3
        is_kept(client)
        # A consumer that begins there is told, and does what its auto.offset.reset says.
        assert client.fetch(topic, 5).errorCode == ErrorCode.OFFSET_OUT_OF_RANGE
        # With the epoch in which it was committed, it is told where that one ends.
        assert end_of(client, topic, epoch) == (0, epoch, 3)
    broker_process.restart(kill=from_then_on_kill)
    with Client(broker_process.bootstrap) as client:
        is_kept(client)
        for number in range(3):
            client.write(topic, b"new %d" % number)
        is_kept(client)
        assert client.values(topic, offset=5) == [b"new 2"]
