// What the row kernels share: eight lanes, the order of summation, e^x, dispatch by processor.
#ifndef ROWS_H
#define ROWS_H

#include "CKernels.h"

// The dynamic loader picks the version for this processor (ifunc; glibc on x86-64). Elsewhere the
// compiler's baseline has to do: NEON on ARM.
#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define DISPATCHED
#endif

typedef float lanes __attribute__((vector_size(32), aligned(4)));
typedef float quad __attribute__((vector_size(16), aligned(4)));

#define LANES 8

// Sums of the eight lanes of four accumulators, as (l0+l4 + l2+l6) + (l1+l5 + l3+l7) each.
// A macro, since passing wide vectors to functions differs between processors.
#define SUM_FOUR(out, a, b, c, d)                                                             \
    do {                                                                                      \
        quad a4 = LOW(a) + HIGH(a), b4 = LOW(b) + HIGH(b);                                    \
        quad c4 = LOW(c) + HIGH(c), d4 = LOW(d) + HIGH(d);                                    \
        quad ab = __builtin_shufflevector(a4, b4, 0, 4, 1, 5)                                 \
            + __builtin_shufflevector(a4, b4, 2, 6, 3, 7);                                    \
        quad cd = __builtin_shufflevector(c4, d4, 0, 4, 1, 5)                                 \
            + __builtin_shufflevector(c4, d4, 2, 6, 3, 7);                                    \
        out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5)                                     \
            + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);                                    \
    } while (0)
#define LOW(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define HIGH(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)

// e^x for x <= 0, relative error below 2e-7: Cephes' expf (Moshier), which vectorizes.
static inline __attribute__((always_inline)) float exp_negative(float x) {
    x = x < -87.0f ? -87.0f : x;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, 4);
    return p * scale;
}

#endif
