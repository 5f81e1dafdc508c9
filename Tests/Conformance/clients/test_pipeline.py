"""Consume, transform, produce while everything is killed: exactly once all the same. C54."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from broker_process import BrokerProcess
from clients.driving import CLIENTS, Client, Remote, Worker, wait_until
from clients.values import Place

PARTITIONS = 2


class Workshop:
    """The pipeline of one client: its own topics, and a worker that is killed and replaced."""

    def __init__(
        self, client: Client, bootstrap: str, worker_of: Callable[[Client], Worker]
    ) -> None:
        self.client = client
        self.bootstrap = bootstrap
        self.worker_of = worker_of
        self.name = str(client)
        self.worker = self.start()

    def start(self) -> Worker:
        worker = self.worker_of(self.client)
        self.pipeline = worker.pipeline(
            bootstrap=self.bootstrap,
            source="source",
            target=f"target-{self.name}",
            identity=self.name,
        )
        return worker

    def replace(self) -> None:
        self.worker.kill()
        self.worker = self.start()

    def errors(self) -> str:
        return str(self.pipeline.progress())


def can_do_transactions(client: Client) -> bool:
    return str(client) != "kafka-python-2.0.2"


@pytest.mark.quick
@pytest.mark.timeout(600)
def test_c54_output_is_the_function_of_the_input_exactly_once(
    broker_process: BrokerProcess,
    worker_of: Callable[[Client], Worker],
    newest: Worker,
    scaled: Callable[[int, int], int],
) -> None:
    bootstrap = broker_process.bootstrap
    admin = newest.admin(bootstrap=bootstrap)
    clients = [client for client in CLIENTS if can_do_transactions(client)]
    for topic in ["source", *(f"target-{client}" for client in clients)]:
        admin.create_topic(topic=topic, partitions=PARTITIONS)
    workshops = [Workshop(client, bootstrap, worker_of) for client in clients]
    feeder = Feeder(worker_of(newest.client).producer(bootstrap=bootstrap, enable_idempotence=True))
    ends_at = time.monotonic() + scaled(20, 300)
    while time.monotonic() < ends_at:
        # The pause between two crashes, in which all go on.
        feeder.wait(min(scaled(5, 10), max(0.1, ends_at - time.monotonic())))
        broker_process.restart(kill=True)
        for workshop in workshops:
            workshop.replace()
    feeder.stop()
    reader = newest.reader(bootstrap=bootstrap, isolation_level="read_committed")
    source = values_by_partition(reader, "source")
    assert sum(len(values) for values in source.values()) == feeder.count > 0
    ends = {("source", partition): len(values) for partition, values in source.items()}
    for workshop in workshops:
        wait_until(
            lambda: committed(workshop, newest, bootstrap, list(ends)) == ends,
            90,
            f"{workshop.name} has done everything: {workshop.errors()}",
            pause=0.2,
        )
        wanted = {part: [b"f(" + v + b")" for v in values] for part, values in source.items()}
        assert values_by_partition(reader, f"target-{workshop.name}") == wanted, workshop.name


class Feeder:
    """Writes numbered records to the source until told to stop; the broker's crashes included."""

    def __init__(self, producer: Remote) -> None:
        self.producer = producer
        self.count = 0
        self.stopping = threading.Event()
        self.errors: list[str] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.errors += self.producer.send_numbered(
                topic="source", label=str(self.count), partitions=PARTITIONS, count=20
            )
            self.count += 20

    def wait(self, seconds: float) -> None:
        self.thread.join(seconds)
        assert self.thread.is_alive(), "the feeder has failed"

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(90)
        assert self.errors == []


def values_by_partition(reader: Remote, topic: str) -> dict[int, list[bytes]]:
    values: dict[int, list[bytes]] = {number: [] for number in range(PARTITIONS)}
    for record in reader.read(topic=topic, timeout=60):
        values[record.partition].append(record.value)
    return values


def committed(
    workshop: Workshop, worker: Worker, bootstrap: str, places: list[Place]
) -> dict[Place, int]:
    """What the pipeline's group has committed, as a stranger to the group sees it."""
    offsets = worker.admin(bootstrap=bootstrap).group_offsets(group=workshop.name)
    return {place: offsets[place].offset for place in places if place in offsets}
