"""Fixtures of the cases that speak the protocol themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broker_process import BrokerProcess
from raw.client import Client


@pytest.fixture
def connect(bootstrap: str) -> Iterator[Callable[[], Client]]:
    """Opens another connection to the shared broker; all are closed at the end."""
    opened: list[Client] = []

    def open_connection() -> Client:
        opened.append(Client(bootstrap))
        return opened[-1]

    yield open_connection
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[[], Client]) -> Client:
    """A connection to the shared broker."""
    return connect()


@pytest.fixture
def new_topic(bootstrap: str, unique: Callable[[str], str]) -> Iterator[Callable[..., str]]:
    """`new_topic(partitions=3, retention_ms=1)` creates one on the shared broker."""
    created: list[str] = []

    def create(partitions: int = 1, **settings: Any) -> str:
        with Client(bootstrap) as client:
            created.append(client.create_topic(unique("topic"), partitions, **settings))
        return created[-1]

    yield create
    if created:
        with Client(bootstrap) as client:
            client.delete_topics(created)


@pytest.fixture
def topic(new_topic: Callable[..., str]) -> str:
    """A new topic of one partition on the shared broker."""
    return new_topic()


@pytest.fixture
def own(broker_process: BrokerProcess) -> Iterator[Client]:
    """A connection to the case's own broker, as it was started; a restart ends it."""
    with Client(broker_process.bootstrap) as client:
        yield client
