"""Transactions as client libraries do them: C42 to C47, C51."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clients.driving import CLIENTS, Client, Remote, Worker, wait_until
from clients.values import ClientError, Committed, Record, Sent

COMMITTED = {"isolation_level": "read_committed"}


def records(*values: str, partition: int = 0) -> list[Record]:
    return [Record(value.encode(), partition=partition) for value in values]


def values(received: list[Record]) -> list[str]:
    return [(record.value or b"").decode() for record in received]


def assert_sent(sent: list[Sent]) -> None:
    assert [result.error for result in sent] == [None] * len(sent)


@pytest.fixture
def transactional(
    worker: Worker, worker_of: Callable[[Client], Worker], unique: Callable[[str], str]
) -> Callable[..., Remote]:
    """`transactional()` is an initialised producer of the client under test, by a new id.

    `apart=True` makes it in another process than the others.
    """

    def make(name: str = "", apart: bool = False, **settings: object) -> Remote:
        where = worker_of(worker.client) if apart else worker
        producer = where.producer(transactional_id=name or unique("transaction"), **settings)
        producer.init_transactions()
        return producer

    return make


@pytest.fixture
def readers(
    worker_of: Callable[[Client], Worker],
    scaled: Callable[[list[Client], list[Client]], list[Client]],
) -> list[Worker]:
    """A worker for each client that can read committed records only; in quick runs the newest."""
    able = [client for client in CLIENTS if str(client) != "kafka-python-2.0.2"]
    chosen = [client for client in able if client.environment == "new"]
    return [worker_of(client) for client in scaled(chosen, able)]


@pytest.mark.quick
def test_c42_commits_are_read_and_aborts_are_not(
    transactional: Callable[..., Remote], readers: list[Worker], new_topic: Callable[..., str]
) -> None:
    topic = new_topic("outcomes", partitions=2)
    producer = transactional()
    for number, end in enumerate(("commit", "abort", "commit", "abort")):
        producer.begin()
        for partition in range(2):
            sent = producer.send(
                topic=topic, records=records(f"{end} {number}", partition=partition)
            )
            assert_sent(sent)
            # Each earlier transaction has left one record and one marker.
            assert sent[0].offset == 2 * number
        getattr(producer, end)()
    for reader in readers:
        committed = reader.reader(**COMMITTED).read(topic=topic)
        everything = reader.reader(isolation_level="read_uncommitted").read(topic=topic)
        for partition in range(2):
            seen = [(r.value, r.offset) for r in committed if r.partition == partition]
            assert seen == [(b"commit 0", 0), (b"commit 2", 4)], str(reader.client)
            seen = [(r.value, r.offset) for r in everything if r.partition == partition]
            wanted = [b"commit 0", b"abort 1", b"commit 2", b"abort 3"]
            assert seen == list(zip(wanted, (0, 2, 4, 6))), str(reader.client)


@pytest.mark.quick
def test_c43_an_open_transaction_holds_back_what_comes_after_it(
    transactional: Callable[..., Remote],
    newest: Worker,
    readers: list[Worker],
    new_topic: Callable[..., str],
) -> None:
    topic = new_topic("stable")
    plain = newest.producer()
    producer = transactional()
    assert_sent(plain.send(topic=topic, records=records("before")))
    producer.begin()
    assert_sent(producer.send(topic=topic, records=records("inside")))
    assert_sent(plain.send(topic=topic, records=records("after")))
    waiting = {}
    for worker in readers:
        reader = worker.reader(**COMMITTED)
        # Before 0.14, aiokafka asks for ends by a version that has no isolation level.
        if worker.client.library != "aiokafka" or worker.client.at_least(0, 14):
            assert reader.end(places=[(topic, 0)]) == {(topic, 0): 1}, str(worker.client)
        reader.follow(topic=topic, start={0: 0})
        assert values(reader.take(count=1)) == ["before"], str(worker.client)
        waiting[worker.client] = reader
    for client, reader in waiting.items():
        # Had an answer held more, it would have come by now.
        assert reader.take(count=1, timeout=0.3) == [], str(client)
    producer.commit()
    for client, reader in waiting.items():
        assert values(reader.take(count=2)) == ["inside", "after"], str(client)


@pytest.mark.quick
def test_c43_the_marker_wakes_a_waiting_fetch(
    transactional: Callable[..., Remote], newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("woken")
    producer = transactional()
    producer.begin()
    assert_sent(producer.send(topic=topic, records=records("released")))
    # Without the marker the fetch would wait far longer than this case allows it.
    member = newest.member([topic], group_id=topic, fetch_wait_max_ms=25_000, **COMMITTED)
    wait_until(lambda: member.state().assignment, 20, "the member has its partition")
    assert member.take() == []
    producer.commit()
    wait_until(lambda: values(member.take()) == ["released"], 12, "the record comes")


@pytest.mark.quick
def test_c44_interleaved_transactions_are_told_apart_from_every_offset(
    transactional: Callable[..., Remote], readers: list[Worker], new_topic: Callable[..., str]
) -> None:
    topic = new_topic("interleaved")
    one, two, three = (transactional() for _ in range(3))
    for producer in (one, two, three):
        producer.begin()
    written: list[tuple[int, str]] = []
    for step in range(4):
        for name, producer in (("commit", one), ("abort", two), ("also abort", three)):
            (sent,) = producer.send(topic=topic, records=records(f"{name} {step}"))
            written.append((sent.offset, f"{name} {step}"))
    two.abort()
    one.commit()
    three.abort()
    wanted = [(offset, value) for offset, value in written if value.startswith("commit")]
    for worker in readers:
        reader = worker.reader(**COMMITTED)
        # From the first offset, from the middle of each transaction, from after the markers.
        for start in (0, 1, 5, 11, 12, 13, 15):
            received = reader.read(topic=topic, start={0: start})
            expected = [entry for entry in wanted if entry[0] >= start]
            assert list(zip([r.offset for r in received], values(received))) == expected, (
                f"{worker.client} from {start}"
            )


@pytest.mark.quick
@pytest.mark.timeout(300)
@pytest.mark.clients(lambda client: client.environment == "new")
def test_c45_much_aborted_data_is_skipped(
    client: Client,
    transactional: Callable[..., Remote],
    readers: list[Worker],
    new_topic: Callable[..., str],
    scaled: Callable[[int, int], int],
) -> None:
    topic = new_topic("aborted")
    producer = transactional()
    producer.begin()
    count = scaled(50, 1000 if client.is_librdkafka else 100)
    errors = producer.send_numbered(
        topic=topic, label="gone", partitions=1, count=count, size=100_000, step=50
    )
    assert errors == []
    producer.abort()
    producer.begin()
    assert_sent(producer.send(topic=topic, records=records("kept")))
    producer.commit()
    for worker in readers:
        received = worker.reader(**COMMITTED).read(topic=topic, timeout=60)
        assert values(received) == ["kept"], str(worker.client)


@pytest.mark.quick
def test_c46_a_second_producer_of_the_id_fences_the_first(
    transactional: Callable[..., Remote],
    newest: Worker,
    new_topic: Callable[..., str],
    unique: Callable[[str], str],
) -> None:
    topic, name = new_topic("fenced"), unique("fenced")
    zombie = transactional(name)
    zombie.begin()
    assert_sent(zombie.send(topic=topic, records=records("of the zombie")))
    successor = transactional(name, apart=True)
    successor.begin()
    assert_sent(successor.send(topic=topic, records=records("of the successor")))
    error = failure(lambda: send_and_commit(zombie, topic))
    assert error is not None and is_fencing(error), error
    assert failure(zombie.commit) is not None
    successor.commit()
    assert values(newest.reader(**COMMITTED).read(topic=topic)) == ["of the successor"]


def send_and_commit(zombie: Remote, topic: str) -> None:
    """A zombie learns that it is fenced when it sends, or at the latest when it commits."""
    (sent,) = zombie.send(topic=topic, records=records("late"))
    if sent.error is not None and is_fencing(sent.error):
        raise sent.error
    zombie.commit()


def is_fencing(error: ClientError) -> bool:
    """What the broker says (47, 90), librdkafka for both (-144), and aiokafka without a code."""
    return error.code in (47, 90, -144) or "ProducerFenced" in error.text


def failure(call: Callable[[], object]) -> ClientError | None:
    """The error that a call ends with; None for success."""
    try:
        call()
        return None
    except ClientError as error:
        return error


@pytest.mark.quick
def test_c47_a_new_producer_aborts_what_its_predecessor_left_open(
    client: Client,
    transactional: Callable[..., Remote],
    worker_of: Callable[[Client], Worker],
    newest: Worker,
    new_topic: Callable[..., str],
    unique: Callable[[str], str],
) -> None:
    topic, name = new_topic("left"), unique("left")
    crashing = worker_of(client)
    producer = crashing.producer(transactional_id=name)
    producer.init_transactions()
    producer.begin()
    assert_sent(producer.send(topic=topic, records=records("left open")))
    crashing.kill()
    successor = transactional(name)
    successor.begin()
    assert_sent(successor.send(topic=topic, records=records("new")))
    successor.commit()
    assert values(newest.reader(**COMMITTED).read(topic=topic)) == ["new"]


@pytest.mark.quick
def test_c48_a_transaction_left_open_is_aborted_at_its_timeout(
    transactional: Callable[..., Remote], newest: Worker, new_topic: Callable[..., str]
) -> None:
    topic = new_topic("late")
    # Long enough for a slow machine; librdkafka gives up by itself after the same time.
    producer = transactional(transaction_timeout_ms=5_000)
    producer.begin()
    assert_sent(producer.send(topic=topic, records=records("never committed")))
    assert_sent(newest.producer().send(topic=topic, records=records("behind it")))
    reader = newest.reader(**COMMITTED)
    wait_until(lambda: values(reader.read(topic=topic)) == ["behind it"], 40, "the abort")
    assert failure(producer.commit) is not None


@pytest.mark.quick
def test_c51_offsets_of_a_transaction_are_there_after_its_commit_only(
    client: Client,
    transactional: Callable[..., Remote],
    worker: Worker,
    new_topic: Callable[..., str],
    unique: Callable[[str], str],
) -> None:
    topic, group = new_topic("offsets", partitions=2), unique("group")
    place = (topic, 1)
    reader = worker.reader(group_id=group)
    producer = transactional()
    for offset, end in ((5, "commit"), (7, "abort"), (9, "commit")):
        before = reader.committed(places=[place])[place].offset
        producer.begin()
        assert_sent(producer.send(topic=topic, records=records("result")))
        producer.send_offsets(offsets={place: Committed(offset)}, group=group)
        getattr(producer, end)()
        expected = offset if end == "commit" else before
        assert reader.committed(places=[place])[place].offset == expected
