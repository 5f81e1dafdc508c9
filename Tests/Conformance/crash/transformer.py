"""A transactional worker of the crash loop, as a process: reads a topic, writes f of each record.

Consumes, produces and commits the offsets in one transaction, as exactly-once applications do.
It may be killed at any moment, and stopped and continued after a successor with its transactional
id has started: then it must find out that it is fenced, and says so by its exit status.
"""
import argparse
import random
import signal
import sys

from confluent_kafka import (
    OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaError, KafkaException, Producer,
    TopicPartition)

import records

# Exit statuses.
FENCED = 3
LIBRDKAFKA_DEFECT = 4
FENCING = {
    KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.FENCED_INSTANCE_ID,
}


class Rewind(Exception):
    """The transaction was aborted: go back to the offsets that are committed."""


class Transformer:
    def __init__(self, options):
        self.options = options
        self.is_stopping = self.is_aborting = False
        self.gave_up_messages = False
        self.dice = random.Random(options.seed)
        self.commits = self.aborts = self.forced = 0
        signal.signal(signal.SIGTERM, self.stop)
        network = {
            "bootstrap.servers": options.bootstrap, "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200, "error_cb": self.failed,
            # When all brokers are down librdkafka 2.10 and later forgets them and begins anew, but
            # waits for ever for the forgotten one to take the transaction's offsets:
            # https://github.com/confluentinc/librdkafka/issues/5511
            "metadata.recovery.strategy": "none",
        }
        membership = {"group.instance.id": options.instance} if options.instance else {}
        self.consumer = Consumer({
            "group.id": options.group, "enable.auto.commit": False,
            "isolation.level": "read_committed", "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, **network, **membership,
        })
        self.producer = Producer({
            "transactional.id": options.transactional_id, "transaction.timeout.ms": 60_000,
            # What was under way when the broker died is not sent again while an abort waits for it,
            # but times out: with the transaction itself, the broker would have ended that first.
            "message.timeout.ms": 20_000,
            "retry.backoff.ms": 20, "linger.ms": 1, **network,
        })

    def stop(self, *_):
        self.is_stopping = True

    def failed(self, error):
        if error.fatal():
            self.end(error)

    def end(self, error):
        """Ends the process for good: fenced, or something that must not happen."""
        print(f"fatal: {error}", flush=True)
        if self.is_aborting and error.code() == KafkaError.INVALID_TXN_STATE:
            # It aborts what the broker has never heard of, since that died before it read the
            # transaction's first request: https://github.com/confluentinc/librdkafka/issues/4849
            sys.exit(LIBRDKAFKA_DEFECT)
        if self.gave_up_messages and error.code() == KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
            # It gives the sequence number of a message that it threw away with a transaction to the
            # next message, although the broker had written the first and died before it could say so
            # (since https://github.com/confluentinc/librdkafka/pull/4438).
            sys.exit(LIBRDKAFKA_DEFECT)
        # A consumer's fatal error comes as a message of code _FATAL that has the reason as text.
        is_fenced = error.code() in FENCING or "fenced" in error.str()
        sys.exit(FENCED if is_fenced else 1)

    def retry(self, operation, *arguments):
        """Calls what may be called again until it is done; an aborted transaction rewinds."""
        while True:
            try:
                return operation(*arguments)
            except KafkaException as exception:
                error = exception.args[0]
                if error.fatal() or error.code() in FENCING:
                    self.end(error)
                if error.txn_requires_abort():
                    self.forced += 1
                    print(f"forced to abort: {error}", flush=True)
                    self.abort()
                elif not error.retriable():
                    self.end(error)

    def abort(self):
        self.aborts += 1
        self.is_aborting = True
        self.gave_up_messages |= len(self.producer) > 0
        self.retry(self.producer.abort_transaction)
        self.is_aborting = False
        raise Rewind

    def rewind(self):
        """Goes back to what is committed; until that is known nothing is read."""
        while assignment := self.consumer.assignment():
            try:
                for place in self.consumer.committed(assignment, timeout=5):
                    if place.error is not None:
                        raise KafkaException(place.error)
                    if place.offset == OFFSET_INVALID:
                        place.offset = OFFSET_BEGINNING
                    self.consumer.seek(place)
                return
            except KafkaException as exception:
                print(f"rewinding again: {exception}", flush=True)
                # Serves rebalances; fetching stands still until the positions are right.
                self.consumer.pause(assignment)
                self.consumer.poll(0.1)
                self.consumer.resume(self.consumer.assignment())

    def produce(self, messages):
        """Writes f of each record; sometimes what is written is given up."""
        try:
            for message in messages:
                data = records.derived(message.partition(), message.offset(), message.value())
                self.producer.produce(self.options.output, data, partition=message.partition())
            gives_up = self.dice.random() < 0.1
            if gives_up:
                self.producer.flush(0.1 * self.dice.random())
        except KafkaException as exception:
            error = exception.args[0]
            if error.fatal() or error.code() in FENCING:
                self.end(error)
            print(f"cannot go on producing: {error}", flush=True)
            self.forced += 1
            gives_up = True
        if gives_up:
            self.abort()

    def transform(self, messages):
        self.retry(self.producer.begin_transaction)
        self.produce(messages)
        ends = {message.partition(): message.offset() + 1 for message in messages}
        self.retry(
            self.producer.send_offsets_to_transaction,
            [TopicPartition(self.options.input, index, end) for index, end in ends.items()],
            self.consumer.consumer_group_metadata())
        if self.dice.random() < 0.05:
            self.abort()
        self.retry(self.producer.commit_transaction)
        self.commits += 1

    def run(self):
        self.retry(self.producer.init_transactions)
        self.consumer.subscribe([self.options.input])
        print("ready", flush=True)
        while not self.is_stopping:
            messages = self.consumer.consume(self.dice.choice((1, 50, 1000)), 0.05)
            for message in messages:
                error = message.error()
                if error is not None and error.code() in FENCING | {KafkaError._FATAL}:
                    self.end(error)
            messages = [message for message in messages if message.error() is None]
            if not messages:
                continue
            try:
                self.transform(messages)
            except Rewind:
                self.rewind()
        self.consumer.close()
        print(f"{self.commits} commits, {self.aborts} aborts, {self.forced} of them forced",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("bootstrap", "input", "output", "group", "transactional-id"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--instance", default="")
    parser.add_argument("--seed", type=int, required=True)
    Transformer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
