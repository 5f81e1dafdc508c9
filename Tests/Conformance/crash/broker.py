"""The broker of the crash loop: killed at any moment, and asked how it came back."""
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from broker_process import BrokerFailure, BrokerProcess  # noqa: E402

# What no start after kill -9 may say: the kernel keeps every byte that was written, so at most the
# last write is unfinished.
FORBIDDEN = re.compile(r"^\S+ (error|critical) .*|.*(quarantine|Fatal error).*", re.MULTILINE)


class Failure(BrokerFailure):
    """Something that the broker promises did not hold."""


class KilledBroker(BrokerProcess):
    """A broker that must run until it is killed, and must say nothing bad when it starts again."""

    def __init__(self, program, folder):
        super().__init__(Path(program), Path(folder))
        self.checked = 0

    def start_again(self):
        """Starts the process; returns the seconds until clients can connect."""
        begin = time.monotonic()
        self.start(timeout=60)
        return time.monotonic() - begin

    def kill_running(self):
        """kill -9, after making sure that the broker has not ended by itself."""
        if not self.is_running:
            raise Failure(f"the broker ended with status {self.process.returncode}")
        self.kill()

    def kill_while_starting(self, seconds):
        """Starts the process and kills it after a moment, whether it listens already or not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.directory, stdout=subprocess.PIPE, stderr=log, text=True)
        time.sleep(seconds)
        self.kill_running()

    def stop_cleanly(self):
        status = self.stop(60)
        if status != 0:
            raise Failure(f"the broker stopped with status {status}")

    def check_data(self):
        """Has `freshet broker check` read everything while no broker runs."""
        check = subprocess.run([self.program, "broker", "check", self.data],
                               capture_output=True, text=True)
        if check.returncode != 0:
            raise Failure(f"freshet broker check ends with status {check.returncode}:\n"
                          f"{check.stdout[-2000:]}{check.stderr[-2000:]}")

    def check_log(self):
        """Looks at what the broker said since the last call; returns how many ends it cut off."""
        text = self.log_text()[self.checked:]
        self.checked += len(text)
        found = FORBIDDEN.search(text)
        if found:
            raise Failure(f"the broker says: {found[0]}")
        return text.count("cut off the end")
