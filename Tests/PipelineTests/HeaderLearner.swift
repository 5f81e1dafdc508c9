import Learning

/// A learner of what comes in headers: the numbers of `weight`, in their order.
///
/// An event without one is refused. The whole state is one number.
final class HeaderLearner: Learner {
    struct Settings: LearnerSettings {
        static let kind = "header-sum"
        func validate() throws(LearningError) {}
        var learner: any ConfiguredLearner { Configured(HeaderLearner.self, self) }
    }

    struct Events: EventColumns {
        var weights: [Int64] = []
        var subjects: [[UInt8]] = []
        var count: Int { weights.count }
        var timestamps: [Int64] { weights }
        func identity(at index: Int) -> EventIdentity? { nil }
        func withSubject<Result>(
            at index: Int,
            _ body: (UnsafeRawBufferPointer) -> Result
        ) -> Result {
            subjects[index].withUnsafeBytes(body)
        }
        mutating func keep(where isKept: (Int) -> Bool) {
            let kept = weights.indices.filter(isKept)
            (weights, subjects) = (kept.map { weights[$0] }, kept.map { subjects[$0] })
        }
    }

    final class Model: ServableModel {
        var sum: Int64 = 0
        init(settings: Settings) {}
        init(settings: Settings, state: any TensorSource) throws(LearningError) {
            sum = try Self.sum(in: state)
        }
        func restore(_ increment: any TensorSource) throws(LearningError) {
            sum = try Self.sum(in: increment)
        }
        func apply(_ delta: NamedTensors) throws(LearningError) {
            if !delta.isEmpty { sum = try Self.sum(in: delta) }
        }
        func encode() -> NamedTensors {
            var tensors = NamedTensors()
            tensors["model.sum"] = Tensor([sum])
            return tensors
        }
        /// Says the sum, and the request's header `echo`.
        func answer(_ requests: EncodedBatch, stamp: ModelStamp) -> [Answer] {
            requests.indices.map { index in
                let echo = requests.headers(at: index).first { $0.name == "echo" }?.value ?? []
                return Answer(value: Array("\(sum) ".utf8) + echo)
            }
        }
        static func sum(in source: any TensorSource) throws(LearningError) -> Int64 {
            let values: [Int64] = try source.values("model.sum", shape: [1])
            return values[0]
        }
    }

    private let model: Model
    private var publishedSum: Int64 = 0
    private(set) var eventCount: Int64 = 0
    let layout = StateLayout(tables: [])
    let metrics: [Metric] = []

    init(settings: Settings) { model = Model(settings: settings) }
    init(settings: Settings, state: any TensorSource) throws(LearningError) {
        model = try Model(settings: settings, state: state)
        publishedSum = model.sum
    }

    static func decode(
        _ encoded: EncodedBatch,
        settings: Settings,
        into events: inout Events,
        rejections: inout [Rejection]
    ) {
        events = Events()
        for index in encoded.indices {
            let value = encoded.headers(at: index).first { $0.name == "weight" }?.value ?? []
            if let weight = Int64(String(decoding: value, as: UTF8.self)) {
                events.weights.append(weight)
                events.subjects.append(encoded[index].key.map(Array.init) ?? [])
            } else {
                rejections.append(Rejection(index: index, reason: "no header \"weight\""))
            }
        }
    }

    func restore(_ increment: any TensorSource) throws(LearningError) {
        try model.restore(increment)
    }
    func learn(_ events: Events) {
        for weight in events.weights { model.sum = model.sum &* 31 &+ weight }
        eventCount += Int64(events.count)
    }
    func takeDelta() -> NamedTensors {
        defer { publishedSum = model.sum }
        return model.sum == publishedSum ? NamedTensors() : model.encode()
    }
    func encode() -> NamedTensors { model.encode() }
    func takeCheckpointPart(byteCount: Int) -> NamedTensors? { nil }
    func takeLastCheckpointPart() -> NamedTensors { model.encode() }
    func beginWholeCheckpoint() {}
}
