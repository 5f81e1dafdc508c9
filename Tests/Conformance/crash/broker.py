"""The broker as a process that is killed and started again."""
import os
import re
import selectors
import signal
import subprocess
import time

READY_SECONDS = 60
# What no start after kill -9 may say: the kernel keeps every byte that was written, so at most the
# last write is unfinished.
FORBIDDEN = re.compile(rb"^\S+ (error|critical) |quarantine|Fatal error|Precondition", re.MULTILINE)


class Failure(Exception):
    """Something that the broker promises did not hold."""


class Broker:
    """A `freshet broker` on one data directory, at the same port whenever it runs."""

    def __init__(self, program, folder, environment=None):
        self.program = program
        self.data = os.path.join(folder, "broker")
        self.log = os.path.join(folder, "broker.log")
        self.address = None
        self.process = None
        self.starts = 0
        self.checked = 0
        self.environment = environment or {}

    def launch(self, **environment):
        """Starts the process without waiting for it to listen."""
        port = self.address.split(":")[1] if self.address else "0"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "broker", "--data", self.data, "--port", port],
                stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **self.environment, **environment})
        self.starts += 1

    def wait_until_ready(self):
        """Waits for the line that says that clients can connect; returns the seconds it took."""
        begin = time.monotonic()
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = begin + READY_SECONDS - time.monotonic()
                if not selector.select(max(0, left)):
                    raise Failure(f"the broker does not listen after {READY_SECONDS} s")
                byte = self.process.stdout.read1(1)
                if not byte:
                    raise Failure(f"the broker ended with status {self.process.wait()}")
                line += byte
        self.address = line.decode().strip()
        return time.monotonic() - begin

    def start(self, **environment):
        self.launch(**environment)
        return self.wait_until_ready()

    def kill(self):
        """kill -9, after making sure that the broker still ran: it must not end by itself."""
        if self.process.poll() is not None:
            raise Failure(f"the broker ended by itself with status {self.process.returncode}")
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """Stops the broker in good order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"the broker runs on {READY_SECONDS} s after SIGTERM") from None
        self.process.stdout.close()
        if status != 0:
            raise Failure(f"the broker stopped with status {status}")

    def new_log(self):
        """What the broker has said since the last call."""
        with open(self.log, "rb") as log:
            log.seek(self.checked)
            text = log.read()
        self.checked += len(text)
        return text

    def check_log(self):
        """Nothing but an unfinished last write may be wrong; returns how many were cut off."""
        text = self.new_log()
        found = FORBIDDEN.search(text)
        if found:
            line = text[text.rfind(b"\n", 0, found.start()) + 1:text.find(b"\n", found.end())]
            raise Failure(f"the broker says: {line.decode(errors='replace')}")
        return text.count(b"cut off the end")
