"""Workers as the cases see them: processes, each with one client library in one version."""

from __future__ import annotations

import itertools
import os
import pickle
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.values import ClientError, Settings, Unsupported

SUITE = Path(__file__).resolve().parents[1]
ENVIRONMENTS = SUITE / "clients" / "environments"
#: Made by `make conformance`, one for each file in environments/.
VIRTUAL_ENVIRONMENTS = SUITE.parents[1] / ".venv-conformance"
LIBRARIES = ("confluent-kafka", "kafka-python", "aiokafka")


@dataclass(frozen=True)
class Client:
    """A library in the version of one environment."""

    library: str
    version: str
    environment: str

    def __str__(self) -> str:
        return f"{self.library}-{self.version}"

    @property
    def python(self) -> Path:
        return VIRTUAL_ENVIRONMENTS / self.environment / "bin" / "python"

    @property
    def is_librdkafka(self) -> bool:
        return self.library == "confluent-kafka"

    def at_least(self, *version: int) -> bool:
        return tuple(int(part) for part in self.version.split(".")) >= version


def every_client() -> list[Client]:
    """Each library in each environment, as the requirements name them."""
    clients = []
    for environment in ("old", "middle", "new"):
        lines = (ENVIRONMENTS / f"{environment}.txt").read_text().splitlines()
        versions = dict(line.split("==") for line in lines if "==" in line)
        clients += [Client(library, versions[library], environment) for library in LIBRARIES]
    return sorted(clients, key=lambda client: LIBRARIES.index(client.library))


CLIENTS = every_client()


class WorkerFailure(Exception):
    """A worker did not answer in time, or ended."""


class Remote:
    """An object in a worker: calls of its methods are done there.

    What it can do is in worker/: a ClientError or Unsupported that is raised there is raised here.
    """

    def __init__(self, worker: Worker, name: str) -> None:
        self._worker = worker
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **arguments: self._worker.call(self._name, method, **arguments)


class Worker:
    """One process; it does one call at a time."""

    def __init__(self, client: Client, bootstrap: str) -> None:
        if not client.python.exists():
            raise WorkerFailure(f"no {client.python}: run make conformance-environments")
        self.client = client
        self.bootstrap = bootstrap
        # What libraries log; a case that fails shows it.
        self.log = tempfile.TemporaryFile()
        self.log_read = 0
        self.process = subprocess.Popen(
            [client.python, "-m", "clients.worker", client.library, bootstrap],
            cwd=SUITE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )

    def call(self, name: str, method: str, patience: float = 120, **arguments: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            pickle.dump((name, method, arguments), self.process.stdin)
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], patience)[0]:
                self.kill()
                raise WorkerFailure(f"{self.client}: {method} took more than {patience} s")
            succeeded, result = pickle.load(self.process.stdout)
        except (BrokenPipeError, EOFError):
            status = self.process.wait(10)
            raise WorkerFailure(f"{self.client}: ended in {method}, status {status}") from None
        if succeeded:
            return result
        if isinstance(result, ClientError):
            raise ClientError(result.code, f"{self.client}: {result.text}")
        raise result

    def producer(self, bootstrap: str | None = None, **settings: object) -> Remote:
        return self._make("producer", bootstrap, settings=named(settings))

    def reader(self, bootstrap: str | None = None, **settings: object) -> Remote:
        return self._make("reader", bootstrap, settings=named(settings))

    def member(self, topics: list[str], bootstrap: str | None = None, **settings: object) -> Remote:
        return self._make("member", bootstrap, settings=named(settings), topics=topics)

    def pipeline(self, bootstrap: str | None = None, **arguments: str) -> Remote:
        return self._make("pipeline", bootstrap, **arguments)

    def admin(self, bootstrap: str | None = None) -> Remote:
        return self._make("admin", bootstrap)

    def _make(self, kind: str, bootstrap: str | None, **arguments: Any) -> Remote:
        name = self.call("worker", "make", kind=kind, bootstrap=bootstrap, **arguments)
        return Remote(self, name)

    def reset(self) -> None:
        """Closes what was made, so that another case can use the process."""
        self.call("worker", "reset", patience=30)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def new_log(self, maximum_bytes: int = 4_000) -> str:
        """The end of what was logged since the last call."""
        descriptor = self.log.fileno()
        end = os.fstat(descriptor).st_size
        start = max(self.log_read, end - maximum_bytes)
        self.log_read = end
        return os.pread(descriptor, end - start, start).decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL, as a crash of the client does it."""
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        """The process does nothing until `thaw`, as in a long pause of the machine."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def named(settings: dict[str, object]) -> Settings:
    """Kafka's names of settings that were written as Python names."""
    return {name.replace("_", "."): value for name, value in settings.items()}


class WorkerPool:
    """Keeps idle workers, because starting one takes longer than most cases."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.idle: dict[Client, list[Worker]] = {}
        self.busy: list[Worker] = []

    def take(self, client: Client) -> Worker:
        waiting = self.idle.setdefault(client, [])
        worker = waiting.pop() if waiting else Worker(client, self.bootstrap)
        self.busy.append(worker)
        return worker

    def give_back(self) -> None:
        """Ends the case that took workers: those that are still well wait for the next."""
        for worker in self.busy:
            print(f"log of {worker.client}:\n{worker.new_log()}")
            try:
                worker.thaw()
                worker.reset()
                self.idle[worker.client].append(worker)
            except (WorkerFailure, ClientError, Unsupported, ProcessLookupError):
                worker.kill()
        self.busy = []

    def close(self) -> None:
        for worker in itertools.chain(self.busy, *self.idle.values()):
            worker.kill()


def wait_until(
    condition: Callable[[], object], timeout: float, what: str, pause: float = 0.02
) -> Any:
    """Asks again until the condition holds and returns its value; fails after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(pause)
