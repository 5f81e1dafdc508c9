internal import CLibrdkafka

/// One record on its way into librdkafka's queue; its memory is borrowed from the caller of `send`.
struct Message {
    var topic: OpaquePointer
    var partition: Int32?
    var key: UnsafeRawBufferPointer?
    var value: UnsafeRawBufferPointer?
    var timestamp: Int64?
    /// Taken over by librdkafka if it takes the record.
    var headers: OpaquePointer?
    var token: UInt64

    var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) }

    /// Copies it into the queue of `owner`; QUEUE_FULL when there is no room.
    @inline(__always)
    func enqueue(owner: OpaquePointer) -> rd_kafka_resp_err_t {
        let key = key.map { addressed($0, owner: owner) }
        let value = value.map { addressed($0, owner: owner) }
        let opaque = UnsafeMutableRawPointer(bitPattern: UInt(token))
        guard timestamp != nil || headers != nil else {
            let result = rd_kafka_produce(
                topic,
                partition ?? RD_KAFKA_PARTITION_UA,
                Int32(RD_KAFKA_MSG_F_COPY),
                UnsafeMutableRawPointer(mutating: value?.baseAddress),
                value?.count ?? 0,
                key?.baseAddress,
                key?.count ?? 0,
                opaque
            )
            return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
        }
        return enqueueWithArguments(owner: owner, key: key, value: value, opaque: opaque)
    }

    /// As above, for what rd_kafka_produce cannot carry: a timestamp and headers.
    private func enqueueWithArguments(
        owner: OpaquePointer,
        key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?,
        opaque: UnsafeMutableRawPointer?
    ) -> rd_kafka_resp_err_t {
        typealias Argument = rd_kafka_vu_t
        typealias Value = rd_kafka_vu_s.__Unnamed_union_u
        typealias Memory = Value.__Unnamed_struct_mem
        return withUnsafeTemporaryAllocation(of: Argument.self, capacity: 8) { arguments in
            var count = 0
            func append(_ type: rd_kafka_vtype_t, _ value: Value) {
                arguments.initializeElement(at: count, to: Argument(vtype: type, u: value))
                count += 1
            }
            append(RD_KAFKA_VTYPE_RKT, Value(rkt: topic))
            append(RD_KAFKA_VTYPE_PARTITION, Value(i32: partition ?? RD_KAFKA_PARTITION_UA))
            append(RD_KAFKA_VTYPE_MSGFLAGS, Value(i: Int32(RD_KAFKA_MSG_F_COPY)))
            append(
                RD_KAFKA_VTYPE_KEY,
                Value(
                    mem: Memory(
                        ptr: UnsafeMutableRawPointer(mutating: key?.baseAddress),
                        size: key?.count ?? 0
                    )
                )
            )
            append(
                RD_KAFKA_VTYPE_VALUE,
                Value(
                    mem: Memory(
                        ptr: UnsafeMutableRawPointer(mutating: value?.baseAddress),
                        size: value?.count ?? 0
                    )
                )
            )
            append(RD_KAFKA_VTYPE_OPAQUE, Value(ptr: opaque))
            if let timestamp { append(RD_KAFKA_VTYPE_TIMESTAMP, Value(i64: timestamp)) }
            if let headers { append(RD_KAFKA_VTYPE_HEADERS, Value(headers: headers)) }
            guard let error = rd_kafka_produceva(owner, arguments.baseAddress, count) else {
                return RD_KAFKA_RESP_ERR_NO_ERROR
            }
            defer { rd_kafka_error_destroy(error) }
            return rd_kafka_error_code(error)
        }
    }
}

/// The same bytes, with an address even when there are none: librdkafka takes null for absent.
///
/// `owner` is any address that is certainly not null; nothing is read from it.
@inline(__always)
func addressed(_ bytes: UnsafeRawBufferPointer, owner: OpaquePointer) -> UnsafeRawBufferPointer {
    bytes.baseAddress == nil
        ? UnsafeRawBufferPointer(start: UnsafeRawPointer(owner), count: 0) : bytes
}
