/// A dense array of numbers in row-major order, little-endian, as bytes.
public struct Tensor: Sendable, Equatable {
    /// The type of the elements, by its safetensors name.
    public enum ElementType: String, Sendable {
        case uint8 = "U8"
        case int32 = "I32"
        case int64 = "I64"
        case float32 = "F32"
        case float64 = "F64"

        /// Bytes per element.
        public var byteCount: Int {
            switch self {
            case .uint8: 1
            case .int32, .float32: 4
            case .int64, .float64: 8
            }
        }
    }

    /// The type of the elements.
    public var elementType: ElementType
    /// The extent of each dimension; empty for a single number.
    public var shape: [Int]
    /// The elements: `shape.reduce(1, *) * elementType.byteCount` bytes.
    public var bytes: [UInt8]

    /// Makes a tensor of elements that are already bytes.
    public init(elementType: ElementType, shape: [Int], bytes: [UInt8]) {
        precondition(bytes.count == shape.reduce(1, *) * elementType.byteCount)
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
    }

    /// Makes a tensor from numbers; `shape` is `[values.count]` unless given.
    public init<Value: TensorElement>(_ values: [Value], shape: [Int]? = nil) {
        self.init(
            elementType: Value.elementType,
            shape: shape ?? [values.count],
            bytes: values.withUnsafeBytes { Array($0) }
        )
    }

    /// The elements as numbers; nil when they are of another type.
    public func values<Value: TensorElement>(of type: Value.Type = Value.self) -> [Value]? {
        guard elementType == Value.elementType else { return nil }
        return [Value](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Value>.stride) {
            target,
            count in
            count = bytes.count / MemoryLayout<Value>.stride
            UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes)
        }
    }
}

/// A number that a tensor can hold.
///
/// All processors supported are little-endian.
public protocol TensorElement: BitwiseCopyable, Sendable {
    /// The element type in a tensor.
    static var elementType: Tensor.ElementType { get }
}

extension UInt8: TensorElement {
    /// `U8`.
    public static var elementType: Tensor.ElementType { .uint8 }
}

extension Int32: TensorElement {
    /// `I32`.
    public static var elementType: Tensor.ElementType { .int32 }
}

extension Int64: TensorElement {
    /// `I64`.
    public static var elementType: Tensor.ElementType { .int64 }
}

extension Float: TensorElement {
    /// `F32`.
    public static var elementType: Tensor.ElementType { .float32 }
}

extension Double: TensorElement {
    /// `F64`.
    public static var elementType: Tensor.ElementType { .float64 }
}

/// Tensors by name, in the order they were added: a checkpoint or a delta.
///
/// Equal when the same names hold the same tensors, in whatever order.
public struct NamedTensors: Sendable, Equatable {
    /// Names in order.
    public private(set) var names: [String] = []
    private var tensors: [String: Tensor] = [:]

    /// No tensors.
    public init() {}

    /// Whether both hold the same tensors; order does not count.
    public static func == (left: NamedTensors, right: NamedTensors) -> Bool {
        left.tensors == right.tensors
    }

    /// Whether there are none.
    public var isEmpty: Bool { names.isEmpty }

    /// The tensor of that name.
    ///
    /// Setting an existing name keeps its place; setting nil removes it.
    public subscript(name: String) -> Tensor? {
        get { tensors[name] }
        set {
            if let newValue {
                if tensors.updateValue(newValue, forKey: name) == nil { names.append(name) }
            } else if tensors.removeValue(forKey: name) != nil {
                names.removeAll { $0 == name }
            }
        }
    }
}

extension NamedTensors: TensorSource {
    /// Whether there is a tensor of that name.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// Element type and shape of a tensor that must be there.
    public func type(
        of name: String
    ) throws(LearningError) -> (elementType: Tensor.ElementType, shape: [Int]) {
        guard let tensor = tensors[name] else { throw .missing(name) }
        return (tensor.elementType, tensor.shape)
    }

    /// Copies bytes of a tensor that must be there.
    public func read(
        _ name: String,
        at byteOffset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LearningError) {
        guard let tensor = tensors[name] else { throw .missing(name) }
        guard byteOffset >= 0, byteOffset + target.count <= tensor.bytes.count else {
            throw .tooShort(name, tensor.bytes.count, needed: byteOffset + target.count)
        }
        tensor.bytes.withUnsafeBytes { bytes in
            let part = bytes[byteOffset..<(byteOffset + target.count)]
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
        }
    }
}
