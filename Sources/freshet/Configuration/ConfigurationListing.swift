/// The effective configuration as people and scripts read it.
struct ConfigurationListing {
    /// One key.
    struct Entry: Codable, Equatable {
        /// The dotted key.
        var key: String
        /// The value as text; secrets are replaced by asterisks.
        var value: String
        /// Who set it: `default`, `file:line:column`, a variable or an option.
        var origin: String
    }

    /// All keys in the order of the file.
    let entries: [Entry]
    private let settings: Setting

    init(_ effective: EffectiveConfiguration) {
        settings = effective.settings
        entries = settings.leaves().map { path, setting in
            Entry(
                key: path.joined(separator: "."),
                value: Self.text(setting, path, isQuoted: false),
                origin: "\(setting.origin)"
            )
        }
    }

    /// The configuration as YAML, each value followed by its origin.
    var yaml: String {
        var lines: [(text: String, origin: String)] = []
        append(settings, [], to: &lines)
        let width = min(lines.filter { !$0.origin.isEmpty }.map(\.text.count).max() ?? 0, 60)
        return lines.map { line in
            guard !line.origin.isEmpty else { return line.text }
            let gap = String(repeating: " ", count: max(0, width - line.text.count) + 2)
            return "\(line.text)\(gap)# \(line.origin)"
        }.joined(separator: "\n")
    }

    private func append(
        _ setting: Setting,
        _ path: [String],
        to lines: inout [(text: String, origin: String)]
    ) {
        let name = String(repeating: "  ", count: max(path.count - 1, 0)) + (path.last ?? "")
        if case .mapping(let mapping) = setting.content, !mapping.entries.isEmpty {
            if !path.isEmpty { lines.append(("\(name):", "")) }
            for (key, value) in mapping.entries { append(value, path + [key], to: &lines) }
        } else {
            lines.append(("\(name): \(Self.text(setting, path))", "\(setting.origin)"))
        }
    }

    private static func text(
        _ setting: Setting,
        _ path: [String],
        isQuoted: Bool = true
    ) -> String {
        switch setting.content {
        case .mapping: "{}"
        case .null: "null"
        case .list(let elements):
            "[" + elements.map { text($0, path) }.joined(separator: ", ") + "]"
        case .scalar(let text, _): isQuoted ? quoted(shown(text, path)) : shown(text, path)
        }
    }

    private static func shown(_ text: String, _ path: [String]) -> String {
        isSecret(path) ? "********" : text
    }

    /// Properties that carry a secret: passwords, keys as text, tokens.
    private static func isSecret(_ path: [String]) -> Bool {
        guard path.starts(with: ["kafka", "properties"]), let name = path.last else { return false }
        return ["password", "secret", "key.pem", "oauthbearer.config", "token"]
            .contains { name.contains($0) }
    }

    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.allSatisfy {
                $0.isLetter || $0.isNumber || "._-/+".contains($0)
                    || ($0 == ":" && text.last != ":")
            }
        let isWord =
            !["null", "~"].contains(text.lowercased()) && text.first != "-" || text == "-1"
        guard !isPlain || !isWord else { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
