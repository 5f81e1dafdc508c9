import Foundation

/// How many files and connections the system lets this process have open.
enum OpenFileLimit {
    /// What the broker has open besides connections: its database, the sockets that listen, and
    /// the files of logs, at most five for each partition in use.
    static let reserve = 256

    /// Raises the limit as far as the system allows, and checks that it is enough.
    static func raise(forConnections count: Int) throws(BrokerError) {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        #if canImport(Darwin)
            // More is refused there, whatever the hard limit says.
            limit.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
        #else
            limit.rlim_cur = limit.rlim_max
        #endif
        if setrlimit(resource, &limit) != 0 { getrlimit(resource, &limit) }
        try check(Int(clamping: limit.rlim_cur), forConnections: count)
    }

    /// Checks that so many open files are enough for so many connections.
    static func check(_ limit: Int, forConnections count: Int) throws(BrokerError) {
        guard limit - reserve < count else { return }
        throw BrokerError(
            .configuration,
            "the system allows this process \(limit) open files, \(count) connections need "
                + "\(count + reserve)",
            remedy: "raise the hard limit (ulimit -Hn, or LimitNOFILE of the service), or set "
                + "broker.maximum_connections to at most \(max(1, limit - reserve))"
        )
    }

    #if canImport(Darwin)
        private static let resource = RLIMIT_NOFILE
    #else
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif
}
