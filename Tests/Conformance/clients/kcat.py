"""kcat, which is Debian's librdkafka on the command line."""

from __future__ import annotations

import json
import shutil
import subprocess

from clients.values import Record


class Kcat:
    """Runs kcat against a broker; an exit status other than 0 is an error."""

    def __init__(self, bootstrap: str) -> None:
        program = shutil.which("kcat")
        assert program, "kcat is not installed: run make deps"
        self.command = [program, "-b", bootstrap]

    def run(self, *arguments: str, given: bytes | None = None, timeout: float = 30) -> bytes:
        done = subprocess.run(
            [*self.command, *arguments], input=given, capture_output=True, timeout=timeout
        )
        assert done.returncode == 0, f"kcat {arguments}: {done.stderr.decode()}"
        return done.stdout

    def metadata(self, *arguments: str) -> dict:
        """What `kcat -L` says."""
        return json.loads(self.run("-L", "-J", *arguments))

    def produce(self, topic: str, values: list[bytes], *arguments: str) -> None:
        """Sends values that have no newline in them."""
        self.run("-P", "-t", topic, *arguments, given=b"".join(v + b"\n" for v in values))

    def consume(self, topic: str, *arguments: str) -> list[Record]:
        """Reads a topic to its end; lengths tell null (-1) from empty (0)."""
        form = "%p %o %K %S %k%s\n"
        output = self.run("-C", "-e", "-q", "-t", topic, "-f", form, *arguments)
        records = []
        while output:
            partition, offset, key_size, value_size, output = output.split(b" ", 4)
            key, output = cut(output, int(key_size))
            value, output = cut(output, int(value_size))
            assert output[:1] == b"\n", output[:80]
            output = output[1:]
            records.append(
                Record(value, key, (), partition=int(partition), offset=int(offset), topic=topic)
            )
        return records


def cut(output: bytes, size: int) -> tuple[bytes | None, bytes]:
    """A field of that size, null for -1, and what comes after it."""
    return (None, output) if size < 0 else (output[:size], output[size:])
