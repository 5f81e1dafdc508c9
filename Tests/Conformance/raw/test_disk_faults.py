"""C84 to C86: acknowledgements when the disk is slow, broken or full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, encode_batch
from raw.client import Client, wait_for
from raw.disk_faults import DiskFaults, log_path
from raw.producer import Producer

pytestmark = pytest.mark.quick


@pytest.fixture
def faults(broker_process: BrokerProcess, tmp_path: Path) -> Iterator[DiskFaults]:
    """Restarts the case's own broker behind a disk that can be made to fail."""
    faults = DiskFaults(tmp_path / "faults")
    broker_process.environment.update(faults.environment)
    broker_process.restart()
    yield faults
    for fault in ("hold", "fail", "full", "little"):
        (faults.directory / fault).unlink(missing_ok=True)


def has_answer(client: Client, timeout: float) -> bool:
    client.socket.settimeout(timeout)
    try:
        return bool(client.socket.recv(1, 0x02))  # MSG_PEEK
    except TimeoutError:
        return False
    finally:
        client.socket.settimeout(15)


def test_c86_acks_all_is_answered_after_the_sync_and_acks_1_before(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    address = broker_process.bootstrap
    with Client(address) as safe, Client(address) as fast, Client(address) as other:
        topic = safe.create_topic("synced", 2)
        safe.write(topic, b"first")
        faults.begin("hold")
        safe.send_produce(topic, encode_batch([b"safe"]), acks=-1)
        assert not has_answer(safe, 0.5)
        fast.send_produce(topic, encode_batch([b"fast"]), acks=1)
        assert fast.receive_produce().errorCode == ErrorCode.NONE
        assert other.values(topic)[:2] == [b"first", b"safe"], "readers need not wait"
        assert not has_answer(safe, 0.1)
        faults.end("hold")
        assert safe.receive_produce().errorCode == ErrorCode.NONE


def test_c86_an_idempotent_batch_and_its_retry_wait_for_the_sync_whatever_acks_say(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    address = broker_process.bootstrap
    with Client(address) as client, Client(address) as second:
        topic = client.create_topic("synced")
        producer = Producer.start(client)
        producer.write(topic, b"first")
        faults.begin("hold")
        batch = producer.batch(topic, b"next")
        client.send_produce(topic, batch, acks=1)
        second.send_produce(topic, batch, acks=-1)
        assert not has_answer(client, 0.3) and not has_answer(second, 0.3)
        faults.end("hold")
        for connection in (client, second):
            answer = connection.receive_produce()
            assert (answer.errorCode, answer.baseOffset) == (ErrorCode.NONE, 1)
        assert second.end_offset(topic) == 2


def test_c84_after_a_failed_sync_the_partition_takes_no_more_writes(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    with Client(broker_process.bootstrap) as client:
        topic = client.create_topic("broken", 2)
        for partition in (0, 1):
            client.write(topic, b"kept", partition=partition)
        faults.begin("fail", log_path(broker_process, client, topic, 0))
        failure = ErrorCode.KAFKA_STORAGE_ERROR
        assert client.produce(topic, encode_batch([b"lost"])).errorCode == failure
        faults.end("fail")
        for acks in (-1, 1):
            answer = client.produce(topic, encode_batch([b"late"]), acks=acks)
            assert answer.errorCode == failure, "a failed sync is never taken back"
        assert client.write(topic, b"fine", partition=1) == 1, "other partitions go on"
        assert client.values(topic)[:1] == [b"kept"], "what was synced stays readable"
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        values = client.values(topic)
        assert values in ([b"kept"], [b"kept", b"lost"]), "what failed may be there or not"
        assert client.write(topic, b"again") == len(values)
        assert client.values(topic, partition=1) == [b"kept", b"fine"]


def test_c84_all_that_wait_for_the_failed_sync_are_told(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    with Client(broker_process.bootstrap) as client:
        topic = client.create_topic("broken")
        client.write(topic, b"kept")
        path = log_path(broker_process, client, topic)
        faults.begin("hold")
        waiting = [Client(broker_process.bootstrap) for _ in range(5)]
        for each in waiting:
            each.send_produce(topic, encode_batch([b"lost"]))
        wait_for(lambda: client.end_offset(topic) == 6, "all are written")
        faults.begin("fail", path)
        faults.end("hold")
        for each in waiting:
            assert each.receive_produce().errorCode == ErrorCode.KAFKA_STORAGE_ERROR
            each.close()


def test_c85_a_full_disk_is_an_error_until_there_is_space_again(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    with Client(broker_process.bootstrap) as client:
        topic = client.create_topic("full", 2)
        producer = Producer.start(client)
        for partition in (0, 1):
            producer.write(topic, b"before", partition=partition)
        faults.begin("full", log_path(broker_process, client, topic, 0))
        refused = producer.batch(topic, b"refused")
        for _ in range(4):
            answer = producer.send_again(topic, refused)
            assert answer.errorCode == ErrorCode.KAFKA_STORAGE_ERROR
            assert client.values(topic) == [b"before"], "nothing of it may be seen"
        assert producer.write(topic, b"fine", partition=1) == 1
        faults.end("full")
        assert producer.send_again(topic, refused).baseOffset == 1, "the retry is no duplicate"
        assert producer.write(topic, b"after") == 2
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert client.values(topic) == [b"before", b"refused", b"after"]


def test_c85_with_little_space_left_nothing_is_taken_before_the_disk_is_full(
    broker_process: BrokerProcess, faults: DiskFaults
) -> None:
    with Client(broker_process.bootstrap) as client:
        topic = client.create_topic("little")

        def produced() -> int:
            code: int = client.produce(topic, encode_batch([b"value"])).errorCode
            return code

        assert produced() == ErrorCode.NONE
        faults.begin("little")
        wait_for(lambda: produced() == ErrorCode.KAFKA_STORAGE_ERROR, "less than 256 MiB are seen")
        assert client.values(topic)[:1] == [b"value"]
        faults.end("little")
        wait_for(lambda: produced() == ErrorCode.NONE, "there is space again")
