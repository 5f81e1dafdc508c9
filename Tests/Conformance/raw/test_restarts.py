"""C37, C38, C40, C76 and C87 to C89: what a broker knows after it was stopped or killed."""

from __future__ import annotations

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode
from raw.client import Client
from raw.producer import Producer

pytestmark = pytest.mark.quick


def producers_go_on(broker: BrokerProcess, topic: str, *, kill: bool) -> None:
    """Writes, restarts, and checks retry, next sequence and gap."""
    with Client(broker.bootstrap) as client:
        client.create_topic(topic)
        producer = Producer.start(client)
        batches = [producer.batch(topic, b"a", b"b") for _ in range(7)]
        for batch in batches:
            assert producer.send_again(topic, batch).errorCode == ErrorCode.NONE
    broker.restart(kill=kill)
    with Client(broker.bootstrap) as client:
        producer.client = client
        for index in (6, 2):
            answer = producer.send_again(topic, batches[index])
            assert (answer.errorCode, answer.baseOffset) == (ErrorCode.NONE, 2 * index)
        refused = producer.send_again(topic, batches[1])
        assert refused.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        gap = producer.send(topic, b"gap", base_sequence=15)
        assert gap.errorCode == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        old = producer.send(topic, b"x", producer_epoch=-1, base_sequence=14)
        assert old.errorCode == ErrorCode.INVALID_PRODUCER_EPOCH
        assert producer.send(topic, b"next", base_sequence=14).baseOffset == 14
        assert client.values(topic) == [b"a", b"b"] * 7 + [b"next"]


def test_c37_after_kill_9_retries_and_next_sequences_are_known(
    broker_process: BrokerProcess,
) -> None:
    producers_go_on(broker_process, "killed", kill=True)


def test_c38_after_a_clean_restart_retries_and_next_sequences_are_known(
    broker_process: BrokerProcess,
) -> None:
    producers_go_on(broker_process, "stopped", kill=False)
    producers_go_on(broker_process, "killed-after-that", kill=True)


def test_c40_producer_ids_are_unique_over_ten_kills(broker_process: BrokerProcess) -> None:
    seen: list[int] = []
    for round_number in range(10):
        with Client(broker_process.bootstrap) as client:
            for index in range(30):
                name = None if index % 2 else f"transactional-{round_number}-{index}"
                seen.append(Producer.start(client, name).producer_id)
        broker_process.restart(kill=True)
    assert len(set(seen)) == len(seen) == 300
