#!/usr/bin/env python3
"""Kills a broker with kill -9 again and again under load; what it acknowledged must be there.

Usage: crash_loop.py --freshet PATH [--kills 200] [--seed 1]

Six producers (acks=all, acks=1, idempotent), two transactional workers that are killed and made
zombies themselves, and a reader for each topic run while the broker dies at random moments, also
while it starts. In the end everything is read back and compared offset by offset:

- every acknowledged record is at its acknowledged offset, an idempotent producer's exactly once and
  in order, a plain one's again only where a broker died before it answered;
- the transactional output is f(input), each record once, in order, and the committed offsets are
  the ends of the input;
- what a reader was shown never changed; producer ids and leader epochs never come again.

The seed gives the moments of the kills; what they hit depends on the machine. After a failure the
folder with data, logs and ledgers is kept and named. Needs confluent-kafka.
"""
import argparse
import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import time

import confluent_kafka
from confluent_kafka import Consumer, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

import records
import verify
from broker import BrokerFailure, Failure, KilledBroker
from workers import TransformerSlot, Worker

PARTITIONS = 4
RATE = 600  # records a second and producer
PRODUCERS = [  # topic and kind, linger in ms, compression
    ("acks-all", 5, "none"), ("acks-all", 0, "lz4"),
    ("acks-1", 5, "none"), ("acks-1", 0, "zstd"),
    ("idempotent", 0, "none"), ("idempotent", 20, "snappy"),
]
INPUT, OUTPUT, GROUP = "idempotent", "transformed", "transform"


class CrashLoop:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.dice = random.Random(options.seed)
        self.broker = KilledBroker(options.freshet, folder)
        self.producer_ids = set()
        self.producers = []
        self.followers = []
        self.slots = []
        self.actions = []
        self.begun = time.monotonic()
        self.kills = self.torn = 0
        self.slowest_start = 0
        self.topics = ["acks-all", "acks-1", "idempotent"]
        if not options.without_transactions:
            self.topics.append(OUTPUT)

    # Starting.

    def begin(self):
        self.start_broker()
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 3})
        # Small segments, so that kills meet the ends of segments as well.
        futures = admin.create_topics([
            NewTopic(name, PARTITIONS, 1, config={
                "segment.bytes": "1000000", "retention.ms": "-1", "flush.ms": "200"})
            for name in self.topics])
        for future in futures.values():
            future.result(30)
        for number, (kind, linger, compression) in enumerate(PRODUCERS):
            self.producers.append(Worker(
                self.folder, f"producer-{number}", "producer.py",
                bootstrap=self.broker.bootstrap, topic=kind, partitions=PARTITIONS, kind=kind,
                producer=number, ledger=self.path(f"producer-{number}.ledger"), rate=RATE,
                linger=linger, compression=compression))
        for name in self.topics:
            self.followers.append(Worker(
                self.folder, f"follower-{name}", "follower.py", bootstrap=self.broker.bootstrap,
                topic=name, partitions=PARTITIONS, ledger=self.path(f"{name}.seen")))
        if OUTPUT in self.topics:
            # A static member comes back without a rebalance, a dynamic one as a stranger.
            self.slots = [
                TransformerSlot(
                    self.folder, index, self.dice, bootstrap=self.broker.bootstrap, input=INPUT,
                    output=OUTPUT, group=GROUP, instance=instance)
                for index, instance in enumerate(("static", ""))]

    def path(self, name):
        return os.path.join(self.folder, name)

    def start_broker(self):
        self.slowest_start = max(self.slowest_start, self.broker.start_again())
        self.torn += self.broker.check_log()
        for _ in range(3):
            identity = init_producer_id(self.broker.bootstrap)
            verify.require(identity not in self.producer_ids,
                           f"producer id {identity} was given twice")
            self.producer_ids.add(identity)

    def say(self, text):
        if self.options.verbose:
            print(f"{time.monotonic() - self.begun:7.2f} {text}", flush=True)

    # Killing.

    def run(self):
        while self.kills < self.options.kills:
            # Now and then long enough for a killed worker's session to end: until then its group
            # waits for it, and each start of the broker gives it the whole time anew.
            is_calm = self.dice.random() < 1 / 6
            self.wait(self.dice.uniform(8, 11) if is_calm else self.dice.uniform(0.1, 2.4))
            self.broker.kill_running()
            self.kills += 1
            while self.kills < self.options.kills and self.dice.random() < 0.1:
                # While it starts, at the latest shortly after it has.
                self.broker.kill_while_starting(self.dice.uniform(0, 0.15))
                self.kills += 1
            self.start_broker()
            self.say(f"kill {self.kills}")

    def wait(self, seconds):
        """Lets everything run, and kills a worker now and then."""
        end = time.monotonic() + seconds
        if self.slots:
            slot = self.dice.choice(self.slots)
            action = self.next_action()
            if action == "kill":
                slot.kill()
            elif action == "make a zombie":
                slot.make_zombie()
        while time.monotonic() < end:
            for worker in self.producers + self.followers:
                worker.check()
            for slot in self.slots:
                slot.tick()
            time.sleep(0.02)

    def next_action(self):
        """What happens to a worker: every action comes once in four rounds, in any order."""
        if not self.actions:
            self.actions = ["kill", "make a zombie", None, None]
            self.dice.shuffle(self.actions)
        return self.actions.pop()

    # The end.

    def finish(self):
        self.wait_for_zombies()
        ledgers = {name: {} for name in self.topics}
        for number, (worker, (kind, _, _)) in enumerate(zip(self.producers, PRODUCERS)):
            worker.finish()
            sent = int(worker.output().split("sent ")[1])
            self.say(f"{worker.name} has stopped")
            ledgers[kind][number] = (self.path(f"producer-{number}.ledger"), sent)
        if self.slots:
            self.finish_transformers()
        self.say("nothing is written any more")
        self.broker.kill_running()
        self.kills += 1
        self.broker.check_data()
        self.start_broker()
        report = self.compare(ledgers)
        ends = self.latest(IsolationLevel.READ_UNCOMMITTED)
        verify.require(ends == self.latest(IsolationLevel.READ_COMMITTED),
                       "a transaction is still open: the last stable offset is not the end")
        self.broker.stop_cleanly()
        self.broker.start_again()
        verify.require(ends == self.latest(IsolationLevel.READ_UNCOMMITTED),
                       "a clean stop and start changed the ends")
        self.broker.stop_cleanly()
        self.broker.check_log()
        self.broker.check_data()
        return report

    def wait_for_zombies(self):
        """Waits until every zombie has learned that it is one, which needs input."""
        while any(slot.zombies or slot.successor for slot in self.slots):
            for slot in self.slots:
                slot.tick()
            time.sleep(0.02)
        self.say("no zombie is left")

    def finish_transformers(self):
        """Waits until the whole input is transformed and committed."""
        source = {key: end for key, end in
                  self.latest(IsolationLevel.READ_COMMITTED).items() if key[0] == INPUT}
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": GROUP})
        deadline = time.monotonic() + 180
        while True:
            for slot in self.slots:
                slot.tick()
            committed = {(place.topic, place.partition): max(0, place.offset)
                         for place in consumer.committed(
                             [TopicPartition(*key) for key in source], timeout=60)}
            if committed == source:
                break
            verify.require(all(committed[key] <= source[key] for key in source),
                           f"offsets beyond the input's ends {source}: {committed}")
            verify.require(time.monotonic() < deadline,
                           f"after 180 s {committed} of {source} are committed")
            time.sleep(0.1)
        consumer.close()
        for slot in self.slots:
            slot.worker.finish()

    def latest(self, isolation):
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 3})
        futures = admin.list_offsets(
            {TopicPartition(name, index): OffsetSpec.latest()
             for name in self.topics for index in range(PARTITIONS)},
            isolation_level=isolation)
        return {(place.topic, place.partition): future.result(60).offset
                for place, future in futures.items()}

    def compare(self, ledgers):
        report = []
        source = None
        for name, follower in zip(self.topics, self.followers):
            found = verify.read(self.broker.bootstrap, name, PARTITIONS, "read_committed")
            count = sum(map(len, found))
            self.say(f"{name} is read")
            if name == OUTPUT:
                verify.check_transformed(name, found, source)
                everything = verify.read(
                    self.broker.bootstrap, name, PARTITIONS, "read_uncommitted")
                hidden = sum(map(len, everything)) - count
                verify.require(hidden > 0, "no aborted record is in the log: nothing was tested")
                report.append(f"{name}: {count} records, f of the input, each once, in order; "
                              f"{hidden} aborted ones stay hidden")
            else:
                exactly_once = name == "idempotent"
                again = verify.check_producers(name, found, ledgers[name], exactly_once)
                report.append(f"{name}: {count} records, each at its acknowledged offset, "
                              f"{again} again after an unanswered request")
                if name == INPUT:
                    source = found
            self.wait_for_follower(name, count)
            follower.finish()
            verify.check_follower(name, found, self.path(f"{name}.seen"))
        return report

    def wait_for_follower(self, name, count):
        """A reader may be behind; it has 60 s to see the rest."""
        deadline = time.monotonic() + 60
        size = records.Ledger.ENTRY.size
        while os.path.getsize(self.path(f"{name}.seen")) < count * size:
            verify.require(time.monotonic() < deadline, f"{name}: the reader does not get on")
            time.sleep(0.05)

    def end_processes(self):
        for slot in self.slots:
            for worker in slot.processes():
                worker.kill()
        for worker in self.producers + self.followers:
            worker.kill()
        self.broker.kill()


def init_producer_id(address):
    """A new producer id, by InitProducerId version 0 on a connection of its own."""
    host, port = address.rsplit(":", 1)
    body = struct.pack(">hhih", 22, 0, 1, -1) + struct.pack(">hi", -1, 60_000)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = b""
        while len(answer) < 24:
            piece = connection.recv(64)
            if not piece:
                raise Failure("the broker closed the connection on InitProducerId")
            answer += piece
    size, _, _, error, identity, epoch = struct.unpack(">iiihqh", answer)
    verify.require((size, error, epoch) == (20, 0, 0), f"InitProducerId: error {error}")
    return identity


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--freshet", required=True, help="the program")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", help="where to make the folder for data and logs")
    parser.add_argument("--without-transactions", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the folder also after success")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.freshet = os.path.abspath(options.freshet)
    folder = tempfile.mkdtemp(prefix="crash-loop-", dir=options.directory)
    print(f"crash loop: seed {options.seed}, {options.kills} kills, {folder}, confluent-kafka "
          f"{confluent_kafka.__version__}", flush=True)
    loop = CrashLoop(options, folder)
    try:
        loop.begin()
        loop.run()
        report = loop.finish()
    except BrokerFailure as failure:
        print(f"FAILED after {loop.kills} kills, seed {options.seed}: {failure}\n"
              f"data, logs and ledgers are in {folder}", flush=True)
        options.keep = True
        return 1
    except BaseException:
        options.keep = True
        raise
    finally:
        loop.end_processes()
        if not options.keep:
            shutil.rmtree(folder)
    for line in report:
        print(line)
    if loop.slots:
        print(f"workers: {sum(slot.kills for slot in loop.slots)} killed, "
              f"{sum(slot.fenced for slot in loop.slots)} zombies fenced, "
              f"{sum(slot.misled for slot in loop.slots)} ended by their library, "
              f"{sum(slot.lapsed for slot in loop.slots)} fenced after their session had run out")
    print(f"{loop.kills} kills, {loop.torn} unfinished ends cut off, slowest start "
          f"{loop.slowest_start:.2f} s, {len(loop.producer_ids)} producer ids, all different; "
          f"{time.monotonic() - loop.begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
