/// Turns a value with defaults into the tree of settings that layers are laid over.
///
/// The tree has every key, also those whose default is nil, so that a key that is not in it is an
/// unknown one. A `[String: String]` becomes an open mapping: it takes any key.
struct SettingEncoder {
    /// The tree of `value`.
    static func encode(_ value: some Encodable) throws -> Setting {
        let node = SettingNode()
        try node.store(value, path: [])
        return node.setting
    }
}

/// A place in the tree that is being made; containers write into it.
private final class SettingNode {
    enum Content {
        case nothing
        case scalar(String, Setting.Style)
        case mapping([(key: String, node: SettingNode)], isOpen: Bool)
        case list([SettingNode])
    }

    var content = Content.nothing

    var setting: Setting {
        switch content {
        case .nothing:
            return Setting(content: .null, origin: .builtIn)
        case .scalar(let text, let style):
            return Setting(content: .scalar(text, style), origin: .builtIn)
        case .mapping(let entries, let isOpen):
            let settings = entries.map { (key: $0.key, value: $0.node.setting) }
            return Setting(
                content: .mapping(Setting.Mapping(entries: settings, isOpen: isOpen)),
                origin: .builtIn
            )
        case .list(let nodes):
            return Setting(content: .list(nodes.map(\.setting)), origin: .builtIn)
        }
    }

    func store(_ value: some Encodable, path: [any CodingKey]) throws {
        if let dictionary = value as? [String: String] {
            let entries = dictionary.sorted { $0.key < $1.key }.map { key, text in
                let node = SettingNode()
                node.content = .scalar(text, .quoted)
                return (key: key, node: node)
            }
            content = .mapping(entries, isOpen: true)
        } else {
            try value.encode(to: SettingNodeEncoder(node: self, codingPath: path))
        }
    }

    func child(_ key: String) -> SettingNode {
        guard case .mapping(var entries, let isOpen) = content else { return SettingNode() }
        let child = SettingNode()
        entries.append((key, child))
        content = .mapping(entries, isOpen: isOpen)
        return child
    }

    func element() -> SettingNode {
        guard case .list(var nodes) = content else { return SettingNode() }
        let child = SettingNode()
        nodes.append(child)
        content = .list(nodes)
        return child
    }
}

private struct SettingNodeEncoder: Encoder {
    let node: SettingNode
    var codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .mapping = node.content {} else { node.content = .mapping([], isOpen: false) }
        return KeyedEncodingContainer(KeyedNodes<Key>(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.content = .list([])
        return ListedNodes(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleNode(node: node, codingPath: codingPath)
    }
}

private struct KeyedNodes<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: SettingNode
    var codingPath: [any CodingKey]

    mutating func encodeNil(forKey key: Key) { _ = node.child(settingKey(key.stringValue)) }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try node.child(settingKey(key.stringValue)).store(value, path: codingPath + [key])
    }

    // A missing default still makes the key known. One requirement for each type that the
    // protocol lists; without them an absent value would leave no trace.
    mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
    mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        encoder(for: key).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder(for: key).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        SettingNodeEncoder(node: node.child("super"), codingPath: codingPath)
    }

    mutating func superEncoder(forKey key: Key) -> any Encoder { encoder(for: key) }

    private func encoder(for key: Key) -> SettingNodeEncoder {
        SettingNodeEncoder(
            node: node.child(settingKey(key.stringValue)),
            codingPath: codingPath + [key]
        )
    }
}

private struct ListedNodes: UnkeyedEncodingContainer {
    let node: SettingNode
    var codingPath: [any CodingKey]
    private(set) var count = 0

    init(node: SettingNode, codingPath: [any CodingKey]) {
        self.node = node
        self.codingPath = codingPath
    }

    mutating func encodeNil() {
        _ = node.element()
        count += 1
    }

    mutating func encode<T: Encodable>(_ value: T) throws {
        count += 1
        try node.element().store(value, path: codingPath)
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        superEncoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        superEncoder().unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        count += 1
        return SettingNodeEncoder(node: node.element(), codingPath: codingPath)
    }
}

private struct SingleNode: SingleValueEncodingContainer {
    let node: SettingNode
    var codingPath: [any CodingKey]

    func encodeNil() { node.content = .nothing }
    func encode(_ value: String) { node.content = .scalar(value, .plain) }
    func encode(_ value: Bool) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: Double) { number("\(value)") }
    func encode(_ value: Float) { number("\(value)") }
    func encode(_ value: Int) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: Int8) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: Int16) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: Int32) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: Int64) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: UInt) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: UInt8) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: UInt16) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: UInt32) { node.content = .scalar("\(value)", .plain) }
    func encode(_ value: UInt64) { node.content = .scalar("\(value)", .plain) }
    func encode<T: Encodable>(_ value: T) throws { try node.store(value, path: codingPath) }

    /// `5000.0` is shown as people write it.
    private func number(_ text: String) {
        node.content = .scalar(text.hasSuffix(".0") ? String(text.dropLast(2)) : text, .plain)
    }
}
