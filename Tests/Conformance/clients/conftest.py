"""Fixtures of the cases with client libraries: each client in turn, workers, topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clients.driving import CLIENTS, Client, Remote, Worker, WorkerPool
from clients.values import Unsupported
from clients.kcat import Kcat


def is_quick(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "quick"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A case that takes `client` runs once for each client that its mark names.

    The quick run takes the newest version of each library.
    """
    if "client" not in metafunc.fixturenames:
        return
    chosen = CLIENTS
    if is_quick(metafunc.config):
        chosen = [client for client in chosen if client.environment == "new"]
    for mark in metafunc.definition.iter_markers("clients"):
        chosen = [client for client in chosen if mark.args[0](client)]
    metafunc.parametrize("client", chosen, ids=str)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What a client cannot do is a skip with the client's name and version."""
    outcome: Any = yield
    if outcome.excinfo is not None and isinstance(outcome.excinfo[1], Unsupported):
        client = item.callspec.params.get("client", "") if hasattr(item, "callspec") else ""
        try:
            pytest.skip(f"client limit: {client} {outcome.excinfo[1]}")
        except pytest.skip.Exception as skipped:
            outcome.force_exception(skipped)


@pytest.fixture
def scaled(request: pytest.FixtureRequest) -> Callable[[Any, Any], Any]:
    """`scaled(30, 1000)` is 30 in the quick run (`-m quick`) and 1000 in the full one."""
    return lambda quick, full: quick if is_quick(request.config) else full


@pytest.fixture(scope="session")
def worker_pool(bootstrap: str) -> Iterator[WorkerPool]:
    pool = WorkerPool(bootstrap)
    yield pool
    pool.close()


@pytest.fixture
def worker_of(worker_pool: WorkerPool) -> Iterator[Callable[[Client], Worker]]:
    """`worker_of(client)` is a worker of that client, another one at each call."""
    yield worker_pool.take
    worker_pool.give_back()


@pytest.fixture
def worker(worker_of: Callable[[Client], Worker], client: Client) -> Worker:
    return worker_of(client)


@pytest.fixture
def newest(worker_of: Callable[[Client], Worker]) -> Worker:
    """A worker of the newest librdkafka, for what a case needs besides the client under test."""
    return worker_of([client for client in CLIENTS if client.is_librdkafka][-1])


@pytest.fixture
def admin(newest: Worker) -> Remote:
    return newest.admin()


@pytest.fixture
def new_topic(admin: Remote, unique: Callable[[str], str]) -> Callable[..., str]:
    """`new_topic(partitions=3, **configs)` creates a topic and returns its name."""

    def create(stem: str = "topic", partitions: int = 1, **configs: str) -> str:
        name = unique(stem)
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topic(topic=name, partitions=partitions, configs=settings)
        return name

    return create


@pytest.fixture
def kcat(bootstrap: str) -> Kcat:
    return Kcat(bootstrap)
