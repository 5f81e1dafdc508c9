"""A producer with an id: sequence numbers, and transactions when it has a name."""

from __future__ import annotations

from typing import Any

from kafka_codec import ErrorCode, Record, Struct, encode_batch
from raw.client import Client, wait_for
from raw.ranges import latest

SEQUENCES = 1 << 31


class Producer:
    """Numbers its batches as a real client does; every part of a batch can be overruled."""

    def __init__(self, client: Client, transactional_id: str | None = None) -> None:
        self.client = client
        self.transactional_id = transactional_id
        self.producer_id = -1
        self.epoch = -1
        self.next_sequence: dict[tuple[str, int], int] = {}

    @classmethod
    def start(
        cls, client: Client, transactional_id: str | None = None, timeout: int = 60_000
    ) -> Producer:
        """A producer that has its id, after the end of what its predecessor left open."""
        producer = cls(client, transactional_id)

        def initialized() -> bool:
            answer = producer.init(timeout)
            assert answer.errorCode in (ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS), answer
            return bool(answer.errorCode == ErrorCode.NONE)

        wait_for(initialized, "InitProducerId")
        return producer

    def init(
        self,
        timeout: int = 60_000,
        expected: tuple[int, int] | None = None,
        version: int = latest("InitProducerId"),
    ) -> Struct:
        """Asks for an id and epoch and takes them when there is no error."""
        named = {"producerId": expected[0], "producerEpoch": expected[1]} if expected else {}
        answer = self.client.call(
            "InitProducerId",
            version,
            transactionalId=self.transactional_id,
            transactionTimeoutMs=timeout,
            **named,
        )
        if answer.errorCode == ErrorCode.NONE:
            self.producer_id, self.epoch = answer.producerId, answer.producerEpoch
            self.next_sequence.clear()
        return answer

    # Records

    def batch(
        self, topic: str, *records: Record | bytes, partition: int = 0, **overruled: Any
    ) -> bytes:
        """The next batch; its numbers are used up."""
        sequence = self.next_sequence.get((topic, partition), 0)
        fields = {
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
            "base_sequence": sequence,
            "transactional": self.transactional_id is not None,
            **overruled,
        }
        following = (fields["base_sequence"] + len(records)) % SEQUENCES
        self.next_sequence[topic, partition] = following
        return encode_batch(records, **fields)

    def send_again(self, topic: str, batch: bytes, partition: int = 0, **options: Any) -> Struct:
        """Produces bytes made before, as a retry does."""
        return self.client.produce(
            topic, batch, partition=partition, transactional_id=self.transactional_id, **options
        )

    def send(
        self, topic: str, *records: Record | bytes, partition: int = 0, **overruled: Any
    ) -> Struct:
        """Produces one batch and returns the answer."""
        batch = self.batch(topic, *records, partition=partition, **overruled)
        return self.send_again(topic, batch, partition)

    def write(self, topic: str, *records: Record | bytes, partition: int = 0) -> int:
        """Produces one batch that must be accepted; returns its first offset."""
        answer = self.send(topic, *records, partition=partition)
        assert answer.errorCode == ErrorCode.NONE, answer
        offset: int = answer.baseOffset
        return offset

    # Transactions

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "transactionalId": self.transactional_id,
            "producerId": self.producer_id,
            "producerEpoch": self.epoch,
        }

    def add_partitions(
        self, topic: str, *partitions: int, version: int = latest("AddPartitionsToTxn")
    ) -> dict[int, int]:
        """Adds partitions and returns the error code of each."""
        answer = self.client.call(
            "AddPartitionsToTxn",
            version,
            v3AndBelowTransactionalId=self.transactional_id,
            v3AndBelowProducerId=self.producer_id,
            v3AndBelowProducerEpoch=self.epoch,
            v3AndBelowTopics=[{"name": topic, "partitions": list(partitions or [0])}],
        )
        (result,) = answer.resultsByTopicV3AndBelow
        return {each.partitionIndex: each.partitionErrorCode for each in result.resultsByPartition}

    def begin(self, topic: str, *partitions: int) -> None:
        """Adds partitions that must be accepted."""

        def added() -> bool:
            codes = set(self.add_partitions(topic, *partitions).values())
            assert codes <= {ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS}, codes
            return codes == {ErrorCode.NONE}

        wait_for(added, "AddPartitionsToTxn")

    def end(self, commit: bool, version: int = latest("EndTxn")) -> int:
        """Ends the transaction and returns the error code."""
        answer = self.client.call("EndTxn", version, committed=commit, **self.identity)
        code: int = answer.errorCode
        return code

    def finish(self, commit: bool) -> None:
        """Ends the transaction, which must be accepted."""
        code = self.end(commit)
        assert code == ErrorCode.NONE, code

    def transact(self, topic: str, *records: bytes, commit: bool = True, partition: int = 0) -> int:
        """A whole transaction of one batch; returns the batch's offset."""
        self.begin(topic, partition)
        offset = self.write(topic, *records, partition=partition)
        self.finish(commit)
        return offset

    def add_offsets(self, group: str, version: int = latest("AddOffsetsToTxn")) -> int:
        """Adds a group to the transaction and returns the error code."""
        answer = self.client.call("AddOffsetsToTxn", version, groupId=group, **self.identity)
        code: int = answer.errorCode
        return code

    def commit_offset(
        self,
        group: str,
        topic: str,
        offset: int,
        partition: int = 0,
        version: int = latest("TxnOffsetCommit"),
        **member: Any,
    ) -> int:
        """Commits an offset as part of the transaction and returns the partition's error code."""
        entry = {
            "partitionIndex": partition,
            "committedOffset": offset,
            "committedMetadata": "from a transaction",
        }
        answer = self.client.call(
            "TxnOffsetCommit",
            version,
            groupId=group,
            topics=[{"name": topic, "partitions": [entry]}],
            **self.identity,
            **member,
        )
        code: int = answer.topics[0].partitions[0].errorCode
        return code
