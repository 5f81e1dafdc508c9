import Testing

@testable import Learning

@Suite struct DuplicateWindowTests {
    private func identity(_ number: Int) -> EventIdentity {
        Array("event-\(number)".utf8).withUnsafeBytes { EventIdentity($0) }
    }

    /// The authors' test vectors.
    ///
    /// The key is 00 01 … 0f, the input the first bytes of 00 01 02 …
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"), (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"), (16, "6ee2a4ca67b054bbfd3315bf85230577"),
        (33, "77c6077146f01c32b6b69d5f4ea9ffcf"),
    ])
    func `the hash is SipHash with 128 bits`(count: Int, expected: String) {
        var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        let (low, high) = (0..<count).map { UInt8($0) }.withUnsafeBytes { hash.hash($0) }
        let text = [low, high].map { word in
            let digits = String(word.byteSwapped, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        #expect(text.joined() == expected)
    }

    @Test(arguments: [1, 2, 7, 1000])
    func `a copy is noticed as long as its event is in the window, as a plain list says`(
        capacity: Int
    ) {
        var window = DuplicateWindow(capacity: capacity)
        var list: [Int] = []
        var random = KeyedRandom(key: UInt64(capacity))
        var duplicates = 0
        for _ in 0..<20_000 {
            let number = Int(random.next() % UInt64(capacity * 3))
            let isNew = !list.contains(number)
            let inserted = window.insert(identity(number))
            #expect(inserted == isNew)
            if isNew {
                list.append(number)
                if list.count > capacity { list.removeFirst() }
            } else {
                duplicates += 1
            }
        }
        #expect(window.count == capacity)
        #expect(window.duplicateCount == Int64(duplicates))
    }

    @Test func `without capacity, and for events without an id, nothing is a copy`() {
        var none = DuplicateWindow(capacity: 0)
        let outcome1 = none.insert(identity(1))
        #expect(outcome1)
        let outcome2 = none.insert(identity(1))
        #expect(outcome2)
        var window = DuplicateWindow(capacity: 3)
        let outcome3 = window.insert(.none)
        #expect(outcome3)
        let outcome4 = window.insert(.none)
        #expect(outcome4)
        #expect(window.count == 0)
    }

    @Test func `whole files and increments bring back the window that went on`() throws {
        var window = DuplicateWindow(capacity: 50)
        var whole = NamedTensors()
        window.encode(into: &whole)
        var restored = try DuplicateWindow(state: whole)
        for round in 0..<12 {
            for number in 0..<(round * 7) { _ = window.insert(identity(round * 40 + number)) }
            var increment = NamedTensors()
            window.takeChanges(into: &increment)
            try restored.restore(increment)
            var (left, right) = (NamedTensors(), NamedTensors())
            window.encode(into: &left)
            restored.encode(into: &right)
            #expect(left == right)
            if round == 5 { restored = try DuplicateWindow(state: left) }
            if round == 8 {
                window.beginWholeCheckpoint()
                restored = DuplicateWindow(capacity: 50)
            }
        }
        let outcome5 = restored.insert(identity(11 * 40 + 76))
        #expect(!outcome5)
        let outcome6 = restored.insert(identity(0))
        #expect(outcome6)
    }

    @Test func `an increment on another state, and damaged ones, are refused and change nothing`()
        throws
    {
        var window = DuplicateWindow(capacity: 10)
        var whole = NamedTensors()
        window.encode(into: &whole)
        for number in 0..<4 { _ = window.insert(identity(number)) }
        var first = NamedTensors()
        window.takeChanges(into: &first)
        for number in 4..<6 { _ = window.insert(identity(number)) }
        var second = NamedTensors()
        window.takeChanges(into: &second)
        var restored = try DuplicateWindow(state: whole)
        #expect(throws: LearningError.self) { try restored.restore(second) }
        for name in first.names {
            var damaged = first
            damaged[name] = Tensor([Int64(77), 1, -5])
            #expect(throws: LearningError.self) { try restored.restore(damaged) }
            damaged[name] = nil
            if name != "trainer.duplicates.counts" {
                #expect(throws: LearningError.self) { try restored.restore(damaged) }
            }
        }
        #expect(restored.count == 0)
        try restored.restore(first)
        try restored.restore(second)
        #expect(restored.count == 6)
    }

    @Test func `another capacity keeps the newest`() {
        var window = DuplicateWindow(capacity: 10)
        for number in 0..<25 { _ = window.insert(identity(number)) }
        var smaller = window.resized(to: 4)
        let outcome7 = smaller.insert(identity(24))
        #expect(!outcome7)
        let outcome8 = smaller.insert(identity(21))
        #expect(!outcome8)
        let outcome9 = smaller.insert(identity(20))
        #expect(outcome9)
        var larger = window.resized(to: 100)
        let outcome10 = larger.insert(identity(15))
        #expect(!outcome10)
        let outcome11 = larger.insert(identity(14))
        #expect(outcome11)
    }
}
