"""A producer of the crash loop, as a process: sends records until SIGTERM.

Then it waits for all answers. Writes each answer to a ledger. Record n goes to partition n modulo
the number of partitions, so that the order of each partition is known. Exit status 0 means: every
record was acknowledged.
"""
import argparse
import random
import signal
import sys
import time

from confluent_kafka import Producer

import records

# Kinds of producer. A plain one is told to keep trying for ever, as the idempotent one is: then a
# record that has no answer at the end is a failure and not a choice.
KINDS = {
    "acks-all": {"acks": "all", "enable.idempotence": False},
    "acks-1": {"acks": "1", "enable.idempotence": False},
    "idempotent": {"enable.idempotence": True},
}
OUTSTANDING = 2000


class Sender:
    def __init__(self, options):
        self.options = options
        self.number = 0
        self.waiting = 0
        self.failures = []
        self.ledger = records.Ledger(options.ledger)
        self.is_stopping = False
        signal.signal(signal.SIGTERM, self.stop)
        self.producer = Producer({
            "bootstrap.servers": options.bootstrap,
            "message.timeout.ms": 0,
            # A retry must only come from a broker that died, never from a slow machine.
            "request.timeout.ms": 300_000,
            "socket.timeout.ms": 300_000,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20,
            "linger.ms": options.linger,
            "compression.type": options.compression,
            "error_cb": self.failed,
            **KINDS[options.kind],
        })

    def stop(self, *_):
        self.is_stopping = True

    def failed(self, error):
        """Lost connections are what the test is about; everything fatal is not."""
        if error.fatal():
            self.failures.append(str(error))

    def answered(self, number):
        def callback(error, message):
            self.waiting -= 1
            if error is not None:
                self.failures.append(f"record {number}: {error}")
            else:
                self.ledger.add(number, message.partition(), message.offset())
        return callback

    def send(self):
        number = self.number
        self.producer.produce(
            self.options.topic, records.value(self.options.producer, number),
            partition=number % self.options.partitions, on_delivery=self.answered(number))
        self.number += 1
        self.waiting += 1

    def run(self):
        """Sends bursts of random length at a mean rate until told to stop, or until one fails."""
        dice = random.Random(self.options.producer)
        begin = time.monotonic()
        while not self.is_stopping and not self.failures:
            burst = dice.choice((1, 1, 5, 20, 100, 400))
            while burst > 0 and self.waiting < OUTSTANDING and not self.is_stopping:
                self.send()
                burst -= 1
                self.producer.poll(0)
            while not self.is_stopping and (
                    self.waiting >= OUTSTANDING
                    or self.number > self.options.rate * (time.monotonic() - begin)):
                self.producer.poll(0.02)
        left = self.producer.flush(120)
        self.ledger.close()
        for failure in self.failures[:10]:
            print(f"{self.options.topic}: {failure}", file=sys.stderr)
        if left:
            print(f"{self.options.topic}: {left} records without an answer", file=sys.stderr)
        print(f"sent {self.number}", flush=True)
        return 1 if left or self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--producer", type=int, required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--linger", type=float, default=5)
    parser.add_argument("--compression", default="none")
    sys.exit(Sender(parser.parse_args()).run())


if __name__ == "__main__":
    main()
