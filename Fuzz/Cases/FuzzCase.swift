/// Bytes for one of the doors that they come in through.
package enum FuzzCase: Sendable {
    /// A connection's bytes, in the pieces that they arrive in, and the requests that are in them;
    /// nil if they are damaged.
    case stream([[UInt8]], holds: [[UInt8]]?)
    /// A request without its length, and whether it must be readable.
    case request([UInt8], isIntact: Bool)
    /// Records for a partition, and whether they must be accepted.
    case batch([UInt8], isIntact: Bool, isCompacted: Bool)
}
