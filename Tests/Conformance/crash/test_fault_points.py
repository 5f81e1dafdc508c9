"""C52: the broker dies while it ends a transaction; after the next start nothing is half ended.

`FRESHET_BROKER_FAULT=place[:count]` makes the broker kill itself with SIGKILL when it comes to a
place in the protocol of 3.6 rule 10 for the count-th time.
"""

from __future__ import annotations

import signal

import pytest

from broker_process import BrokerFailure, BrokerProcess
from kafka_codec import ConnectionEnded, ErrorCode
from raw.client import LATEST, READ_COMMITTED, Client
from raw.member import commit_offsets, fetch_offset
from raw.producer import Producer

pytestmark = pytest.mark.quick
PLACES = ["afterPrepare", "betweenMarkers:1", "betweenMarkers:2", "beforeComplete"]
TOPIC, GROUP, NAME = "orders", "billing", "worker"
PARTITIONS = range(4)
# The last partition is added to the transaction and never written.
WRITTEN = PARTITIONS[:-1]
BEFORE, INSIDE, AFTER = 5, 42, 77


def die_at(broker: BrokerProcess, place: str | None) -> None:
    """Restarts the broker so that it kills itself at that place; None for nowhere."""
    if broker.is_running:
        broker.stop()
    broker.environment.pop("FRESHET_BROKER_FAULT", None)
    if place is not None:
        broker.environment["FRESHET_BROKER_FAULT"] = place
    broker.start()


def prepare(client: Client) -> Producer:
    """A topic with a committed transaction, a group with an offset, and an open transaction."""
    client.create_topic(TOPIC, len(PARTITIONS))
    commit_offsets(client, GROUP, {(TOPIC, 0): (BEFORE, "plain")}, version=6)
    producer = Producer.start(client, NAME)
    producer.begin(TOPIC, *WRITTEN)
    for partition in WRITTEN:
        producer.write(TOPIC, b"before", partition=partition)
    producer.finish(commit=True)
    producer.begin(TOPIC, *PARTITIONS)
    for partition in WRITTEN:
        producer.write(TOPIC, b"inside", b"the transaction", partition=partition)
    assert producer.add_offsets(GROUP) == ErrorCode.NONE
    assert producer.commit_offset(GROUP, TOPIC, INSIDE) == ErrorCode.NONE
    return producer


def open_transaction(broker: BrokerProcess, place: str) -> Producer:
    """`prepare`, and then a broker that will die at a place; the transaction goes on over that."""
    with Client(broker.bootstrap) as client:
        producer = prepare(client)
    die_at(broker, place)
    return producer


def check_outcome(client: Client, commit: bool) -> None:
    """All partitions and the group agree about the transaction, and nothing waits for it."""
    inside = [b"inside", b"the transaction"] if commit else []
    for partition in WRITTEN:
        assert client.committed(TOPIC, partition=partition) == [b"before", *inside], partition
    for partition in PARTITIONS:
        markers = [
            each.is_commit for each in client.batches(TOPIC, partition=partition) if each.is_control
        ]
        if partition in WRITTEN:
            assert markers == [True, commit], partition
        else:
            assert markers in ([], [commit]), partition
        stable = client.offset_at(
            TOPIC, LATEST, partition=partition, isolation=READ_COMMITTED
        ).offset
        assert stable == client.end_offset(TOPIC, partition), partition
    offset = fetch_offset(client, GROUP, TOPIC, stable=True)
    assert (offset.errorCode, offset.committedOffset) == (
        ErrorCode.NONE,
        INSIDE if commit else BEFORE,
    )


def check_new_transaction(client: Client, producer: Producer) -> None:
    """The producer goes on with its next sequence numbers, everywhere."""
    producer.begin(TOPIC, *PARTITIONS)
    for partition in PARTITIONS:
        producer.write(TOPIC, b"after", partition=partition)
    assert producer.add_offsets(GROUP) == ErrorCode.NONE
    assert producer.commit_offset(GROUP, TOPIC, AFTER) == ErrorCode.NONE
    producer.finish(commit=True)
    for partition in PARTITIONS:
        assert client.committed(TOPIC, partition=partition)[-1] == b"after"
    assert fetch_offset(client, GROUP, TOPIC, stable=True).committedOffset == AFTER


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@pytest.mark.parametrize("place", PLACES)
def test_c52_a_transaction_ends_the_same_everywhere_after_a_crash(
    broker_process: BrokerProcess, place: str, commit: bool
) -> None:
    producer = open_transaction(broker_process, place)
    with Client(broker_process.bootstrap) as client:
        producer.client = client
        with pytest.raises(ConnectionEnded):
            producer.end(commit)
    assert broker_process.wait_for_exit() == -signal.SIGKILL
    die_at(broker_process, None)
    with Client(broker_process.bootstrap) as client:
        check_outcome(client, commit)
        producer.client = client
        # What a client does that got no answer, and what it must not do.
        assert producer.end(not commit) == ErrorCode.INVALID_TXN_STATE
        assert producer.end(commit) == ErrorCode.NONE
        check_outcome(client, commit)
        check_new_transaction(client, producer)


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@pytest.mark.parametrize("place", PLACES[1:])
def test_c52_a_crash_while_a_crash_is_repaired_changes_nothing(
    broker_process: BrokerProcess, place: str, commit: bool
) -> None:
    producer = open_transaction(broker_process, "afterPrepare")
    with Client(broker_process.bootstrap) as client:
        producer.client = client
        with pytest.raises(ConnectionEnded):
            producer.end(commit)
    assert broker_process.wait_for_exit() == -signal.SIGKILL
    with pytest.raises(BrokerFailure, match="status -9"):
        die_at(broker_process, place)
    die_at(broker_process, None)
    with Client(broker_process.bootstrap) as client:
        check_outcome(client, commit)
        producer.client = client
        check_new_transaction(client, producer)


@pytest.mark.parametrize("place", PLACES)
def test_c52_a_crash_while_a_successor_fences_leaves_the_zombie_fenced(
    broker_process: BrokerProcess, place: str
) -> None:
    zombie = open_transaction(broker_process, place)
    successor = None
    with Client(broker_process.bootstrap) as client:
        successor = Producer(client, NAME)
        with pytest.raises(ConnectionEnded):
            successor.init()
            # The broker may answer before it has aborted; the crash then comes a little later.
            successor.init()
    assert broker_process.wait_for_exit() == -signal.SIGKILL
    die_at(broker_process, None)
    with Client(broker_process.bootstrap) as client:
        check_outcome(client, commit=False)
        zombie.client = client
        refused = zombie.send(TOPIC, b"from the grave")
        assert refused.errorCode == ErrorCode.INVALID_PRODUCER_EPOCH
        assert zombie.end(True) == ErrorCode.PRODUCER_FENCED
        successor = Producer.start(client, NAME)
        check_outcome(client, commit=False)
        check_new_transaction(client, successor)
