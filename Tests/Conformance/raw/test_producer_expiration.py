"""C39: what the broker knows of a producer expires when that is silent for long."""

from __future__ import annotations

import time

import pytest

from kafka_codec import ErrorCode
from raw.client import Client, wait_for
from raw.producer import Producer

EXPIRATION = 1.0
#: The broker's clock counts in milliseconds.
GRAIN = 0.002
pytestmark = [
    pytest.mark.quick,
    pytest.mark.settings(
        "broker.producer_id_expiration=1s", "broker.retention_check_interval=50ms"
    ),
]


def test_c39_after_the_state_has_expired_any_sequence_is_accepted(own: Client) -> None:
    topic = own.create_topic("silent", 1)
    producer = Producer.start(own)
    since = time.monotonic()
    producer.write(topic, b"a")

    def is_forgotten() -> bool:
        answer = producer.send(topic, b"b", base_sequence=4711)
        assert answer.errorCode in (ErrorCode.NONE, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
        return bool(answer.errorCode == ErrorCode.NONE)

    wait_for(is_forgotten, "the producer is forgotten")
    assert time.monotonic() - since >= EXPIRATION - GRAIN
    assert own.values(topic) == [b"a", b"b"]
