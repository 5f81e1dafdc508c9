"""C83: `freshet broker check` finds what brokers and kills leave sound, and planted damage."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from broker_process import BrokerProcess
from kafka_codec import ErrorCode, Record, decode_batches, encode_batch
from kafka_codec.compression import CODECS
from kafka_codec.crc32c import crc32c
from kafka_codec.records import CRC_START
from raw.client import Client, wait_for
from raw.disk_faults import log_path
from raw.producer import Producer

pytestmark = [
    pytest.mark.quick,
    pytest.mark.timeout(180),
    pytest.mark.in_memory,
    pytest.mark.settings("broker.retention_check_interval=50ms"),
]

#: So small that a few batches fill a segment.
SEGMENT = 2_000
Damage = Callable[["Data"], Path]


def check(broker: BrokerProcess, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What `freshet broker check` says about the broker's data, or about another directory."""
    return subprocess.run(
        [str(broker.program), "broker", "check", str(data or broker.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_sound(broker: BrokerProcess) -> None:
    before = contents(broker.data)
    found = check(broker)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "no damage" in found.stdout and "damage: " not in found.stdout
    assert contents(broker.data) == before, "the check has changed something"


def contents(data: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}


def create_topics(client: Client) -> None:
    client.create_topic("plain", 2, segment_bytes=SEGMENT)
    client.create_topic("transactions", segment_bytes=SEGMENT)
    client.create_topic("trimmed", segment_bytes=SEGMENT)
    client.create_topic("old", segment_bytes=SEGMENT, retention_bytes=SEGMENT)
    client.create_topic("keyed", segment_bytes=SEGMENT, cleanup_policy="compact")


def work(client: Client, life: int) -> None:
    """Several segments of everything; leaves one transaction open."""
    idempotent = Producer.start(client)
    for number in range(40):
        value = b"%d of life %d " % (number, life) * 8
        client.write("plain", value, value, partition=0, codec=number % len(CODECS))
        idempotent.write("plain", value, partition=1)
        client.write("trimmed", value)
        client.write("old", value)
        client.write("keyed", Record(None if number % 3 else value, b"key %d" % (number % 5)))
    one, two, three = (Producer.start(client, f"{name}-{life}") for name in ("a", "b", "c"))
    for number in range(15):
        one.transact("transactions", b"committed" * 9, commit=True)
        two.transact("transactions", b"aborted" * 9, commit=False)
        client.write("transactions", b"between" * 9)
    one.begin("transactions")
    one.write("transactions", b"held back")
    assert one.add_offsets("group") == ErrorCode.NONE
    assert one.commit_offset("group", "plain", 5) == ErrorCode.NONE
    one.finish(commit=life % 2 == 0)
    # In the middle of a segment, and past whole segments.
    client.delete_records("trimmed", client.end_offset("trimmed") - 7)
    three.begin("transactions")
    three.write("transactions", b"never ended")


@pytest.fixture
def worn(broker_process: BrokerProcess) -> BrokerProcess:
    """A broker that was killed three times, each time with a transaction open."""
    with Client(broker_process.bootstrap) as client:
        create_topics(client)
    for life in range(4):
        with Client(broker_process.bootstrap) as client:
            work(client, life)
        if life < 3:
            broker_process.kill()
            assert_sound(broker_process)
            broker_process.start()
    return broker_process


def test_c83_a_check_finds_sound_what_transactions_deletions_and_kills_left(
    worn: BrokerProcess,
) -> None:
    with Client(worn.bootstrap) as client:
        wait_for(lambda: client.start_offset("old") > 0, "retention removes segments")
        for topic in ("plain", "transactions", "trimmed", "keyed"):
            assert len(list(Path(log_path(worn, client, topic)).glob("*.log"))) >= 2, topic
        assert client.start_offset("trimmed") == client.end_offset("trimmed") - 7
        client.delete_topics(["old"])
    assert worn.stop() == 0
    assert_sound(worn)
    assert "the last stop was in order" in check(worn).stdout
    worn.restart()
    worn.kill()
    assert_sound(worn)
    assert "the last stop was a crash" in check(worn).stdout


def test_c83_a_directory_in_use_or_of_something_else_is_not_checked(
    worn: BrokerProcess, tmp_path: Path
) -> None:
    in_use = check(worn)
    assert in_use.returncode != 0 and "another process uses" in in_use.stderr
    other = check(worn, tmp_path)
    assert other.returncode != 0 and "is not the data directory" in other.stderr


class Data:
    """A directory that a broker has left in order, and where its parts are."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.root = broker.data
        with Client(broker.bootstrap) as client:
            self.logs = {
                topic: Path(log_path(broker, client, topic))
                for topic in ("plain", "transactions", "keyed")
            }
        assert broker.stop() == 0

    @property
    def metadata(self) -> Path:
        return self.root / "meta.sqlite"

    def segment(self, at: int, topic: str = "plain", ending: str = ".log") -> Path:
        return sorted(self.logs[topic].glob("*" + ending))[at]

    def change_metadata(self, statement: str) -> Path:
        with sqlite3.connect(self.metadata) as database:
            assert database.execute(statement).rowcount > 0, statement
        database.close()
        return self.metadata


def flip(path: Path, position: int) -> Path:
    damaged = bytearray(path.read_bytes())
    damaged[position] ^= 0x10
    path.write_bytes(damaged)
    return path


def change_first_batch(path: Path, position: int, value: bytes) -> Path:
    """Changes the first batch of a segment and makes its checksum right again."""
    whole = path.read_bytes()
    size = len(decode_batches(whole)[0].raw)
    batch = bytearray(whole[:size])
    batch[position : position + len(value)] = value
    batch[17:CRC_START] = crc32c(bytes(batch[CRC_START:])).to_bytes(4, "big")
    path.write_bytes(bytes(batch) + whole[size:])
    return path


def cut(path: Path, byte_count: int) -> Path:
    path.write_bytes(path.read_bytes()[:-byte_count])
    return path


def cut_last_batch(data: Data) -> Path:
    """The log ends at the end of a batch, but earlier than what was on the disk."""
    last = data.segment(-1)
    cut(last, len(decode_batches(last.read_bytes())[-1].raw))
    return data.logs["plain"]


def append(path: Path, more: bytes) -> Path:
    path.write_bytes(path.read_bytes() + more)
    return path


def remove(path: Path) -> Path:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return path


def make_directory(path: Path) -> Path:
    path.mkdir()
    return path


def swap_indexes(data: Data) -> Path:
    """Each is whole, and is about another segment."""
    first, second = data.segment(0, ending=".idx"), data.segment(1, ending=".idx")
    first_bytes, second_bytes = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_bytes)
    second.write_bytes(first_bytes)
    return first


PLANTED: dict[str, Damage] = {
    "a flipped bit in a record": lambda data: flip(data.segment(0), 80),
    "a flipped bit in a length": lambda data: flip(data.segment(0), 11),
    "a flipped bit in a checksum": lambda data: flip(data.segment(1), 18),
    "a flipped bit in an offset": lambda data: flip(data.segment(1), 7),
    "a flipped bit in the last batch": lambda data: flip(data.segment(-1), -1),
    "a flipped bit in an aborted record": lambda d: flip(d.segment(0, "transactions"), 70),
    "a leader epoch lower than the one before": (
        lambda data: change_first_batch(data.segment(-1), 12, bytes(4))
    ),
    "more records in the header than in the batch": (
        lambda data: change_first_batch(data.segment(0), 57, (3).to_bytes(4, "big"))
    ),
    "a closed segment without its end": lambda data: cut(data.segment(0), 10),
    "a missing segment in the middle": lambda data: remove(data.segment(1)) and data.segment(1),
    "a missing last batch": cut_last_batch,
    "garbage at the end": lambda data: append(data.segment(-1), b"garbage" * 20),
    "half a batch at the end": (
        lambda data: append(data.segment(-1), encode_batch([b"half" * 20])[:90])
    ),
    "a missing index": lambda data: remove(data.segment(0, ending=".idx")),
    "a flipped bit in an index": lambda data: flip(data.segment(1, ending=".idx"), 30),
    "the index of another segment": swap_indexes,
    "a flipped bit in a snapshot of producers": (
        lambda data: flip(data.segment(-1, "transactions", ".snap"), 20)
    ),
    "a missing checkpoint": lambda data: remove(data.logs["plain"] / "checkpoint"),
    "a flipped bit in a checkpoint": lambda data: flip(data.logs["plain"] / "checkpoint", 12),
    "a missing partition": lambda data: remove(data.logs["plain"]),
    "a partition too many": lambda data: make_directory(data.logs["plain"].parent / "7"),
    "a log without a topic": lambda data: make_directory(data.root / "t" / ("0" * 31 + "1")),
    "missing metadata": lambda data: remove(data.metadata),
    "metadata that is no database": lambda data: append(remove_bytes(data.metadata), b"none"),
    "a page of metadata that was overwritten": (
        lambda data: overwrite(data.metadata, 4096, b"\xaa" * 4096)
    ),
    "a counter that no broker writes": (
        lambda data: data.change_metadata("UPDATE meta SET v = '-1' WHERE k = 'leader_epoch'")
    ),
    "a topic's name that no broker writes": (
        lambda data: data.change_metadata("UPDATE topic SET name = 'a/b' WHERE name = 'keyed'")
    ),
    "an open transaction that nobody will end": (
        lambda data: data.change_metadata("DELETE FROM txn WHERE id = 'c-3'")
        and data.logs["transactions"]
    ),
}


def remove_bytes(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def overwrite(path: Path, position: int, value: bytes) -> Path:
    whole = bytearray(path.read_bytes())
    whole[position : position + len(value)] = value
    path.write_bytes(whole)
    return path


def test_c83_a_check_finds_every_kind_of_planted_damage(
    worn: BrokerProcess, broker_directory: Path
) -> None:
    data = Data(worn)
    assert_sound(worn)
    saved = broker_directory / "saved"
    shutil.copytree(data.root, saved)
    missed = {}
    for what, plant in PLANTED.items():
        damaged = plant(data)
        found = check(worn)
        lines = [line for line in found.stdout.splitlines() if line.startswith("damage: ")]
        if found.returncode != 1 or not any(str(damaged) in line for line in lines):
            missed[what] = (str(damaged), found.returncode, found.stdout, found.stderr)
        shutil.rmtree(data.root)
        shutil.copytree(saved, data.root)
    assert missed == {}
    assert_sound(worn)


def test_c83_what_a_kill_leaves_unfinished_is_told_and_is_no_damage(worn: BrokerProcess) -> None:
    with Client(worn.bootstrap) as client:
        log = Path(log_path(worn, client, "plain"))
    worn.kill()
    last = sorted(log.glob("*.log"))[-1]
    append(last, encode_batch([b"half" * 20])[:90])
    found = check(worn)
    assert found.returncode == 0, found.stdout
    assert f"unfinished: {last}" in found.stdout and "no damage" in found.stdout
