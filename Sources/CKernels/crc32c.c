// CRC-32C: the SSE 4.2 or ARMv8 instruction where the processor has it, a table elsewhere.
#include "CKernels.h"

#include <string.h>

static uint32_t crc_table(uint32_t crc, const uint8_t *bytes, size_t count) {
    // Reflected polynomial 0x82F63B78, one bit at a time: only processors without the instruction.
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t state = crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    for (; count > 0; bytes++, count--) state = __builtin_ia32_crc32qi((uint32_t)state, *bytes);
    return (uint32_t)state;
}
static int has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static uint32_t crc_hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; bytes++, count--) crc = __crc32cb(crc, *bytes);
    return crc;
}
static int has_hardware(void) { return 1; }
#else
static uint32_t crc_hardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    return crc_table(crc, bytes, count);
}
static int has_hardware(void) { return 0; }
#endif

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count) {
    crc = ~crc;
    crc = has_hardware() ? crc_hardware(crc, bytes, count) : crc_table(crc, bytes, count);
    return ~crc;
}
