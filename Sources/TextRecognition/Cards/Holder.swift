internal import Learning

/// A person who does not exist, and the document of theirs.
struct Holder {
    /// A day; every month has at least 28.
    struct Day {
        var year: Int
        var month: Int
        var day: Int

        static let months = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ]

        /// `YYMMDD`, as in a machine-readable zone.
        var compact: String { two(year % 100) + two(month) + two(day) }

        /// In one of the ways in which cards print a day, counted from 0.
        func text(_ style: Int) -> String {
            switch style % 6 {
            case 0: "\(two(day)).\(two(month)).\(year)"
            case 1: "\(two(day))/\(two(month))/\(year)"
            case 2: "\(year)-\(two(month))-\(two(day))"
            case 3: "\(two(day)) \(Self.months[month - 1]) \(year)"
            case 4: "\(two(day)) \(two(month)) \(year)"
            default: "\(two(day))-\(two(month))-\(year)"
            }
        }

        private func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    }

    var surname: String
    var givenNames: String
    var birth: Day
    var expiry: Day
    var sex: String
    var state: String

    init(_ random: inout KeyedRandom) {
        surname = Self.name(of: Self.surnames, &random)
        if random.chance(0.08) { surname += "-" + Self.name(of: Self.surnames, &random) }
        givenNames = Self.name(of: Self.givenNames, &random)
        if random.chance(0.3) { givenNames += " " + Self.name(of: Self.givenNames, &random) }
        birth = Self.day(1930...2012, &random)
        expiry = Self.day(2024...2039, &random)
        sex = random.pick(["F", "M", "X"])
        state = random.pick(["UTO", "AUR", "NOV", "BOR", "ZEL", "KAL", "VER", "QUI", "WYX", "JHF"])
    }

    private static func day(_ years: ClosedRange<Int>, _ random: inout KeyedRandom) -> Day {
        Day(
            year: random.integer(years),
            month: random.integer(1...12),
            day: random.integer(1...28)
        )
    }

    /// Half of them known names, half of syllables, so that letters come in every order.
    private static func name(of known: [String], _ random: inout KeyedRandom) -> String {
        if random.chance(0.5) { return random.pick(known) }
        return (0..<random.integer(2...4)).map { _ in random.pick(syllables) }.joined()
    }

    private static let syllables = [
        "BA", "BRI", "CHE", "CO", "DA", "DRO", "DU", "EX", "FE", "FLO", "GA", "GRU", "HA", "HY",
        "IN", "JA", "JO", "KA", "KE", "KRI", "LA", "LU", "MA", "MI", "MY", "NE", "NO", "OL", "OR",
        "PA", "PHI", "PU", "QUE", "QUI", "RA", "RO", "SA", "SHI", "STE", "TA", "TH", "TRO", "UL",
        "UR", "VA", "VI", "WA", "WE", "XA", "XI", "YA", "YO", "ZA", "ZE", "ZOL",
    ]

    private static let surnames = [
        "ABBOTT", "ANDERSEN", "BAUER", "BECKER", "BIANCHI", "BROWN", "CARVALHO", "CHEN", "COHEN",
        "DUBOIS", "DUPONT", "ERIKSSON", "EVANS", "FERREIRA", "FISCHER", "FUJITA", "GARCIA",
        "GOMEZ", "GREEN", "GUPTA", "HANSEN", "HOFFMANN", "HUGHES", "IVANOV", "JACKSON", "JENSEN",
        "JOHNSON", "KAYA", "KELLY", "KIM", "KOVACS", "KOWALSKI", "LAURENT", "LOPEZ", "MAYER",
        "MCDONALD", "MOREAU", "MUELLER", "NGUYEN", "NOVAK", "OKAFOR", "OLSEN", "PATEL", "PEREZ",
        "POPESCU", "QUINN", "RICHTER", "ROSSI", "SANTOS", "SATO", "SCHMIDT", "SILVA", "SMITH",
        "SVENSSON", "TAYLOR", "TOTH", "VAN DIJK", "VARGAS", "WAGNER", "WEBER", "WILLIAMS", "WRIGHT",
        "XU", "YILMAZ", "YOUNG", "ZHANG", "ZIMMERMANN",
    ]

    private static let givenNames = [
        "ADAM", "AISHA", "ALEXANDER", "AMELIE", "ANNA", "ANTONIO", "BEATRIZ", "BENJAMIN", "BORIS",
        "CAMILLE", "CHARLOTTE", "CHRISTOPH", "DANIEL", "DMITRI", "ELENA", "EMMA", "ERIK", "FATIMA",
        "FELIX", "FLORENCE", "GABRIEL", "GRACE", "HANNAH", "HUGO", "IBRAHIM", "INGRID", "ISABEL",
        "JACK", "JOSEPHINE", "JULIA", "KARIM", "KATARZYNA", "LAURA", "LIAM", "LUCAS", "MARIA",
        "MAXIMILIAN", "MEHMET", "MICHAEL", "NADIA", "NICOLAS", "OLIVER", "OLIVIA", "PAUL", "PETRA",
        "QUENTIN", "RAJ", "ROBERT", "SARAH", "SOPHIE", "STEFAN", "TARIQ", "THOMAS", "URSULA",
        "VALENTINA", "VICTOR", "WEI", "WILLIAM", "XAVIER", "YASMIN", "YUKI", "ZOE",
    ]
}

/// The lines of a card that machines read: ICAO 9303 part 5 (three lines of 30) and part 4 (two of
/// 44).
enum MachineReadableZone {
    /// The three lines on a card.
    static func card(_ holder: Holder, number: String) -> [String] {
        let number = padded(number.filter { $0 != " " && $0 != "-" }, 9)
        let first = "I<\(holder.state)\(checked(number))"
        let middle =
            checked(holder.birth.compact) + sexMark(holder) + checked(holder.expiry.compact)
        let second = padded(middle + holder.state, 29)
        let composite = [
            padded(first, 30).dropFirst(5), second.prefix(7), second.dropFirst(8).prefix(7),
            second.dropFirst(18),
        ].joined()
        return [padded(first, 30), second + check(composite), padded(name(holder), 30)]
    }

    /// The two lines in a passport.
    static func passport(_ holder: Holder, number: String) -> [String] {
        let number = checked(padded(number.filter { $0 != " " && $0 != "-" }, 9))
        let dates = checked(holder.birth.compact) + sexMark(holder) + checked(holder.expiry.compact)
        let optional = checked(padded("", 14))
        let composite =
            number + checked(holder.birth.compact) + checked(holder.expiry.compact) + optional
        return [
            padded("P<\(holder.state)\(name(holder))", 44),
            number + holder.state + dates + optional + check(composite),
        ]
    }

    private static func sexMark(_ holder: Holder) -> String { holder.sex == "X" ? "<" : holder.sex }

    private static func name(_ holder: Holder) -> String {
        let filled = { (name: String) in
            String(name.map { $0 == " " || $0 == "-" ? "<" : $0 })
        }
        return filled(holder.surname) + "<<" + filled(holder.givenNames)
    }

    private static func checked(_ text: String) -> String { text + check(text) }

    private static func check(_ text: String) -> String {
        // Fields hold only what counts: digits, capital letters and "<".
        CheckDigit.icao.character(after: text).map(String.init) ?? "<"
    }

    private static func padded(_ text: String, _ count: Int) -> String {
        String(text.prefix(count)) + String(repeating: "<", count: max(0, count - text.count))
    }
}
