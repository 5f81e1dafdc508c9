/// One file of a log: the batches from `baseOffset` on, and where to find them.
///
/// Owned by the thread of its log.
final class LogSegment {
    let baseOffset: Int64
    /// The path of the log's directory and the segment's number, without an ending.
    private let stem: String
    var index: LogIndex
    /// When the first batch was appended, in milliseconds since 1970, or when the log was opened
    /// with it; nil without any.
    var firstAppend: Int64?
    /// The open file; nil until it is needed.
    fileprivate(set) var file: SegmentFile?

    /// Names a segment.
    ///
    /// - Parameters:
    ///   - directory: The log's directory.
    ///   - baseOffset: The segment's first offset.
    ///   - previous: The segment before it.
    init(directory: String, baseOffset: Int64, after previous: LogSegment? = nil) {
        self.baseOffset = baseOffset
        stem = directory + "/" + Self.name(baseOffset)
        index = LogIndex(baseOffset: baseOffset, after: previous?.index)
    }

    var logPath: String { stem + ".log" }
    var indexPath: String { stem + ".idx" }
    var byteCount: Int { index.coveredByteCount }
    var nextOffset: Int64 { index.nextOffset }
    var maxTimestamp: Int64 { index.maxTimestamp }

    /// An offset as files are named after it: 20 digits, so that names sort like numbers.
    static func name(_ offset: Int64) -> String {
        let digits = String(offset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// The offset that a file is named after; nil if it is not a file of this kind.
    static func offset(ofFile name: String, ending: String) -> Int64? {
        guard name.hasSuffix(ending), name.utf8.count == 20 + ending.utf8.count else { return nil }
        guard let offset = Int64(name.dropLast(ending.count)), offset >= 0 else { return nil }
        return offset
    }

    /// Writes the `.idx` file; without it the next start reads all headers of the segment.
    func writeIndex() throws(BrokerError) {
        try FileSystem.write(index.encoded(), to: indexPath, isDurable: false)
    }

    /// Removes the segment's files.
    func remove() throws(BrokerError) {
        try FileSystem.remove(indexPath)
        try FileSystem.remove(logPath)
    }
}

/// The open files of all logs of one thread: those of the segments that were opened last.
///
/// Two threads keep at most 512 files open, however many partitions and segments there are.
final class OpenFiles {
    private static let limit = 256

    private var segments: [LogSegment] = []

    /// The open file of a segment.
    ///
    /// - Parameters:
    ///   - segment: The segment.
    ///   - creates: Whether to make the file if it is missing.
    /// - Returns: The file, which closes when neither this nor anybody else keeps it.
    /// - Throws: `BrokerError` of kind `storage`.
    func file(of segment: LogSegment, creates: Bool = false) throws(BrokerError) -> SegmentFile {
        if let file = segment.file { return file }
        let file = try SegmentFile(path: segment.logPath, creates: creates)
        segment.file = file
        segments.append(segment)
        if segments.count > Self.limit { segments.removeFirst().file = nil }
        return file
    }

    /// Closes the files of some segments.
    func close(_ closed: some Sequence<LogSegment>) {
        for segment in closed where segment.file != nil {
            segment.file = nil
            segments.removeAll { $0 === segment }
        }
    }
}
