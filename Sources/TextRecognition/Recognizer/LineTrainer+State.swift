public import Learning

/// The trainer as tensors: what a checkpoint holds of it.
///
///     model.…               averaged parameters and statistics: what scorers read
///     trained.…             the parameters that training goes on with
///     optimizer.first.…, optimizer.second.…, optimizer.steps
extension LineTrainer {
    /// What scorers read is under this prefix.
    public static let modelPrefix = "model."
    private static let trainedPrefix = "trained."

    /// Adds everything that training needs to go on as if it had not stopped.
    public func encode(into tensors: inout NamedTensors) {
        optimizer.encode(averagePrefix: Self.modelPrefix, into: &tensors)
        network.statistics.encode(statistics, prefix: Self.modelPrefix, into: &tensors)
        network.parameters.encode(parameters, prefix: Self.trainedPrefix, into: &tensors)
    }

    /// Adds what scorers read only.
    public func encodeModel(into tensors: inout NamedTensors) {
        network.parameters.encode(optimizer.average, prefix: Self.modelPrefix, into: &tensors)
        network.statistics.encode(statistics, prefix: Self.modelPrefix, into: &tensors)
    }

    /// The trainer whose `encode` gave `state`; with no more than a model in it, one that begins to
    /// train that model.
    ///
    /// Throws when a tensor is missing or does not fit the settings.
    public convenience init(
        settings: RecognizerSettings,
        optimizer: AdamW.Settings = AdamW.Settings(),
        headRate: Float = 1,
        state: any TensorSource
    ) throws(LearningError) {
        try self.init(settings: settings, optimizer: optimizer, headRate: headRate)
        try network.layers.decodeStatistics(
            state,
            prefix: Self.modelPrefix,
            into: statistics
        )
        let isModelOnly = !state.contains(Self.trainedPrefix + network.layers.headBias.name)
        try network.parameters.decode(
            state,
            prefix: isModelOnly ? Self.modelPrefix : Self.trainedPrefix,
            into: parameters
        )
        if isModelOnly {
            self.optimizer.average.copy(from: parameters)
        } else {
            try self.optimizer.restore(state, averagePrefix: Self.modelPrefix)
        }
    }

    /// The tensors of a model or a trainer, with rows of the head for the symbols that `to` has behind
    /// those of `from`.
    ///
    /// What could be read before is read as before: new classes begin far below the least likely old
    /// one, at every step. Training brings them up where they are seen.
    public static func grown(
        _ state: NamedTensors,
        from old: Alphabet,
        to new: Alphabet
    ) throws(LearningError) -> NamedTensors {
        try new.validate()
        guard new.symbols.starts(with: old.symbols) else {
            throw LearningError(
                .setting,
                "the new alphabet does not begin with the old one",
                remedy: "add new symbols at its end only"
            )
        }
        let added = new.symbols.count - old.symbols.count
        var grown = state
        for name in state.names where name.hasSuffix("head.weights") || name.hasSuffix("head.bias")
        {
            let shape = try state.type(of: name).shape
            let values = try state.values(name, of: Float.self)
            guard shape.last == old.classCount else {
                throw LearningError(
                    .tensor,
                    "tensor \"\(name)\" has shape \(shape), the old alphabet "
                        + "\(old.classCount) classes",
                    remedy: "give the alphabet that the model was trained with"
                )
            }
            let isBias = name.hasSuffix("head.bias")
            let isModel = name.hasPrefix(modelPrefix) || name.hasPrefix(trainedPrefix)
            // Moments of the optimizer begin at 0, as for every parameter.
            let first = isBias && isModel ? (values.min() ?? 0) - unlikely : 0
            var numbers: [Float] = []
            for row in stride(from: 0, to: values.count, by: old.classCount) {
                numbers += values[row..<(row + old.classCount)]
                numbers += [Float](repeating: first, count: added)
            }
            grown[name] = Tensor(numbers, shape: shape.dropLast() + [new.classCount])
        }
        return grown
    }

    /// How far below the others the logits of new classes begin: their probability is below e^-8 of
    /// the average class's.
    private static let unlikely: Float = 8
}
