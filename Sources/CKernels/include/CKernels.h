// The few fused loops that need run-time dispatch or prefetch. Everything else is Swift.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, continuing from `crc` (0 to begin).
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
