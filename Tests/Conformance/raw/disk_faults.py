"""Makes the disk of a broker slow, full or broken, by a library loaded before it (Linux)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker_process import BrokerProcess
from raw.client import Client

SOURCE = Path(__file__).parent / "disk_faults.c"


class DiskFaults:
    """Faults of the log files of one broker; see disk_faults.c."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("clang")
        if sys.platform != "linux" or compiler is None:
            pytest.skip("needs Linux and a C compiler to stand between the broker and its disk")
        directory.mkdir()
        self.directory = directory
        library = directory / "disk_faults.so"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True
        )
        self.environment = {
            "LD_PRELOAD": str(library),
            "FRESHET_TEST_FAULTS": str(directory),
        }

    def begin(self, fault: str, path: str = "") -> None:
        """`hold`, `fail`, `full` or `little`, for log files whose path contains `path`."""
        (self.directory / fault).write_text(path)

    def end(self, fault: str) -> None:
        (self.directory / fault).unlink()


def log_path(broker: BrokerProcess, client: Client, topic: str, partition: int = 0) -> str:
    """A part of the path that only this partition's files have."""
    topic_id = client.topic_metadata(topic).topicId
    for path in broker.data.rglob("*.log"):
        folder = path.parent.parent.name.replace("-", "").lower()
        if folder == topic_id.hex and path.parent.name == str(partition):
            return str(path.parent) + "/"
    raise FileNotFoundError(f"no log of {topic}-{partition} below {broker.data}")
