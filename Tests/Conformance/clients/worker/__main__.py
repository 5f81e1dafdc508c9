"""Reads calls from standard input and writes their answers to standard output, both pickled.

`python -m clients.worker LIBRARY BOOTSTRAP`, run by the Python of the environment that has the
library. A call is (object's name, method, arguments); an answer is (True, result) or (False,
exception). The object "worker" makes the others.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
import traceback
from typing import Any

from clients.values import ClientError, Settings, Unsupported
from clients.worker.library import Library, client_error
from clients.worker.member import Member
from clients.worker.pipeline import Pipeline
from clients.worker.reading import Reader
from clients.worker.writing import Writer

LIBRARIES = {
    "confluent-kafka": "confluent_library",
    "kafka-python": "kafka_python_library",
    "aiokafka": "aiokafka_library",
}


class Worker:
    """Makes producers, readers, members and admins, and knows them by name."""

    def __init__(self, library: Library, bootstrap: str) -> None:
        self.library = library
        self.bootstrap = bootstrap
        self.objects: dict[str, Any] = {"worker": self}

    def make(self, kind: str, bootstrap: str | None, **arguments: Any) -> str:
        """Makes an object of a kind, connected to a broker other than the usual one if named."""
        maker = getattr(self, f"_{kind}")
        made = maker(bootstrap or self.bootstrap, **arguments)
        name = f"{kind}-{len(self.objects)}"
        self.objects[name] = made
        return name

    def reset(self) -> None:
        """Closes everything that was made."""
        for name in [name for name in self.objects if name != "worker"]:
            self.objects.pop(name).close()

    def _producer(self, bootstrap: str, settings: Settings) -> Writer:
        return Writer(self.library.producer(bootstrap, settings))

    def _reader(self, bootstrap: str, settings: Settings) -> Reader:
        return Reader(self.library.consumer(bootstrap, settings))

    def _member(self, bootstrap: str, settings: Settings, topics: list[str]) -> Member:
        return Member(self.library, bootstrap, settings, topics)

    def _pipeline(self, bootstrap: str, **arguments: str) -> Pipeline:
        return Pipeline(self.library, bootstrap, **arguments)

    def _admin(self, bootstrap: str) -> Any:
        return self.library.admin(bootstrap)


def main() -> None:
    # Whatever a library prints goes to standard error: standard output is for answers alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module = importlib.import_module(f"clients.worker.{LIBRARIES[sys.argv[1]]}")
    worker = Worker(module.LIBRARY, sys.argv[2])
    while True:
        try:
            name, method, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        try:
            answer = (True, getattr(worker.objects[name], method)(**arguments))
        except (ClientError, Unsupported) as known:
            answer = (False, known)
        except Exception as error:
            traceback.print_exc()
            answer = (False, client_error(module.LIBRARY, error))
        pickle.dump(answer, answers)
        answers.flush()
    # A library's threads must not keep a worker alive that nobody talks to.
    os._exit(0)


main()
