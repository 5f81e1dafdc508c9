// What the row kernels share: eight lanes, the order of summation, dispatch by processor.
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

#endif
