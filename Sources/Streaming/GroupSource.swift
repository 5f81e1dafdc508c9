/// A source whose position is kept in the log, under the name of a group.
///
/// A commit is the group's, whichever member made it.
public protocol GroupSource: RecordSource {
    /// Goes back to what the group has committed, in these partitions as far as they are read now;
    /// where it has committed nothing, to the offset given.
    ///
    /// Blocks up to `timeout`. After an error the call may be made again; what is polled meanwhile
    /// may come once more afterwards.
    func rewind(_ positions: [TopicPartition: Offset], timeout: Duration) throws(StreamError)
}
