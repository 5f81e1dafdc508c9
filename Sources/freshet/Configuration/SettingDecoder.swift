import Learning

/// Reads a value out of a tree of settings; an error names path, place, value and expected type.
struct SettingDecoder: Decoder {
    /// Reads `Value` out of a tree that has every key of it.
    static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self,
        from setting: Setting,
        path: [String] = []
    ) throws(ConfigurationError) -> Value {
        let decoder = SettingDecoder(setting: setting, path: path)
        do {
            return try decoder.value(type)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw decoder.mismatch("a value of type \(Value.self)")
        }
    }

    let setting: Setting
    let path: [String]
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        switch setting.content {
        case .mapping(let mapping):
            return KeyedDecodingContainer(KeyedSettings(mapping: mapping, decoder: self))
        default:
            throw mismatch("a group of keys")
        }
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .list(let elements) = setting.content else { throw mismatch("a list") }
        return ListedSettings(elements: elements, decoder: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleSetting(decoder: self)
    }

    /// An error that says what was expected here.
    func mismatch(_ expectation: String) -> ConfigurationError {
        ConfigurationError(
            .wrongType,
            "\(setting.origin): \"\(path.joined(separator: "."))\" is \(setting.excerpt), "
                + "expected \(expectation)",
            remedy: "correct the value"
        )
    }

    /// Reads a value of any type; the errors of Swift's own types become ours.
    func value<T: Decodable>(_ type: T.Type) throws -> T {
        if let dictionary = try textDictionary(type) { return dictionary }
        do {
            return try T(from: self)
        } catch let error as ConfigurationError {
            throw error
        } catch DecodingError.dataCorrupted(let context) {
            throw mismatch(expectation(of: type) ?? context.debugDescription)
        } catch {
            throw mismatch(expectation(of: type) ?? "a value of type \(T.self)")
        }
    }

    private func expectation(of type: Any.Type) -> String? {
        if let type = type as? any SettingText.Type { return type.expectation }
        guard let type = type as? any CaseIterable.Type else { return nil }
        return choices(of: type)
    }

    private func choices(of type: (some CaseIterable).Type) -> String? {
        let names = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        return names.isEmpty ? nil : "one of \(names.joined(separator: ", "))"
    }

    /// An open mapping: its keys are the user's and not ours to translate.
    private func textDictionary<T>(_ type: T.Type) throws -> T? {
        guard type == [String: String].self else { return nil }
        guard case .mapping(let mapping) = setting.content else {
            throw mismatch("a group of keys")
        }
        var dictionary: [String: String] = [:]
        for (key, value) in mapping.entries {
            dictionary[key] = try child(value, key).scalar("text").text
        }
        return dictionary as? T
    }

    func child(_ setting: Setting, _ key: String) -> SettingDecoder {
        SettingDecoder(setting: setting, path: path + [key])
    }

    /// The text of a single value.
    func scalar(_ expectation: String) throws -> (text: String, style: Setting.Style) {
        guard case .scalar(let text, let style) = setting.content else {
            throw mismatch(expectation)
        }
        return (text, style)
    }

    /// A number or truth value, which is never in quotes.
    func plain<T>(_ expectation: String, _ read: (String) -> T?) throws -> T {
        let (text, style) = try scalar(expectation)
        guard style == .plain, let value = read(text) else { throw mismatch(expectation) }
        return value
    }
}

private struct KeyedSettings<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let mapping: Setting.Mapping
    let decoder: SettingDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { mapping.entries.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { mapping[settingKey(key.stringValue)] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try inner(key).setting.content == .null }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try inner(key).value(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try inner(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try inner(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }

    func superDecoder(forKey key: Key) throws -> any Decoder { try inner(key) }

    private func inner(_ key: Key) throws -> SettingDecoder {
        let name = settingKey(key.stringValue)
        guard let setting = mapping[name] else {
            throw ConfigurationError(
                .missingKey,
                "\(decoder.setting.origin): \"\((decoder.path + [name]).joined(separator: "."))\" "
                    + "is missing",
                remedy: "add the key"
            )
        }
        return decoder.child(setting, name)
    }
}

private struct ListedSettings: UnkeyedDecodingContainer {
    let elements: [Setting]
    let decoder: SettingDecoder
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    init(elements: [Setting], decoder: SettingDecoder) {
        self.elements = elements
        self.decoder = decoder
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, elements[currentIndex].content == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().value(type) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next() }

    private mutating func next() throws -> SettingDecoder {
        guard !isAtEnd else { throw decoder.mismatch("a longer list") }
        defer { currentIndex += 1 }
        return decoder.child(elements[currentIndex], "\(currentIndex)")
    }
}

private struct SingleSetting: SingleValueDecodingContainer {
    let decoder: SettingDecoder
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { decoder.setting.content == .null }
    func decode(_ type: String.Type) throws -> String { try decoder.scalar("text").text }
    func decode(_ type: Bool.Type) throws -> Bool { try decoder.plain("true or false", Bool.init) }
    func decode(_ type: Double.Type) throws -> Double { try number(Double.init) }
    func decode(_ type: Float.Type) throws -> Float { try number(Float.init) }
    func decode(_ type: Int.Type) throws -> Int { try whole() }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole() }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole() }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole() }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole() }
    func decode(_ type: UInt.Type) throws -> UInt { try whole() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole() }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.value(type) }

    private func whole<T: FixedWidthInteger>() throws -> T {
        let expectation =
            T.bitWidth == 64 ? "a whole number" : "a whole number from \(T.min) to \(T.max)"
        return try decoder.plain(expectation) { T($0) }
    }

    private func number<T: BinaryFloatingPoint>(_ read: (String) -> T?) throws -> T {
        try decoder.plain("a number") { text in read(text).flatMap { $0.isFinite ? $0 : nil } }
    }
}
