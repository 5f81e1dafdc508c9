"""C33 to C36 and C39: producers with an id write each batch once and in order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kafka_codec import ErrorCode, Record, decode_batches
from raw.client import Client
from raw.producer import Producer

pytestmark = pytest.mark.quick
LAST_SEQUENCE = 2**31 - 1


@pytest.fixture
def producer(client: Client) -> Producer:
    return Producer.start(client)


@pytest.mark.parametrize("version", range(6))
def test_c33_without_a_name_every_init_gives_a_new_id_with_epoch_0(
    client: Client, version: int
) -> None:
    producer = Producer(client)
    seen = set()
    for _ in range(3):
        assert producer.init(version=version).errorCode == ErrorCode.NONE
        assert producer.producer_id >= 0 and producer.epoch == 0
        seen.add(producer.producer_id)
    assert len(seen) == 3


def test_c33_an_id_and_epoch_in_the_request_do_not_matter_without_a_name(client: Client) -> None:
    producer = Producer.start(client)
    first = producer.producer_id
    assert producer.init(expected=(first, 0)).errorCode == ErrorCode.NONE
    assert producer.producer_id != first and producer.epoch == 0


def test_c33_an_empty_name_gets_error_42(client: Client) -> None:
    answer = client.ask("InitProducerId", transactionalId="", transactionTimeoutMs=60_000)
    assert answer.errorCode == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("acks", [1, -1])
def test_c33_the_same_batch_sent_twice_has_one_offset_and_one_copy(
    client: Client, producer: Producer, topic: str, acks: int
) -> None:
    producer.write(topic, b"before")
    batch = producer.batch(topic, b"one", b"two")
    for _ in range(3):
        answer = producer.send_again(topic, batch, acks=acks)
        assert (answer.errorCode, answer.baseOffset) == (ErrorCode.NONE, 1)
    assert producer.write(topic, b"after") == 3
    assert client.values(topic) == [b"before", b"one", b"two", b"after"]


def test_c33_a_duplicate_of_another_batch_between_other_producers(
    client: Client, producer: Producer, topic: str
) -> None:
    other = Producer.start(client)
    batch = producer.batch(topic, b"mine")
    assert producer.send_again(topic, batch).baseOffset == 0
    assert other.write(topic, b"theirs") == 1
    assert producer.send_again(topic, batch).baseOffset == 0
    assert client.end_offset(topic) == 2


def test_c34_the_fifth_last_batch_may_be_sent_again_and_the_sixth_last_not(
    client: Client, producer: Producer, topic: str
) -> None:
    batches = [producer.batch(topic, b"a", b"b") for _ in range(6)]
    for index, batch in enumerate(batches):
        assert producer.send_again(topic, batch).baseOffset == 2 * index
    for index in (1, 3, 5):
        answer = producer.send_again(topic, batches[index])
        assert (answer.errorCode, answer.baseOffset) == (ErrorCode.NONE, 2 * index)
    refused = producer.send_again(topic, batches[0])
    assert refused.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert client.end_offset(topic) == 12


def test_c34_a_batch_that_only_begins_like_one_of_the_window_is_no_duplicate(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.write(topic, b"a", b"b")
    answer = producer.send(topic, b"a", base_sequence=0)
    assert answer.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert client.end_offset(topic) == 2


def test_c35_a_gap_gets_error_45(client: Client, producer: Producer, topic: str) -> None:
    producer.write(topic, b"a")
    for sequence in (2, 0x7FFFFFFF):
        answer = producer.send(topic, b"b", base_sequence=sequence)
        assert answer.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert producer.send(topic, b"c", base_sequence=1).errorCode == ErrorCode.NONE
    assert client.values(topic) == [b"a", b"c"]


def test_c35_a_lower_epoch_gets_error_47_and_a_higher_one_begins_at_0(
    client: Client, producer: Producer, topic: str
) -> None:
    def send(epoch: int, sequence: int) -> int:
        answer = producer.send(topic, b"x", producer_epoch=epoch, base_sequence=sequence)
        code: int = answer.errorCode
        return code

    assert send(1, 0) == ErrorCode.NONE
    assert send(0, 1) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert send(2, 1) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(1, 1) == ErrorCode.NONE, "a refused epoch must change nothing"
    assert send(2, 0) == ErrorCode.NONE
    assert send(1, 2) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert client.end_offset(topic) == 3


def test_c35_partitions_have_sequences_of_their_own(
    client: Client, producer: Producer, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(2)
    assert producer.write(topic, b"a", partition=0) == 0
    assert producer.write(topic, b"b", partition=1) == 0
    assert producer.write(topic, b"c", partition=0) == 1
    assert client.values(topic, partition=1) == [b"b"]


def test_c36_sequences_wrap_between_batches(producer: Producer, topic: str) -> None:
    first = producer.batch(topic, b"a", b"b", base_sequence=LAST_SEQUENCE - 1)
    assert producer.send_again(topic, first).errorCode == ErrorCode.NONE
    assert producer.next_sequence[topic, 0] == 0
    assert producer.write(topic, b"c") == 2
    assert producer.send_again(topic, first).baseOffset == 0


def test_c36_sequences_wrap_inside_a_batch(producer: Producer, topic: str) -> None:
    values = (b"a", b"b", b"c", b"d")
    wrapping = producer.batch(topic, *values, base_sequence=LAST_SEQUENCE - 1)
    assert producer.send_again(topic, wrapping).errorCode == ErrorCode.NONE
    assert producer.next_sequence[topic, 0] == 2
    refused = producer.send(topic, b"gap", base_sequence=0)
    assert refused.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert producer.send(topic, b"e", base_sequence=2).baseOffset == 4
    assert producer.send_again(topic, wrapping).baseOffset == 0


def test_c39_a_producer_without_state_may_begin_anywhere(producer: Producer, topic: str) -> None:
    assert producer.send(topic, b"a", base_sequence=4711).baseOffset == 0
    assert producer.send(topic, b"b", base_sequence=4712).baseOffset == 1


def test_c39_after_all_records_are_deleted_any_sequence_is_accepted(
    client: Client, producer: Producer, topic: str
) -> None:
    producer.write(topic, b"a")
    producer.write(topic, b"b")
    assert client.delete_records(topic, -1).lowWatermark == 2
    assert producer.send(topic, b"c", base_sequence=4711).errorCode == ErrorCode.NONE
    assert client.end_offset(topic) == 3


def test_c39_an_id_that_the_broker_never_gave_is_accepted(client: Client, topic: str) -> None:
    client.write(topic, Record(b"v"), producer_id=10**15, producer_epoch=3, base_sequence=9)
    (batch,) = decode_batches(client.fetch(topic, 0).records)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (10**15, 3, 9)
