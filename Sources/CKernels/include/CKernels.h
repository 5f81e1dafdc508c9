// The few fused loops that need run-time dispatch or prefetch. Everything else is Swift.
//
// Rows are `k` floats, zero-padded to a multiple of 16 and 64-byte aligned; "k" below is the padded
// length. Where two functions compute the same dot product they add in the same order, so that the
// result depends on the two rows only, not on what else is computed in the call.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "CNetworkKernels.h"

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, continuing from `crc` (0 to begin).
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Asks for the cache line at `address`, to be written.
static inline void ck_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Asks for a row of `k` floats, to be written.
static inline void ck_prefetch_row(const float *row, size_t k) {
    for (size_t f = 0; f < k; f += 16) __builtin_prefetch(row + f, 1, 3);
}

/// Both halves of a 128-bit product, folded: the mixing step of wyhash (Wang Yi, public domain).
static inline uint64_t ck_mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/// A 64-bit hash of bytes after wyhash; the same on every machine.
static inline uint64_t ck_hash(const void *bytes, size_t count, uint64_t seed) {
    const uint64_t s0 = 0xa0761d6478bd642full, s1 = 0xe7037ed1a0b428dbull;
    const uint8_t *p = (const uint8_t *)bytes;
    uint64_t a = 0, b = 0, state = seed ^ ck_mix(seed ^ s0, s1);
    size_t left = count;
    for (; left > 16; p += 16, left -= 16) {
        memcpy(&a, p, 8);
        memcpy(&b, p + 8, 8);
        state = ck_mix(a ^ s1, b ^ state);
    }
    a = b = 0;
    if (left >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + left - 8, 8);
    } else if (left >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + left - 4, 4);
        a = low;
        b = high;
    } else if (left > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[left >> 1] << 8 | p[left - 1];
    }
    return ck_mix(s1 ^ count, ck_mix(a ^ s1, b ^ state));
}

/// Whether `count` bytes are equal.
static inline int ck_equal(const void *left, const void *right, size_t count) {
    return memcmp(left, right, count) == 0;
}

/// log2(2^a + 2^b), where `a` may be minus infinity.
double ck_log2_sum(double a, double b);

/// 2^x.
double ck_exp2(double x);

/// The dot product of two rows.
float ck_dot(const float *x, const float *y, size_t k);

/// out[i] = x · rows[i] for `n` rows.
void ck_dot_rows(const float *x, const float *const *rows, size_t n, size_t k, float *out);

/// out[u * stride + i] = users[u] · item i, for `n` items that lie one after another.
void ck_score_block(
    const float *const *users, size_t user_count, const float *items, size_t n, size_t k,
    float *out, size_t stride);

/// x = sum over i of weights[i] * rows[i], rows taken in order.
void ck_weighted_sum(
    float *x, const float *const *rows, const float *weights, size_t n, size_t k);

/// Replaces `n` scores, of which the first is the positive, by the negative gradient of the softmax
/// loss: (1 for the first, else 0) - softmax. Returns the loss, -log softmax of the first.
float ck_softmax_errors(float *scores, size_t n);

/// One Adagrad step of `n` candidate rows q_i under errors e_i, and the gradient of the query x:
/// gradient += e_i q_i; g = e_i x - regularization q_i; a_i += g g; q_i += rate g / sqrt(a_i).
void ck_adagrad_candidates(
    const float *x, float *gradient, float *const *rows, float *const *accumulators,
    const float *errors, size_t n, size_t k, float rate, float regularization);

/// One Adagrad step of one row: g = weight (gradient - regularization row), then as above.
void ck_adagrad_row(
    float *row, float *accumulator, const float *gradient, float weight, size_t k, float rate,
    float regularization);

/// One step of biased factorization: p and q together, from the error of the prediction.
/// p += rate (error q - regularization p), q likewise with the old p.
void ck_sgd_pair(
    float *p, float *q, float error, size_t k, float rate, float regularization);

/// How many of `n` scores rank before the one at `index`: greater ones, and equal ones at a lower
/// index. A score that is not a number ranks nowhere; scores that are not finite are counted in
/// `not_finite`.
size_t ck_count_before(const float *scores, size_t n, size_t index, size_t *not_finite);

/// The same for doubles, which must be finite or minus infinity.
size_t ck_count_before_double(const double *scores, size_t n, size_t index);

/// The same for integers.
size_t ck_count_before_integer(const int64_t *scores, size_t n, size_t index);

/// Whether all of `n` numbers are finite.
int ck_all_finite(const float *values, size_t n);

/// Writes the indices of scores greater than `threshold` in order; returns how many.
size_t ck_select_above(const float *scores, size_t n, float threshold, uint32_t *indices);

/// Whether `value` is among `n` integers.
int ck_contains(const int32_t *values, size_t n, int32_t value);

#endif
