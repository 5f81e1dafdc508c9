import ModelStore

extension ModelStore {
    /// The version that a number, `latest` or an alias names.
    ///
    /// `latest` is the newest on the model's current branch that can be loaded.
    func version(named text: String, of model: String) throws -> ModelVersion {
        var number = Int64(text)
        if number == nil {
            number =
                text == "latest"
                ? try newestVersion(of: model)?.number
                : try aliases(of: model).first { $0.name == text }?.version
        }
        if let number, let version = try version(number, of: model) { return version }
        let all = try versions(of: model)
        throw CommandFailure(
            .failure,
            "model \"\(model)\" has no version \"\(text)\"",
            remedy: all.isEmpty
                ? "it has none at all; \"freshet models list\" shows what there is"
                : "it has \(all.first?.number ?? 0) to \(all.last?.number ?? 0), and the aliases "
                    + "that \"freshet models list\" shows"
        )
    }

    /// Throws unless the model is in the store.
    func requireModel(_ model: String) throws {
        let all = try models()
        guard all.contains(model) else {
            throw CommandFailure(
                .failure,
                "there is no model \"\(model)\" in \(directory)",
                remedy: all.isEmpty
                    ? "train one first (\"freshet up\")"
                    : "name one with --model: \(all.joined(separator: ", "))"
            )
        }
    }
}
