// Synthetic interactions that a recommender can learn from. D = taste dimensions, U = users,
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

/// Makes interactions one after another; the same settings give the same ones.
struct InteractionGenerator: Sendable {
    /// D: enough for many kinds of taste, few enough to be learned from some dozen events.
    private static let dimensions = 8
    /// Items a user looks at before taking one.
    private static let lookedAt = 40
    /// How sharply taste decides; 0 would leave popularity alone.
    private static let strength: Float = 8
    /// Number of genres.
    private static let genres = 24
    /// How far items lie from their genre, and users from the mixture they like.
    private static let spread: Float = 0.35
    /// How far the taste leans towards the item taken last.
    private static let lean: Float = 0.6
    /// R: an item is not taken again while it is among a user's last ones.
    private static let remembered = 32
    /// Exponent of Zipf's law for items; 1 is the classical one.
    static let itemExponent = 0.9
    /// And for the activity of users, which differs less.
    private static let userExponent = 0.6

    private let settings: GeneratorSettings
    private let userNames: [[UInt8]]
    private let itemNames: [[UInt8]]
    private let popularity: WeightedChoice
    private let activity: WeightedChoice
    /// Genres × D, each row of length 1.
    private let genres: [Float]
    /// I × D, each row of length 1.
    private let places: [Float]
    /// U × D, each row of length 1.
    private var tastes: [Float]
    /// U × R, item numbers, -1 where there is none yet.
    private var recent: [Int32]
    private var takenCounts: [Int32]
    private var random: RandomSource
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
        let genres = Self.directions(Self.genres, seed: settings.seed, purpose: 2)
        places = Self.near(genres, settings.items, mixed: false, seed: settings.seed, purpose: 3)
        tastes = Self.near(genres, settings.users, mixed: true, seed: settings.seed, purpose: 4)
        self.genres = genres
        recent = Array(repeating: -1, count: settings.users * Self.remembered)
        takenCounts = Array(repeating: 0, count: settings.users)
        random = RandomSource(seed: settings.seed, purpose: 5)
    }

    /// The next interaction; there is always one.
    mutating func next() -> Interaction {
        if index == settings.shiftAt {
            tastes = Self.near(
                genres,
                settings.users,
                mixed: true,
                seed: settings.seed,
                purpose: 6
            )
        }
        let user = activity.draw(&random)
        let (item, liking) = choose(for: user)
        remember(item, of: user)
        defer { index += 1 }
        return Interaction(
            user: userNames[user],
            item: itemNames[item],
            value: settings.hasRatings ? rating(liking) : nil,
            timestamp: settings.start &+ Int64(index) &* settings.interval
        )
    }

    /// The item that a user takes, and how much it is to the user's taste, -1…1.
    private mutating func choose(for user: Int) -> (item: Int, liking: Float) {
        let inclination = inclination(of: user)
        var best = (item: -1, score: -Float.infinity, liking: Float(0))
        for look in 0..<Self.lookedAt {
            let item = popularity.draw(&random)
            var liking: Float = 0
            for d in 0..<Self.dimensions {
                liking += inclination[d] * places[item * Self.dimensions + d]
            }
            let score = Self.strength * liking + random.gumbel()
            // The last look is taken in any case when all before were repetitions.
            let isForced = look == Self.lookedAt - 1 && best.item < 0
            if score > best.score, isForced || !isRecent(item, of: user) {
                best = (item, score, liking)
            }
        }
        return (best.item, best.liking)
    }

    /// The user's taste, leaning towards the item taken last.
    ///
    /// `SIMD8` holds the D dimensions.
    private func inclination(of user: Int) -> SIMD8<Float> {
        let taken = Int(takenCounts[user])
        let last = taken == 0 ? -1 : Int(recent[slot(of: user, taken - 1)])
        var inclination = SIMD8<Float>()
        for d in 0..<Self.dimensions {
            inclination[d] = tastes[user * Self.dimensions + d]
            if last >= 0 { inclination[d] += Self.lean * places[last * Self.dimensions + d] }
        }
        return inclination
    }

    private func isRecent(_ item: Int, of user: Int) -> Bool {
        let start = user * Self.remembered
        return recent[start..<start + Self.remembered].contains(Int32(item))
    }

    private mutating func remember(_ item: Int, of user: Int) {
        recent[slot(of: user, Int(takenCounts[user]))] = Int32(item)
        takenCounts[user] &+= 1
        // Stays a valid count of remembered items however long the stream is.
        if takenCounts[user] == 2 * Self.remembered { takenCounts[user] = Int32(Self.remembered) }
    }

    private func slot(of user: Int, _ count: Int) -> Int {
        user * Self.remembered + count % Self.remembered
    }

    /// Half stars from 0.5 to 5, around 3.5: taste and a little noise.
    private mutating func rating(_ liking: Float) -> Double {
        let stars = 2.5 + 1.5 * liking + 0.4 * random.normal()
        return Double(min(max((stars * 2).rounded() / 2, 0.5), 5))
    }

    /// `count` directions, each near a genre, or near a mixture of two: count × D.
    private static func near(
        _ genres: [Float],
        _ count: Int,
        mixed: Bool,
        seed: UInt64,
        purpose: UInt64
    ) -> [Float] {
        var random = RandomSource(seed: seed, purpose: purpose)
        var values: [Float] = []
        values.reserveCapacity(count * dimensions)
        for _ in 0..<count {
            let first = random.index(Self.genres)
            let second = random.index(Self.genres)
            let share: Float = mixed ? 0.8 : 0
            appendDirection(to: &values) { d in
                genres[first * dimensions + d] + share * genres[second * dimensions + d]
                    + spread * random.normal()
            }
        }
        return values
    }

    /// `count` random directions, each of length 1: count × D.
    private static func directions(_ count: Int, seed: UInt64, purpose: UInt64) -> [Float] {
        var random = RandomSource(seed: seed, purpose: purpose)
        var values: [Float] = []
        values.reserveCapacity(count * dimensions)
        for _ in 0..<count {
            appendDirection(to: &values) { _ in random.normal() }
        }
        return values
    }

    /// Appends D numbers, scaled so that their length is 1.
    private static func appendDirection(to values: inout [Float], _ number: (Int) -> Float) {
        let direction = (0..<dimensions).map(number)
        let length = max(direction.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-3)
        values.append(contentsOf: direction.map { $0 / length })
    }
}
