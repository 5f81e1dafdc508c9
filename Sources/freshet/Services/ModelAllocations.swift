import CAllocator

/// How the memory of a process that holds a model is allocated.
enum ModelAllocations {
    /// Makes memory that is given up go back to the system, so that a process takes little more than
    /// its model does.
    ///
    /// To be called before the process has threads. glibc would raise the size from which on a block
    /// has pages of its own (`M_MMAP_THRESHOLD`, mallopt(3)) up to 32 MiB once such a block was freed;
    /// and it would keep a heap for each of many threads, most of them librdkafka's, that are idle.
    static func limit() {
        #if os(Linux)
            _ = mallopt(M_MMAP_THRESHOLD, 1 << 20)
            _ = mallopt(M_TRIM_THRESHOLD, 1 << 20)
            _ = mallopt(M_ARENA_MAX, 2)
        #endif
    }
}
