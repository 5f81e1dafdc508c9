"""C82, C83, C87 and C88: damaged files, a second process, and what a start reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from broker_process import BrokerProcess
from kafka_codec import Record, encode_batch
from kafka_codec.crc32c import crc32c
from kafka_codec.records import CRC_START
from raw.client import Client
from raw.disk_faults import DiskFaults, log_path

pytestmark = pytest.mark.quick
SEGMENT = 1_048_576


def segments(broker: BrokerProcess, client: Client, topic: str) -> list[Path]:
    """The log files of partition 0, the oldest first."""
    return sorted(Path(log_path(broker, client, topic)).glob("*.log"))


def placed(batch: bytes, offset: int) -> bytes:
    """A batch as the broker stores it at an offset."""
    return offset.to_bytes(8, "big") + batch[8:12] + bytes(4) + batch[16:]


def without_checksum(batch: bytes) -> bytes:
    return batch[:17] + (crc32c(batch[CRC_START:]) ^ 1).to_bytes(4, "big") + batch[CRC_START:]


NEXT = placed(encode_batch([b"never acknowledged"]), 10)
TAILS = {
    "garbage": os.urandom(1000),
    "zeros": bytes(4096),
    "one byte": b"\x00",
    "half a batch": NEXT[: len(NEXT) // 2],
    "a batch without its last byte": NEXT[:-1],
    "a batch with a wrong checksum": without_checksum(NEXT),
    "a batch of another offset": placed(NEXT, 5),
    "a length of 2 GiB": NEXT[:8] + b"\x7f\xff\xff\xff" + NEXT[12:],
}


@pytest.mark.parametrize("kill", [True, False])
@pytest.mark.parametrize("what", TAILS)
def test_c82_what_is_unfinished_at_the_end_is_cut_off_and_the_rest_is_intact(
    broker_process: BrokerProcess, own: Client, what: str, kill: bool
) -> None:
    topic = own.create_topic("tail")
    for number in range(10):
        own.write(topic, b"%d" % number)
    (log,) = segments(broker_process, own, topic)
    broker_process.kill() if kill else broker_process.stop()
    size = log.stat().st_size
    with log.open("ab") as file:
        file.write(TAILS[what])
    broker_process.start()
    with Client(broker_process.bootstrap) as client:
        assert client.end_offset(topic) == 10
        assert client.values(topic) == [b"%d" % number for number in range(10)]
        assert log.stat().st_size == size
        assert client.write(topic, b"next") == 10
    broker_process.restart(kill=True)
    with Client(broker_process.bootstrap) as client:
        assert client.values(topic)[9:] == [b"9", b"next"]


def flip(path: Path, position: int) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[position] ^= 0x10
    path.write_bytes(damaged)


def test_c83_damage_in_the_middle_is_put_into_quarantine_and_told(
    broker_process: BrokerProcess, own: Client
) -> None:
    damaged, sound = own.create_topic("damaged"), own.create_topic("sound")
    for number in range(20):
        for topic in (damaged, sound):
            own.write(topic, b"%02d" % number)
    (log,) = segments(broker_process, own, damaged)
    size = log.stat().st_size
    broker_process.kill()
    flip(log, size * 11 // 20 - 5)  # In the value of record 10.
    broker_process.start()
    assert "error" in broker_process.log_text() and "quarantine" in broker_process.log_text()
    kept = [path for path in (broker_process.data / "quarantine").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) >= size * 9 // 20, "nothing is thrown away"
    with Client(broker_process.bootstrap) as client:
        assert client.values(damaged) == [b"%02d" % number for number in range(10)]
        assert client.values(sound) == [b"%02d" % number for number in range(20)]
        assert client.write(damaged, b"next") == 10
    broker_process.restart()
    with Client(broker_process.bootstrap) as client:
        assert client.values(damaged)[9:] == [b"09", b"next"]


def test_c83_damage_in_a_closed_segment_takes_later_segments_along(
    broker_process: BrokerProcess, tmp_path: Path
) -> None:
    faults = DiskFaults(tmp_path / "faults")
    broker_process.environment.update(faults.environment)
    broker_process.restart()
    with Client(broker_process.bootstrap) as client:
        topic = client.create_topic("damaged", segment_bytes=SEGMENT)
        faults.begin("hold")  # So that the closed segments are not known to be on the disk.
        for number in range(8):
            client.write(topic, Record(bytes(400_000), b"%d" % number), acks=1)
        closed = segments(broker_process, client, topic)
        assert len(closed) >= 4
    broker_process.kill()
    faults.end("hold")
    flip(closed[1], closed[1].stat().st_size - 1)  # In the second of its two batches.
    broker_process.start()
    assert "quarantine" in broker_process.log_text()
    with Client(broker_process.bootstrap) as client:
        keys = [batch.records[0].key for batch in client.batches(topic)]
        assert keys == [b"0", b"1", b"2"]
        assert client.write(topic, b"next") == 3


def test_c83_damage_below_the_recovery_point_crashes_nothing(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("damaged", segment_bytes=SEGMENT)
    for number in range(6):
        own.write(topic, Record(bytes(400_000), b"%d" % number))
    first = segments(broker_process, own, topic)[0]
    broker_process.stop()
    flip(first, 200_000)
    broker_process.start()
    with Client(broker_process.bootstrap) as client:
        for offset in range(6):
            answer = client.fetch(topic, offset, limit=1)
            # The batch comes as it is: its checksum tells the consumer.
            assert answer.errorCode == 0 and len(answer.records) > 400_000
        assert client.end_offset(topic) == 6
        assert client.write(topic, b"next") == 6


def check(broker: BrokerProcess) -> subprocess.CompletedProcess[str]:
    """What `freshet broker check` says about the stopped broker's data."""
    command = [str(each) for each in (broker.program, "broker", "check", broker.data)]
    return subprocess.run(
        command,
        cwd=broker.directory,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_c83_a_check_of_the_data_finds_damage_that_no_start_reads(
    broker_process: BrokerProcess, own: Client
) -> None:
    topic = own.create_topic("damaged", segment_bytes=SEGMENT)
    for number in range(6):
        own.write(topic, Record(bytes(400_000), b"%d" % number))
    middle = segments(broker_process, own, topic)[1]
    broker_process.stop()
    assert check(broker_process).returncode == 0
    flip(middle, 200_000)
    found = check(broker_process)
    assert found.returncode == 1 and f"damage: {middle}" in found.stdout


def test_c87_a_second_process_on_the_directory_ends_with_a_message(
    broker_process: BrokerProcess, own: Client
) -> None:
    own.create_topic("first")
    second = subprocess.run(
        [broker_process.program, "broker", "--port", "0", "--data", broker_process.data],
        cwd=broker_process.directory,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode != 0 and second.stdout == ""
    assert str(broker_process.data) in second.stderr
    assert own.write("first", b"still here") == 0


def bytes_read(broker: BrokerProcess) -> int:
    """What the process has read since its start (Linux)."""
    for line in Path(f"/proc/{broker.pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise ValueError("no rchar in /proc")


@pytest.mark.parametrize("kill", [True, False])
def test_c88_after_a_clean_stop_a_start_reads_no_records(
    broker_process: BrokerProcess, own: Client, kill: bool
) -> None:
    topic = own.create_topic("large", max_message_bytes=10_000_000)
    batch = encode_batch([bytes(8_000_000)])
    for _ in range(6):
        assert own.produce(topic, batch, acks=1).errorCode == 0
    if kill:
        broker_process.kill()
    else:
        assert broker_process.stop() == 0
    broker_process.start()
    read = bytes_read(broker_process)
    # After a kill the records are read: what is measured is the right thing.
    assert (read > 6 * len(batch)) if kill else (read < len(batch))
    with Client(broker_process.bootstrap) as client:
        assert client.end_offset(topic) == 6
        assert client.fetch(topic, 5).records[61:] == batch[61:]
