// Synthetic interactions that a recommender can learn from. D = 8 taste dimensions, U = users,
// I = items, R = remembered items of a user.
//
// Items have a popularity that follows Zipf's law and a place in a space of D dimensions, near one
// of some genres; users have a taste there, near a mixture of two genres. An event: a user is drawn
// (active users more often), some items are drawn by popularity, and of those the user takes one
// with probability softmax(strength · taste · place), where the taste leans towards the item taken
// last. So popularity explains a part of what happens, taste more of it, and the order of events
// something on top.

/// What synthetic interactions are like.
struct GeneratorSettings: Sendable, Equatable {
    /// Number of users, 1…1,000,000.
    var users = 2000
    /// Number of items, 1…1,000,000.
    var items = 2000
    /// Everything random follows from it.
    var seed: UInt64 = 1
    /// The event, counted from 0, from which on every user has a new taste; nil: never.
    var shiftAt: Int?
    /// Whether events carry a rating from 0.5 to 5.
    var hasRatings = false
    /// Timestamp of the first event, in milliseconds since 1970: 2024-01-01.
    var start: Int64 = 1_704_067_200_000
    /// Milliseconds from one event to the next.
    var interval: Int64 = 10_000

    /// The most users or items: beyond it the tables below would take gigabytes.
    static let largestCount = 1_000_000
}

/// A place or a taste: the D dimensions.
private typealias Direction = SIMD8<Float>

/// Makes interactions one after another; the same settings give the same ones.
struct InteractionGenerator: Sendable {
    /// Items a user looks at before taking one.
    private static let lookedAt = 40
    /// How sharply taste decides; 0 would leave popularity alone.
    private static let strength: Float = 8
    /// Number of genres.
    private static let genreCount = 24
    /// How far items lie from their genre, and users from the mixture they like.
    private static let spread: Float = 0.35
    /// How far the taste leans towards the item taken last.
    private static let lean: Float = 0.6
    /// R: an item is not taken again while it is among a user's last ones.
    private static let remembered = 32
    /// Exponent of Zipf's law for items; 1 is the classical one.
    private static let itemExponent = 0.9
    /// And for the activity of users, which differs less.
    private static let userExponent = 0.6

    private let settings: GeneratorSettings
    private let userNames: [[UInt8]]
    private let itemNames: [[UInt8]]
    private let popularity: WeightedChoice
    private let activity: WeightedChoice
    private let genres: [Direction]
    /// I, each of length 1.
    private let places: [Direction]
    /// U, each of length 1.
    private var tastes: [Direction]
    /// U × R, item numbers, -1 where there is none yet.
    private var recent: [Int32]
    private var takenCounts: [Int32]
    /// What the user of the current event looks at, and the sums of weights up to each of them.
    private var looks = [Int](repeating: 0, count: lookedAt)
    private var weightSums = [Double](repeating: 0, count: lookedAt)
    private var random: RandomSource
    /// The number of interactions made.
    private(set) var index = 0

    /// Makes the tables; takes some seconds for a million users.
    init(_ settings: GeneratorSettings) {
        precondition((1...GeneratorSettings.largestCount).contains(settings.users))
        precondition((1...GeneratorSettings.largestCount).contains(settings.items))
        self.settings = settings
        // Ranks are dealt out at random: an id says nothing about popularity.
        var shuffler = RandomSource(seed: settings.seed, purpose: 1)
        itemNames = (1...settings.items).shuffled(using: &shuffler).map { Array("i\($0)".utf8) }
        userNames = (1...settings.users).shuffled(using: &shuffler).map { Array("u\($0)".utf8) }
        popularity = .zipf(settings.items, exponent: Self.itemExponent)
        activity = .zipf(settings.users, exponent: Self.userExponent)
        var builder = RandomSource(seed: settings.seed, purpose: 2)
        genres = (0..<Self.genreCount).map { _ in Self.normalized(Self.noise(&builder)) }
        let genres = genres
        places = (0..<settings.items).map { _ in Self.place(genres, &builder) }
        tastes = (0..<settings.users).map { _ in Self.taste(genres, &builder) }
        recent = Array(repeating: -1, count: settings.users * Self.remembered)
        takenCounts = Array(repeating: 0, count: settings.users)
        random = RandomSource(seed: settings.seed, purpose: 3)
    }

    /// The next interaction; there is always one.
    mutating func next() -> Interaction {
        if index == settings.shiftAt { shiftTastes() }
        let user = activity.draw(&random)
        let inclination = inclination(of: user)
        let item = choose(inclination, for: user)
        remember(item, of: user)
        defer { index += 1 }
        return Interaction(
            user: userNames[user],
            item: itemNames[item],
            value: settings.hasRatings ? rating(inclination, item) : nil,
            timestamp: settings.start &+ Int64(index) &* settings.interval
        )
    }

    /// Gives every user a new taste, unlike the one before.
    private mutating func shiftTastes() {
        var builder = RandomSource(seed: settings.seed, purpose: 4)
        for user in tastes.indices { tastes[user] = Self.taste(genres, &builder) }
    }

    /// The user's taste, leaning towards the item taken last.
    private func inclination(of user: Int) -> Direction {
        let taken = Int(takenCounts[user])
        guard taken > 0 else { return tastes[user] }
        return tastes[user] + Self.lean * places[Int(recent[slot(of: user, taken - 1)])]
    }

    /// Draws the item that a user takes: softmax over what the user looks at.
    private mutating func choose(_ inclination: Direction, for user: Int) -> Int {
        var sum = 0.0
        for look in looks.indices {
            let item = popularity.draw(&random)
            let liking = (inclination * places[item]).sum()
            sum += PortableMath.exp(Double(Self.strength * liking))
            looks[look] = item
            weightSums[look] = sum
        }
        // Another draw when it is one of the last items; after some, that has to do.
        var item = looks[0]
        for _ in 0..<8 {
            let lot = random.uniform64() * sum
            item = looks[weightSums.firstIndex { $0 > lot } ?? looks.count - 1]
            if !isRecent(item, of: user) { return item }
        }
        return looks.first { !isRecent($0, of: user) } ?? item
    }

    private func isRecent(_ item: Int, of user: Int) -> Bool {
        let start = user * Self.remembered
        return recent[start..<start + Self.remembered].contains(Int32(item))
    }

    private mutating func remember(_ item: Int, of user: Int) {
        recent[slot(of: user, Int(takenCounts[user]))] = Int32(item)
        takenCounts[user] += 1
        // Stays a valid count of remembered items however long the stream is.
        if takenCounts[user] == 2 * Self.remembered { takenCounts[user] = Int32(Self.remembered) }
    }

    private func slot(of user: Int, _ count: Int) -> Int {
        user * Self.remembered + count % Self.remembered
    }

    /// Half stars from 0.5 to 5: taste and a little noise.
    ///
    /// Liking is from -1.6 to 1.6.
    private mutating func rating(_ inclination: Direction, _ item: Int) -> Double {
        let liking = (inclination * places[item]).sum()
        let stars = 2.5 + 1.5 * liking + 0.4 * random.normal()
        return Double(min(max((stars * 2).rounded() / 2, 0.5), 5))
    }

    /// An item's place: near a genre.
    private static func place(_ genres: [Direction], _ random: inout RandomSource) -> Direction {
        normalized(genres[random.index(genres.count)] + spread * noise(&random))
    }

    /// A user's taste: near a mixture of two genres.
    private static func taste(_ genres: [Direction], _ random: inout RandomSource) -> Direction {
        let first = genres[random.index(genres.count)]
        let second = genres[random.index(genres.count)]
        return normalized(first + 0.8 * second + spread * noise(&random))
    }

    private static func noise(_ random: inout RandomSource) -> Direction {
        var noise = Direction()
        for dimension in noise.indices { noise[dimension] = random.normal() }
        return noise
    }

    private static func normalized(_ direction: Direction) -> Direction {
        direction / max((direction * direction).sum().squareRoot(), 1e-3)
    }
}
