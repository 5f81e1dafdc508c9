/// One value of a configuration, or a group of them, before it has a Swift type.
struct Setting: Sendable, Equatable {
    /// What it holds.
    enum Content: Sendable, Equatable {
        /// Keys and their values, in order.
        case mapping(Mapping)
        /// Values in order.
        case list([Setting])
        /// One piece of text.
        case scalar(String, Style)
        /// No value.
        case null
    }

    /// How a piece of text was written, which decides what it can be read as.
    enum Style: Sendable, Equatable {
        /// As it is: a number, a truth value or text, whichever is asked for.
        case plain
        /// In quotes: text only.
        case quoted
    }

    /// Keys and their values, in order.
    struct Mapping: Sendable, Equatable {
        /// The entries; keys are unique.
        var entries: [(key: String, value: Setting)] = []
        /// Whether any key may be added.
        var isOpen = false

        subscript(key: String) -> Setting? {
            get { entries.first { $0.key == key }?.value }
            set {
                let index = entries.firstIndex { $0.key == key }
                switch (index, newValue) {
                case (let index?, let value?): entries[index].value = value
                case (nil, let value?): entries.append((key, value))
                case (let index?, nil): entries.remove(at: index)
                case (nil, nil): break
                }
            }
        }

        static func == (left: Self, right: Self) -> Bool {
            left.isOpen == right.isOpen
                && left.entries.elementsEqual(right.entries) {
                    $0.key == $1.key && $0.value == $1.value
                }
        }
    }

    /// What it holds.
    var content: Content
    /// Who set it.
    var origin: Origin

    /// Who set a value.
    enum Origin: Sendable, Equatable, CustomStringConvertible {
        /// The program.
        case builtIn
        /// A place in a file.
        case file(String, line: Int, column: Int)
        /// An environment variable.
        case environment(String)
        /// An option of the command line.
        case flag(String)

        var description: String {
            switch self {
            case .builtIn: "default"
            case .file(let path, let line, let column): "\(path):\(line):\(column)"
            case .environment(let name): name
            case .flag(let name): name
            }
        }
    }

    /// The value as an error message shows it: shortened, in quotes.
    var excerpt: String {
        switch content {
        case .mapping: "a group of keys"
        case .list: "a list"
        case .null: "nothing"
        case .scalar(let text, _):
            "\"\(text.count > 60 ? text.prefix(60) + "…" : text[...])\""
        }
    }

    /// The setting at a dotted path; nil when there is none.
    ///
    /// Keys with dots are found too.
    func at(_ path: [String]) -> Setting? {
        guard let first = path.first else { return self }
        guard case .mapping(let mapping) = content else { return nil }
        return mapping[first]?.at(Array(path.dropFirst()))
    }

    /// All values that are no group, with their paths, in order.
    func leaves(under path: [String] = []) -> [(path: [String], setting: Setting)] {
        guard case .mapping(let mapping) = content, !mapping.entries.isEmpty else {
            return [(path, self)]
        }
        return mapping.entries.flatMap { $0.value.leaves(under: path + [$0.key]) }
    }
}

/// `publishInterval` as it is written in files: `publish_interval`; `clientID`: `client_id`;
/// `producerIDExpiration`: `producer_id_expiration`.
func settingKey(_ property: String) -> String {
    let characters = Array(property)
    var key = ""
    for (index, character) in characters.enumerated() {
        if index > 0, character.isUppercase {
            let isNext = !characters[index - 1].isUppercase
            let isLastCapital = characters.dropFirst(index + 1).first?.isUppercase == false
            if isNext || isLastCapital { key.append("_") }
        }
        key.append(contentsOf: character.lowercased())
    }
    return key
}
