public import Learning

extension RecommenderSettings {
    /// How much is remembered; by default everything.
    public struct Memory: Codable, Sendable, Equatable {
        /// Bytes that users and items may take; 0 for no limit.
        ///
        /// What is counted is computed from the state, never measured: see "Memory" in
        /// docs/models.md. Default 0.
        public var limit: ByteSize
        /// How often a user must have come to be learned, 1…200; 1: at once.
        ///
        /// Default 1.
        public var minimumUserEvents: Int
        /// How often an item must have come to be learned, 1…200; 1: at once.
        ///
        /// Default 1.
        public var minimumItemEvents: Int
        /// After how long without an event a user is forgotten, by the events' own time; 0: never.
        ///
        /// Default 0.
        public var expireUsersAfter: TimeSpan
        /// After how long without an event an item is forgotten, by the events' own time; 0: never.
        ///
        /// Default 0.
        public var expireItemsAfter: TimeSpan

        /// Settings with their defaults.
        public init(
            limit: ByteSize = ByteSize(bytes: 0),
            minimumUserEvents: Int = 1,
            minimumItemEvents: Int = 1,
            expireUsersAfter: TimeSpan = TimeSpan(.zero),
            expireItemsAfter: TimeSpan = TimeSpan(.zero)
        ) {
            self.limit = limit
            self.minimumUserEvents = minimumUserEvents
            self.minimumItemEvents = minimumItemEvents
            self.expireUsersAfter = expireUsersAfter
            self.expireItemsAfter = expireItemsAfter
        }
    }
}

extension RecommenderSettings.Memory {
    /// Reads settings; a field that is missing has its default.
    public init(from decoder: any Decoder) throws {
        self.init()
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.read(.limit, into: &limit)
        try fields.read(.minimumUserEvents, into: &minimumUserEvents)
        try fields.read(.minimumItemEvents, into: &minimumItemEvents)
        try fields.read(.expireUsersAfter, into: &expireUsersAfter)
        try fields.read(.expireItemsAfter, into: &expireItemsAfter)
    }

    /// Bytes of each admission sketch: a 64th of the limit, as a power of two; 4 MiB without one.
    var sketchByteCount: Int {
        guard limit.bytes > 0 else { return 1 << 22 }
        var size = 1 << 10
        while size < 1 << 26, Int64(size) * 128 <= limit.bytes { size *= 2 }
        return size
    }

    /// Bytes of both sketches, where they are used.
    var sketchesByteCount: Int {
        (minimumUserEvents > 1 ? sketchByteCount : 0)
            + (minimumItemEvents > 1 ? sketchByteCount : 0)
    }
}

extension RecommenderSettings {
    /// Throws unless the settings of memory are in range, and the limit leaves room to learn.
    func validateMemory() throws(LearningError) {
        try check("memory.minimumUserEvents", Double(memory.minimumUserEvents), in: 1...200)
        try check("memory.minimumItemEvents", Double(memory.minimumItemEvents), in: 1...200)
        let bytes = memory.limit.bytes
        guard bytes > 0 else { return }
        let least =
            Self.leastLimit(factors: factors, history: implicit.historyLength)
            + Int64(memory.sketchesByteCount)
        guard bytes >= least else {
            throw LearningError(
                .setting,
                "memory.limit is \(memory.limit.settingText)",
                remedy: "set it to \(ByteSize(bytes: least).settingText) or more, or to 0B for "
                    + "no limit"
            )
        }
    }

    /// Room for four users and four items with the longest ids, whatever else is set.
    private static func leastLimit(factors: Int, history: Int) -> Int64 {
        let row = (factors + 15) / 16 * 16 * MemoryLayout<Float>.stride
        let columns = 64 + 4 * history
        return Int64(8 * (4 * row + columns + InteractionEvents.maximumIDLength) + 4096)
    }
}
