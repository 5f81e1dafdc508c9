public import Learning

/// A line at the height at which it is learned, and what stands there.
struct Label: Equatable, Sendable {
    var image: GrayImage
    var text: String
    var template: String
    var field: String
    var document: [UInt8]
    var timestamp: Int64
    var identity: EventIdentity
    var partition: Int32
    var offset: Int64

    /// What it is counted under: the design and the field of it.
    var slice: String { "\(template)/\(field)" }
}

/// Labels of one batch.
public struct LabelEvents: EventColumns {
    private(set) var labels: [Label] = []
    /// When each label was given.
    public private(set) var timestamps: [Int64] = []

    /// No labels.
    public init() {}

    /// Number of labels.
    public var count: Int { labels.count }

    mutating func removeAll() {
        labels.removeAll(keepingCapacity: true)
        timestamps.removeAll(keepingCapacity: true)
    }

    mutating func append(_ label: Label) {
        labels.append(label)
        timestamps.append(label.timestamp)
    }

    /// What stands for the label's own `id`.
    public func identity(at index: Int) -> EventIdentity? {
        labels[index].identity == .none ? nil : labels[index].identity
    }

    /// Lends the document's id.
    public func withSubject<Result>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        labels[index].document.withUnsafeBytes(body)
    }

    /// Leaves out labels.
    public mutating func keep(where isKept: (Int) -> Bool) {
        let kept = labels.indices.filter(isKept)
        labels = kept.map { labels[$0] }
        timestamps = labels.map(\.timestamp)
    }
}
