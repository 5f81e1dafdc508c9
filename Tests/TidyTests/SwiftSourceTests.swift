import Testing

/// The measuring tools measured: a check that cannot see would pass for ever.
@Suite struct SwiftSourceTests {
    private func code(_ text: String) -> String {
        String(decoding: SwiftSource(path: "", text: text).code, as: UTF8.self)
    }

    @Test func `comments, strings and quoted names are blanked out`() {
        #expect(code("a // b {\nc") == "a       \nc")
        #expect(code("a /* b /* { */ } */ c") == "a                   c")
        #expect(code(#"f("{ \" {") + g"#) == "f(        ) + g")
        #expect(code("func `a { name`() {}") == "func           () {}")
        #expect(code("\"\"\"\n { \" {\n\"\"\"\nx") == "   \n      \n   \nx")
        #expect(code(##"#"\" {"# + x"##) == "         + x")
    }

    @Test func `code inside a string's interpolation stays`() {
        #expect(code(#""a \(f("}", g { $0 })) b" + c"#) == "    (f(   , g { $0 }))    + c")
    }

    @Test func `functions are found with their lengths`() {
        let text = """
            protocol P {
                func required(_ a: Int)
                init()
                var value: Int { get }
            }
            struct S {
                init?(a: Int) {
                    self.init(b: a)
                }
                func f<T>(
                    a: T,
                    b: () -> Void = {}
                ) throws(E) -> Int
                where T: P {
                    func inner() { g() }
                    return 1
                }
                deinit {
                }
            }
            """
        let found = SwiftSource(path: "", text: text).functions
        let expected = [(7, 3), (10, 8), (15, 1), (18, 2)]
        #expect(found.map(\.line) == expected.map(\.0))
        #expect(found.map(\.lineCount) == expected.map(\.1))
    }

    @Test func `imports are found in all their forms`() {
        let text = """
            import A
            public import B
            @testable import C
            @preconcurrency public import D
            internal import struct E.F
            // import G
            let text = "import H"
            @_spi(I) import J
            """
        #expect(SwiftSource(path: "", text: text).imports == ["A", "B", "C", "D", "E", "J"])
    }
}
