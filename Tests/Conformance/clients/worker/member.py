"""A member of a group: a thread polls, and cases ask what it has seen.

The consumer belongs to the thread alone; what cases want of it is done there between two polls,
because kafka-python's consumer bears only one thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from clients.values import ClientError, Committed, MemberState, Place, Record, Settings
from clients.worker.library import Consumer, Library, client_error


class Member:
    def __init__(
        self, library: Library, bootstrap: str, settings: Settings, topics: list[str]
    ) -> None:
        self.library = library
        # Here, so that a setting that the library does not have is known at once.
        self.consumer = library.consumer(bootstrap, settings)
        self.topics = topics
        self.tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[Consumer], Any]]]
        self.tasks = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.records: list[Record] = []
        self.errors: list[ClientError] = []
        self.assigned: frozenset[Place] = frozenset()
        self.generations = 0
        self.received = 0
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def state(self) -> MemberState:
        with self.lock:
            return MemberState(self.assigned, self.generations, self.received, tuple(self.errors))

    def take(self) -> list[Record]:
        """What was received since the last call."""
        with self.lock:
            taken, self.records = self.records, []
            return taken

    def commit(self, offsets: dict[Place, Committed] | None = None) -> None:
        """Commits offsets, else what was received."""
        self.ask(lambda consumer: consumer.commit(offsets))

    def committed(self, places: list[Place]) -> dict[Place, Committed]:
        return self.ask(lambda consumer: consumer.committed(places))

    def ask(self, task: Callable[[Consumer], Any], timeout: float = 60) -> Any:
        """Has the thread do something with the consumer and waits for the result."""
        future: Future[Any] = Future()
        self.tasks.put((future, task))
        return future.result(timeout)

    def close(self) -> None:
        """Leaves the group."""
        self.closing = True
        self.thread.join(30)

    def _run(self) -> None:
        consumer = self.consumer
        try:
            consumer.subscribe(self.topics, self._count_assignment)
        except Exception as error:
            self._note(error)
            return
        while not self.closing:
            self._do_tasks(consumer)
            try:
                polled = consumer.poll(0.05)
                assigned = frozenset(consumer.assignment())
            except Exception as error:
                self._note(error)
                time.sleep(0.05)
                continue
            with self.lock:
                self.records += polled
                self.received += len(polled)
                self.assigned = assigned
        consumer.close()

    def _do_tasks(self, consumer: Consumer) -> None:
        while not self.tasks.empty():
            future, task = self.tasks.get()
            try:
                future.set_result(task(consumer))
            except Exception as error:
                future.set_exception(error)

    def _count_assignment(self) -> None:
        with self.lock:
            self.generations += 1

    def _note(self, error: Exception) -> None:
        known = client_error(self.library, error)
        with self.lock:
            # A consumer that cannot go on says so at each poll: the first hundred tell enough.
            if len(self.errors) < 100:
                self.errors.append(known)
