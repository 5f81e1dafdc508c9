import Streaming
import Testing

@testable import Pipeline

@Suite struct UpdateFormatTests {
    private func update(_ payload: [UInt8]) throws -> ModelUpdate {
        try ModelUpdate(
            identity: UpdateIdentity(
                model: "m",
                epoch: 3,
                sequence: 9,
                previous: UpdateIdentity.noPredecessor,
                watermark: 77,
                position: 120
            ),
            content: .delta(payload)
        )
    }

    private func part(_ record: OutgoingRecord) throws -> UpdatePart {
        try UpdatePart(
            key: record.key ?? [],
            headers: record.headers,
            payload: record.value ?? []
        )
    }

    @Test func `a large update is cut into parts and put together again`() throws {
        let payload = (0..<2_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let update = try update(payload)
        let records = UpdateFormat.records(of: update, topic: "t", partition: 0)
        #expect(records.count == 3)
        var assembler = UpdateAssembler()
        #expect(try assembler.add(part(records[1])) == nil)
        #expect(try assembler.add(part(records[0])) == nil)
        #expect(try assembler.add(part(records[1])) == nil)
        #expect(try assembler.add(part(records[2])) == update)
    }

    @Test func `a flipped bit, a missing header and a wrong number are refused`() throws {
        var records = UpdateFormat.records(of: try update([1, 2, 3]), topic: "t", partition: 0)
        var assembler = UpdateAssembler()
        records[0].value = [1, 2, 2]
        #expect(throws: PipelineError.self) { try assembler.add(part(records[0])) }
        for index in records[0].headers.indices {
            var damaged = records[0]
            damaged.headers.remove(at: index)
            #expect(throws: PipelineError.self) { try part(damaged) }
        }
        var damaged = records[0]
        damaged.headers[1] = RecordHeader(name: "epoch", text: "x")
        #expect(throws: PipelineError.self) { try part(damaged) }
    }
}
