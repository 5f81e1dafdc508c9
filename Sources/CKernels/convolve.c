// Convolutions, directly: no im2col, no packing. See CNetworkKernels.h for what is computed.
//
// Why not sgemm: with channels innermost the taps of a row are one piece of memory, so that a tile
// of outputs reads its inputs where they are. That saves writing and reading them nine times over,
// and lets the lines of a batch have widths of their own.
#include "CNetworkKernels.h"

#define UNROLL _Pragma("clang loop unroll(full)")

typedef float vector2 __attribute__((vector_size(8), aligned(4)));
typedef float vector4 __attribute__((vector_size(16), aligned(4)));
typedef float vector8 __attribute__((vector_size(32), aligned(4)));
typedef float vector16 __attribute__((vector_size(64), aligned(4)));

// 32 registers hold 8 × 3 accumulators, a row of weights and a factor; 16 hold 4 × 3.
#define VECTOR vector16
#define HALF vector8
#define LOWER_HALF(v) __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define WIDTH 16
#define ROWS 8
#define NAME(x) x##_16
#include "convolve_tiles.h"
#undef VECTOR
#undef HALF
#undef LOWER_HALF
#undef WIDTH
#undef ROWS
#undef NAME

#define VECTOR vector8
#define HALF vector4
#define LOWER_HALF(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define WIDTH 8
#define ROWS 4
#define NAME(x) x##_8
#include "convolve_tiles.h"
#undef VECTOR
#undef HALF
#undef LOWER_HALF
#undef WIDTH
#undef ROWS
#undef NAME

#define VECTOR vector4
#define HALF vector2
#define LOWER_HALF(v) __builtin_shufflevector(v, v, 0, 1)
#define WIDTH 4
#define ROWS 4
#define NAME(x) x##_4
#include "convolve_tiles.h"

// Three vectors of channels at a time, but never one alone that two could share: 4 = 2 + 2.
#define PANELS(CALL, channels)                                                                \
    for (size_t channel = 0, left = ((channels) + LANES - 1) / LANES; left > 0;) {            \
        const int half = (channels) % LANES != 0;                                             \
        const size_t panel = left == 3 || left > 4 ? 3 : left > 1 ? 2 : 1;                    \
        const int last = panel == left && half;                                               \
        if (panel == 3 && last) CALL(3, 1);                                                   \
        else if (panel == 3) CALL(3, 0);                                                      \
        else if (panel == 2 && last) CALL(2, 1);                                              \
        else if (panel == 2) CALL(2, 0);                                                      \
        else if (last) CALL(1, 1);                                                            \
        else CALL(1, 0);                                                                      \
        left -= panel;                                                                        \
        channel += panel * LANES;                                                             \
    }

#define FORWARD(suffix, columns, half)                                                        \
    forward_panel##suffix(                                                                    \
        taps, in, weights + channel, then, channel, out + channel, width, columns, half)
#define WEIGHT(suffix, columns, half)                                                         \
    weight_panel##suffix(                                                                     \
        pixels, in, errors + channel, gradient + channel, length, columns, half)
#define FORWARD_16(columns, half) FORWARD(_16, columns, half)
#define FORWARD_8(columns, half) FORWARD(_8, columns, half)
#define FORWARD_4(columns, half) FORWARD(_4, columns, half)
#define WEIGHT_16(columns, half) WEIGHT(_16, columns, half)
#define WEIGHT_8(columns, half) WEIGHT(_8, columns, half)
#define WEIGHT_4(columns, half) WEIGHT(_4, columns, half)

#define FORWARD_PARAMETERS                                                                    \
    const ck_taps *taps, const float *in, const float *weights, const ck_epilogue *then,      \
        float *out, size_t width
#define WEIGHT_PARAMETERS                                                                     \
    const ck_pixels *pixels, const float *in, const float *errors, float *gradient,           \
        size_t length

// The widths of vectors that the processor has. By hand and not by target_clones, since the tiles
// differ with the number of registers, and since the compiler would otherwise halve wide vectors.
#if defined(__x86_64__)
#define WIDEST __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define WIDE __attribute__((target("arch=x86-64-v3")))

#define LANES 16
WIDEST static void convolve_row_16(FORWARD_PARAMETERS) { PANELS(FORWARD_16, taps->stride) }
WIDEST static void convolve_weights_16(WEIGHT_PARAMETERS) {
    PANELS(WEIGHT_16, pixels->stride)
}
#undef LANES
#define LANES 8
WIDE static void convolve_row_8(FORWARD_PARAMETERS) { PANELS(FORWARD_8, taps->stride) }
WIDE static void convolve_weights_8(WEIGHT_PARAMETERS) { PANELS(WEIGHT_8, pixels->stride) }
#undef LANES
#endif

#define LANES 4
static void convolve_row_4(FORWARD_PARAMETERS) { PANELS(FORWARD_4, taps->stride) }
static void convolve_weights_4(WEIGHT_PARAMETERS) { PANELS(WEIGHT_4, pixels->stride) }

size_t ck_vector_lanes(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) return 16;
    if (__builtin_cpu_supports("x86-64-v3")) return 8;
#endif
    return 4;
}

void ck_convolve_row(size_t lanes, FORWARD_PARAMETERS) {
#if defined(__x86_64__)
    if (lanes == 16) return convolve_row_16(taps, in, weights, then, out, width);
    if (lanes == 8) return convolve_row_8(taps, in, weights, then, out, width);
#endif
    (void)lanes;
    convolve_row_4(taps, in, weights, then, out, width);
}

void ck_convolve_weights(size_t lanes, WEIGHT_PARAMETERS) {
#if defined(__x86_64__)
    if (lanes == 16) return convolve_weights_16(pixels, in, errors, gradient, length);
    if (lanes == 8) return convolve_weights_8(pixels, in, errors, gradient, length);
#endif
    (void)lanes;
    convolve_weights_4(pixels, in, errors, gradient, length);
}
