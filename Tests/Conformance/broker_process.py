"""A broker of the suite's own: started, killed and restarted as a case needs it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Why a case is skipped when the broker was named by its address.
NEEDS_PROCESS = "needs the broker's process"
REPOSITORY = Path(__file__).resolve().parents[2]


class BrokerFailure(Exception):
    """The process did not start or did not end as asked; the message ends with its log."""


def find_freshet(named: str | None) -> Path | None:
    """The program that was named, else what was built last for release, else for debugging."""
    if named:
        return Path(named).resolve()
    for folder in ("release", "debug"):
        built = REPOSITORY / ".build" / folder / "freshet"
        if built.exists():
            return built
    return None


class BrokerProcess:
    """One `freshet broker` process with a data directory; it keeps its port over restarts."""

    def __init__(
        self,
        program: Path,
        directory: Path,
        settings: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.program = program
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "broker.log"
        self.settings = list(settings)
        self.environment = dict(environment or {})
        self.host = "127.0.0.1"
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the broker was not started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def command(self) -> list[str]:
        command = [str(self.program), "broker", "--data", str(self.data), "--port", str(self.port)]
        for setting in self.settings:
            command += ["--set", setting]
        return command

    def start(self, timeout: float = 30) -> BrokerProcess:
        """Starts the process and returns when clients can connect."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.directory,
                env={**os.environ, **self.environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        address = self._first_line(timeout)
        # The address is the advertised one, which need not lead here.
        port = address.rpartition(":")[2]
        if not port.isdigit():
            self.kill()
            raise BrokerFailure(
                f"broker said {address!r} instead of its address\n{self.log_tail()}"
            )
        self.port = int(port)
        return self

    def kill(self) -> None:
        """SIGKILL, as a crash does it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        self._collect(10)

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM, as a service manager does it; returns the exit status."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._collect(timeout)

    def restart(self, *, kill: bool = False) -> BrokerProcess:
        """Stops (or kills) the process if it runs, and starts it on the same data and port."""
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def wait_for_exit(self, timeout: float = 30) -> int:
        """Waits until the process ends by itself, as at a fault point; returns its status."""
        return self._collect(timeout)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines: int = 40) -> str:
        """The last lines; of a process that crashed, those from the reason on."""
        log = self.log_text().splitlines()
        for at, line in enumerate(log):
            if "Fatal error" in line:
                return "\n".join(log[at : at + lines])
        return "\n".join(log[-lines:])

    def resident_kilobytes(self) -> int:
        """What the process holds in memory now (Linux)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise BrokerFailure("no VmRSS in /proc")

    def open_files(self) -> int:
        """Descriptors that the process holds now (Linux)."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _first_line(self, timeout: float) -> str:
        assert self.process is not None and self.process.stdout is not None
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0, deadline - time.monotonic())):
                self.kill()
                raise BrokerFailure(f"broker printed nothing in {timeout} s\n{self.log_tail()}")
        line = self.process.stdout.readline().strip()
        if not line:
            status = self._collect(10)
            raise BrokerFailure(f"broker ended with status {status}\n{self.log_tail()}")
        return line

    def _collect(self, timeout: float) -> int:
        if self.process is None:
            return 0
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise BrokerFailure(f"broker did not end in {timeout} s\n{self.log_tail()}") from None
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
        return status
