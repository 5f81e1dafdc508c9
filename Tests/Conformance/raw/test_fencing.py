"""C46 to C50 and C53: who may do what in which state of a transaction."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode
from raw.client import READ_COMMITTED, Client, fetch_partition, wait_for
from raw.producer import Producer

quick = pytest.mark.quick
Names = Callable[[str], str]
FENCED = ErrorCode.PRODUCER_FENCED


@pytest.fixture
def producer(client: Client, unique: Names) -> Producer:
    return Producer.start(client, unique("transactional"))


def successor(producer: Producer) -> Producer:
    """The next producer of the same name, which fences the first."""
    return Producer.start(producer.client, producer.transactional_id)


def is_fenced(zombie: Producer, topic: str) -> None:
    """Checks what every call of a fenced producer gets."""
    assert zombie.send(topic, b"zombie").errorCode == ErrorCode.INVALID_PRODUCER_EPOCH
    for version in (0, 1):
        assert zombie.end(True, version=version) == ErrorCode.INVALID_PRODUCER_EPOCH
        codes = zombie.add_partitions(topic, version=version)
        assert codes == {0: ErrorCode.INVALID_PRODUCER_EPOCH}
    for version in (2, 3):
        assert zombie.end(True, version=version) == FENCED
        assert zombie.add_partitions(topic, version=version) == {0: FENCED}
    assert zombie.end(False, version=4) == FENCED


@quick
def test_c46_a_second_init_fences_the_first_producer(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.begin(topic)
    producer.write(topic, b"open")
    second = successor(producer)
    assert second.producer_id == producer.producer_id and second.epoch > producer.epoch
    is_fenced(producer, topic)
    assert client.committed(topic) == []
    second.transact(topic, b"second")
    is_fenced(producer, topic)
    assert client.committed(topic) == [b"second"]


@quick
def test_c46_a_producer_without_open_transaction_is_fenced_too(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.transact(topic, b"first")
    second = successor(producer)
    assert second.epoch == producer.epoch + 1
    assert producer.add_partitions(topic) == {0: FENCED}
    assert producer.end(True) == FENCED
    second.begin(topic)
    assert producer.send(topic, b"late").errorCode == ErrorCode.INVALID_PRODUCER_EPOCH
    second.write(topic, b"second")
    second.finish(commit=True)
    assert client.committed(topic) == [b"first", b"second"]


@quick
def test_c46_init_that_names_its_id_and_epoch(client: Client, producer: Producer) -> None:
    identifier, epoch = producer.producer_id, producer.epoch
    assert producer.init(expected=(identifier, epoch)).errorCode == ErrorCode.NONE
    assert (producer.producer_id, producer.epoch) == (identifier, epoch + 1)
    # The same once more is a retry whose answer was lost.
    assert producer.init(expected=(identifier, epoch)).producerEpoch == epoch + 1
    assert producer.init(expected=(identifier, epoch + 1)).producerEpoch == epoch + 2
    for version, error in ((4, FENCED), (5, FENCED), (3, ErrorCode.INVALID_PRODUCER_EPOCH)):
        answer = producer.init(expected=(identifier, epoch), version=version)
        assert answer.errorCode == error, version
    answer = producer.init(expected=(identifier + 1, epoch + 2))
    assert answer.errorCode == FENCED


@quick
def test_c47_init_while_a_transaction_is_open_aborts_it(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.begin(topic)
    producer.write(topic, b"open")
    second = Producer(client, producer.transactional_id)
    first_answer = second.init().errorCode
    assert first_answer in (ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NONE)
    second = successor(producer)
    assert second.epoch > producer.epoch
    assert client.committed(topic) == []
    assert client.fetch(topic, 0).lastStableOffset == client.end_offset(topic) == 2
    (_, marker) = client.batches(topic)
    assert marker.is_control and not marker.is_commit
    assert marker.producer_epoch > producer.epoch, "the marker fences in the partition as well"


def wait_for_abort(client: Client, topic: str, timeout: float) -> None:
    """Returns when the first transaction of the topic was aborted."""
    wait_for(
        lambda: client.fetch(topic, 0, isolation=READ_COMMITTED).lastStableOffset == 2,
        "the transaction times out",
        timeout,
    )


@quick
def test_c48_a_transaction_that_takes_too_long_is_aborted(
    connect: Callable[[], Client], topic: str, unique: Names
) -> None:
    client, consumer = connect(), connect()
    producer = Producer.start(client, unique("slow"), timeout=1000)
    producer.begin(topic)
    started = time.monotonic()
    producer.write(topic, b"late")
    consumer.send_fetch([fetch_partition(topic, 0)], max_wait=20_000, isolation=READ_COMMITTED)
    (answer,) = consumer.receive_fetch()
    assert 0.9 <= time.monotonic() - started < 12, "Kafka looks every 10 s, Freshet every second"
    assert [each.firstOffset for each in answer.abortedTransactions] == [0]
    is_fenced(producer, topic)
    again = successor(producer)
    again.transact(topic, b"again")
    assert client.committed(topic) == [b"again"]


@pytest.mark.timeout(90)
def test_c48_the_clock_runs_on_over_a_restart(broker_process: BrokerProcess) -> None:
    topic, timeout = "slow", 20.0
    with Client(broker_process.bootstrap) as client:
        client.create_topic(topic)
        producer = Producer.start(client, "slow", timeout=int(1000 * timeout))
        producer.begin(topic)
        started = time.monotonic()
        producer.write(topic, b"late")
        # As long as the stable end stays: not aborted too early.
        while time.monotonic() - started < timeout * 5 / 8:
            answer = client.fetch(topic, 1, max_wait=500, isolation=READ_COMMITTED)
            assert answer.lastStableOffset == 0
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert client.fetch(topic, 0, isolation=READ_COMMITTED).lastStableOffset == 0
        wait_for_abort(client, topic, 20)
        assert timeout - 0.5 <= time.monotonic() - started < timeout * 11 / 8
        producer.client = client
        is_fenced(producer, topic)


@quick
@pytest.mark.parametrize("commit", [True, False])
def test_c49_ending_twice_the_same_way_is_a_retry_and_the_other_way_an_error(
    client: Client, producer: Producer, topic: str, commit: bool
) -> None:
    producer.begin(topic)
    producer.write(topic, b"value")
    for _ in range(3):
        assert producer.end(commit) == ErrorCode.NONE
    assert producer.end(not commit) == ErrorCode.INVALID_TXN_STATE
    assert len(client.batches(topic)) == 2, "one batch, one marker"


@quick
def test_c49_a_transaction_without_partitions_cannot_end(producer: Producer) -> None:
    for commit in (True, False):
        assert producer.end(commit) == ErrorCode.INVALID_TXN_STATE


@quick
def test_c49_names_and_ids_that_do_not_belong_together_get_error_49(
    client: Client, producer: Producer, topic: str, unique: Names
) -> None:
    wrong = ErrorCode.INVALID_PRODUCER_ID_MAPPING
    stranger = Producer(client, unique("unknown"))
    stranger.producer_id, stranger.epoch = producer.producer_id, producer.epoch
    assert stranger.end(True) == wrong
    assert stranger.add_partitions(topic) == {0: wrong}
    assert stranger.add_offsets("group") == wrong
    producer.producer_id += 1
    assert producer.end(True) == wrong
    assert producer.add_partitions(topic) == {0: wrong}


@quick
@pytest.mark.parametrize("timeout, error", [(0, 50), (-1, 50), (900_001, 50), (900_000, 0)])
def test_c49_the_timeout_of_transactions_has_limits(
    client: Client, unique: Names, timeout: int, error: int
) -> None:
    assert Producer(client, unique("limits")).init(timeout).errorCode == error


@quick
def test_c50_a_partition_that_was_not_added_gets_error_48(
    client: Client, producer: Producer, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    assert producer.send(topic, b"x").errorCode == ErrorCode.INVALID_TXN_STATE
    producer.next_sequence.clear()
    producer.begin(topic, 0)
    producer.write(topic, b"x", partition=0)
    refused = producer.send(topic, b"x", partition=1)
    assert refused.errorCode == ErrorCode.INVALID_TXN_STATE
    producer.finish(commit=True)
    refused = producer.send(topic, b"x", partition=0)
    assert refused.errorCode == ErrorCode.INVALID_TXN_STATE, "the transaction has ended"
    assert client.end_offset(topic, 1) == 0


@quick
def test_c50_a_plain_batch_of_a_producer_with_an_open_transaction_gets_error_48(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.begin(topic)
    producer.write(topic, b"x")
    refused = producer.send(topic, b"plain", transactional=False)
    assert refused.errorCode == ErrorCode.INVALID_TXN_STATE
    producer.finish(commit=True)


@quick
def test_c50_a_transactional_batch_without_a_name_gets_error_53(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.begin(topic)
    answer = client.produce(topic, producer.batch(topic, b"x"), transactional_id=None)
    assert answer.errorCode == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@quick
def test_c50_one_unknown_partition_keeps_all_others_out(
    client: Client, producer: Producer, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    codes = producer.add_partitions(topic, 0, 5, 1)
    assert codes == {
        0: ErrorCode.OPERATION_NOT_ATTEMPTED,
        5: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        1: ErrorCode.OPERATION_NOT_ATTEMPTED,
    }
    assert producer.send(topic, b"x").errorCode == ErrorCode.INVALID_TXN_STATE
    assert producer.end(True) == ErrorCode.INVALID_TXN_STATE, "still Empty"


@pytest.mark.timeout(600)
@pytest.mark.in_memory
def test_c53_a_producer_whose_epochs_are_used_up_gets_a_new_id(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("exhausted")
    producer = Producer.start(own, "exhausted")
    first = producer.producer_id
    highest = 0
    while producer.producer_id == first:
        assert producer.epoch == highest, "every epoch is given once"
        highest += 1
        assert producer.init().errorCode == ErrorCode.NONE
    assert highest - 1 in (32765, 32766), "the highest epoch given"
    assert producer.epoch == 0
    producer.transact(topic, b"new id")
    assert own.committed(topic) == [b"new id"]
