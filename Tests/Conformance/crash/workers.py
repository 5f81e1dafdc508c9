"""The processes of the crash loop besides the broker."""
import os
import signal
import subprocess
import sys
import time

from broker import Failure
from transformer import FENCED, LIBRDKAFKA_DEFECT

HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """A Python process of this folder, whose output goes to a file."""

    def __init__(self, folder, name, script, **arguments):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        command = [sys.executable, os.path.join(HERE, script)]
        for key, value in arguments.items():
            command += [f"--{key.replace('_', '-')}", str(value)]
        with open(self.log, "ab") as log:
            self.start = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(self.start)
            return log.read()

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.process.wait()

    def finish(self, seconds=180):
        """Asks the process to end and waits until it has; any status but 0 is a failure."""
        self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} runs on {seconds} s after SIGTERM") from None
        if status != 0:
            raise Failure(f"{self.name} ended with status {status}: {self.output()[-600:]}")

    def check(self):
        """A worker ends only when it is told to."""
        if not self.is_running():
            raise Failure(f"{self.name} ended by itself with status {self.process.returncode}: "
                          f"{self.output()[-600:]}")


class TransformerSlot:
    """A transactional id, and the process that owns it: killed, replaced, made a zombie."""

    ZOMBIE_SECONDS = 120

    def __init__(self, folder, index, dice, **arguments):
        self.folder = folder
        self.index = index
        self.dice = dice
        self.arguments = arguments
        self.generation = 0
        self.successor = None
        self.zombies = []
        self.kills = self.fenced = self.misled = self.lapsed = 0
        # Whether a zombie went on after the worker had started: one that joins the group anew takes
        # a static member's place back.
        self.has_rival = False
        self.worker = self.launch()

    def launch(self):
        self.generation += 1
        return Worker(
            self.folder, f"transformer-{self.index}-{self.generation}", "transformer.py",
            transactional_id=f"transform-{self.index}", seed=self.dice.getrandbits(32),
            **self.arguments)

    def kill(self):
        """kill -9, and a new process at once."""
        if self.successor is None and self.worker.is_running():
            self.worker.kill()
            self.kills += 1
            self.replace(self.launch())

    def replace(self, worker):
        self.worker = worker
        self.has_rival = bool(self.zombies and self.arguments["instance"])

    def make_zombie(self):
        """Stops the process where it is and starts its successor; `tick` continues the zombie."""
        if self.successor is None and "ready" in self.worker.output():
            self.worker.signal(signal.SIGSTOP)
            self.successor = self.launch()

    def tick(self):
        """Looks after successors and zombies; a zombie must learn that it is one."""
        if self.worker.process.poll() == FENCED and (self.has_rival or self.has_lapsed()):
            self.lapsed += not self.has_rival
            self.replace(self.launch())
        if self.worker.process.poll() == LIBRDKAFKA_DEFECT:
            self.misled += 1
            self.replace(self.launch())
        self.worker.check()
        if self.successor is not None:
            self.successor.check()
            if "ready" in self.successor.output():
                self.worker.signal(signal.SIGCONT)
                self.zombies.append((self.worker, time.monotonic() + self.ZOMBIE_SECONDS))
                self.replace(self.successor)
                self.successor = None
        for zombie, deadline in list(self.zombies):
            if zombie.is_running():
                if time.monotonic() > deadline:
                    zombie.kill()
                    raise Failure(f"{zombie.name} has a successor and does not notice: "
                                  f"{zombie.output()[-600:]}")
            elif zombie.process.returncode == FENCED:
                self.zombies.remove((zombie, deadline))
                self.fenced += 1
            else:
                raise Failure(f"{zombie.name}, a zombie, ended with status "
                              f"{zombie.process.returncode}: {zombie.output()[-600:]}")

    def has_lapsed(self):
        """Whether a static member was its own rival.

        When nothing answers for as long as its session lasts (a machine that stands still),
        librdkafka gives up its member id and joins anew, which replaces that id; a heartbeat of
        before that it sends again is then fenced, as it should be.
        """
        output = self.worker.output()
        return "SESSTMOUT" in output and "Static consumer fenced" in output

    def processes(self):
        return [worker for worker in (
            self.worker, self.successor, *(zombie for zombie, _ in self.zombies)) if worker]
