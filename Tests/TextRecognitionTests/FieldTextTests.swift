import Learning
import Testing

@testable import TextRecognition

@Suite struct FieldTextTests {
    private func texts(_ pattern: String) throws -> Set<String> {
        let pattern = try FieldPattern(pattern)
        var random = KeyedRandom(key: 1)
        return Set((0..<400).map { _ in pattern.text(&random) })
    }

    @Test func `a pattern makes what it allows, and all of it`() throws {
        #expect(try texts("ab?c") == ["abc", "ac"])
        #expect(try texts("[A-C]") == ["A", "B", "C"])
        #expect(try texts("[AC-]{2}").count == 9)
        #expect(try texts("(ab){1,3}") == ["ab", "abab", "ababab"])
        #expect(try texts(#"x(1|2[yz])\."#) == ["x1.", "x2y.", "x2z."])
        #expect(try texts(#"\d"#) == Set((0...9).map(String.init)))
        for text in try texts(#"[A-Z]{2}\d{7}"#) {
            #expect(text.wholeMatch(of: /[A-Z]{2}\d{7}/) != nil)
        }
    }

    @Test func `the longest text is known`() throws {
        #expect(try FieldPattern(#"[A-Z]{1,2}-\d{4,6}(a|bcd)?"#).longest == 12)
    }

    @Test func `the patterns of every scenario are ones`() throws {
        for scenario in CardScenario.allCases {
            for pattern in scenario.numberPatterns {
                #expect(try FieldPattern(pattern).longest <= 24)
            }
        }
    }
}

@Suite struct CheckCharacterTests {
    @Test func `check characters are those of published examples`() {
        // ICAO 9303 part 4, appendix B: number, date of birth, date of expiry.
        #expect(CheckDigit.icao.character(after: "L898902C3") == "6")
        #expect(CheckDigit.icao.character(after: "740812") == "2")
        #expect(CheckDigit.icao.character(after: "120415") == "9")
        // The account number of ISO/IEC 7812's usual example, and an ORCID.
        #expect(CheckDigit.luhn.character(after: "7992739871") == "3")
        #expect(CheckDigit.luhn.character(after: "4539 1488 0343 646") == "7")
        #expect(CheckDigit.mod11Radix2.character(after: "0000-0002-1825-009") == "7")
        #expect(CheckDigit.mod11Radix2.character(after: "0000-0002-1694-233") == "X")
        #expect(CheckDigit.mod37Radix2.character(after: "A999914123456") == "N")
    }

    @Test func `behind what does not count there is none`() {
        #expect(CheckDigit.luhn.character(after: "12A") == nil)
        #expect(CheckDigit.icao.character(after: "12 3") == nil)
        #expect(CheckDigit.iban.character(after: "GB82WEST1234569876543") == nil)
    }

    @Test func `the lines that machines read are those of ICAO's specimen`() {
        var random = KeyedRandom(key: 3)
        var holder = Holder(&random)
        holder.surname = "ERIKSSON"
        holder.givenNames = "ANNA MARIA"
        holder.birth = Holder.Day(year: 1974, month: 8, day: 12)
        holder.expiry = Holder.Day(year: 2012, month: 4, day: 15)
        holder.sex = "F"
        holder.state = "UTO"
        #expect(
            MachineReadableZone.card(holder, number: "D23145890") == [
                "I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6",
                "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
            ]
        )
        let passport = MachineReadableZone.passport(holder, number: "L898902C3")
        #expect(passport[0] == "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<")
        #expect(passport[1].hasPrefix("L898902C36UTO7408122F1204159<<<<<<<<<<<<<<0"))
        #expect(passport[1].count == 44)
    }
}
