import Foundation
import Yams

/// Reads YAML into a tree of settings in which each value knows its line and column.
struct SettingReader {
    /// The name of the file, as error messages show it.
    let file: String

    /// Reads a file.
    static func read(file: String) throws(ConfigurationError) -> Setting {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw ConfigurationError(
                .unreadable,
                "\(file) cannot be read (\(reason(error)))",
                remedy: "check the path and its permissions"
            )
        }
        return try SettingReader(file: file).parse(text)
    }

    /// Reads YAML text; an empty document is an empty group of keys.
    func parse(_ text: String) throws(ConfigurationError) -> Setting {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw syntaxError(error)
        }
        let top = Setting.Origin.file(file, line: 1, column: 1)
        guard let node else { return Setting(content: .mapping(Setting.Mapping()), origin: top) }
        return try setting(from: node)
    }

    private func setting(from node: Node) throws(ConfigurationError) -> Setting {
        let origin = self.origin(of: node)
        switch node {
        case .scalar(let scalar):
            return Setting(content: content(of: scalar), origin: origin)
        case .sequence(let sequence):
            var elements: [Setting] = []
            for element in sequence { elements.append(try setting(from: element)) }
            return Setting(content: .list(elements), origin: origin)
        case .mapping(let nodes):
            var mapping = Setting.Mapping()
            for (key, value) in nodes {
                guard case .scalar(let name) = key else {
                    throw ConfigurationError(
                        .syntax,
                        "\(self.origin(of: key)): a key is not text",
                        remedy: "write keys as names"
                    )
                }
                // A value's own place may be a line further down; the key's is where one looks.
                var value = try setting(from: value)
                if case .scalar = value.content {} else { value.origin = self.origin(of: key) }
                mapping.entries.append((name.string, value))
            }
            return Setting(content: .mapping(mapping), origin: origin)
        case .alias(let alias):
            throw ConfigurationError(
                .syntax,
                "\(origin): alias \"\(alias.anchor)\" has no anchor",
                remedy: "define the anchor before using it"
            )
        }
    }

    private func content(of scalar: Node.Scalar) -> Setting.Content {
        switch scalar.style {
        case .doubleQuoted, .singleQuoted, .literal, .folded: return .scalar(scalar.string, .quoted)
        case .any, .plain:
            let isNull = ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return isNull ? .null : .scalar(scalar.string, .plain)
        }
    }

    private func origin(of node: Node) -> Setting.Origin {
        .file(file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private func syntaxError(_ error: any Error) -> ConfigurationError {
        let remedy = "correct the YAML; indent with spaces, one \"key: value\" a line"
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigurationError(
                .syntax,
                "\(file):\(mark.line):\(mark.column): not valid YAML (\(problem))",
                remedy: remedy
            )
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            return ConfigurationError(
                .syntax,
                "\(file):\(context.mark.line):\(context.mark.column): "
                    + "\(names) is there twice in one group of keys",
                remedy: "remove one"
            )
        default:
            return ConfigurationError(.syntax, "\(file): \(error)", remedy: remedy)
        }
    }
}

/// What the system says about a failed file operation, without Foundation's wrapping.
func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError,
        underlying.domain == NSPOSIXErrorDomain
    {
        return String(cString: strerror(Int32(truncatingIfNeeded: underlying.code)))
    }
    return error.localizedDescription
}
