// Dot products of rows. Every function here adds in the same order: eight lanes along the row, then
// SUM_FOUR's tree. So a score does not depend on how many others are computed with it.
#include "rows.h"

// Four dot products x · y0…y3.
#define DOT_FOUR(out, x, y0, y1, y2, y3, k)                                                   \
    do {                                                                                      \
        lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                         \
        for (size_t f = 0; f < (k); f += LANES) {                                             \
            lanes xf = *(const lanes *)((x) + f);                                             \
            s0 += xf * *(const lanes *)((y0) + f);                                            \
            s1 += xf * *(const lanes *)((y1) + f);                                            \
            s2 += xf * *(const lanes *)((y2) + f);                                            \
            s3 += xf * *(const lanes *)((y3) + f);                                            \
        }                                                                                     \
        SUM_FOUR(out, s0, s1, s2, s3);                                                        \
    } while (0)

DISPATCHED
float ck_dot(const float *x, const float *y, size_t k) {
#pragma clang fp contract(fast)
    lanes sum = {0}, zero = {0};
    for (size_t f = 0; f < k; f += LANES) sum += *(const lanes *)(x + f) * *(const lanes *)(y + f);
    quad out;
    SUM_FOUR(out, sum, zero, zero, zero);
    return out[0];
}

DISPATCHED
void ck_dot_rows(const float *x, const float *const *rows, size_t n, size_t k, float *out) {
#pragma clang fp contract(fast)
    size_t i = 0;
    quad sums;
    for (; i + 4 <= n; i += 4) {
        DOT_FOUR(sums, x, rows[i], rows[i + 1], rows[i + 2], rows[i + 3], k);
        *(quad *)(out + i) = sums;
    }
    for (; i < n; i++) {
        DOT_FOUR(sums, x, rows[i], rows[i], rows[i], rows[i], k);
        out[i] = sums[0];
    }
}

DISPATCHED
static void score_one_user(
    const float *x, const float *items, size_t n, size_t k, float *out) {
#pragma clang fp contract(fast)
    size_t i = 0;
    quad sums;
    for (; i + 4 <= n; i += 4) {
        const float *y = items + i * k;
        // The rows stream through the cache once: the processor's own prefetch stops at each page.
        __builtin_prefetch(y + 32 * k, 0, 1);
        DOT_FOUR(sums, x, y, y + k, y + 2 * k, y + 3 * k, k);
        *(quad *)(out + i) = sums;
    }
    for (; i < n; i++) {
        const float *y = items + i * k;
        DOT_FOUR(sums, x, y, y, y, y, k);
        out[i] = sums[0];
    }
}

// Four users by four items at a time: sixteen accumulators, eight loads for sixteen products.
DISPATCHED
static void score_four_users(
    const float *const *users, const float *items, size_t n, size_t k, float *out, size_t stride) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i + 4 <= n; i += 4) {
        const float *y0 = items + i * k, *y1 = y0 + k, *y2 = y1 + k, *y3 = y2 + k;
        lanes s[4][4];
#pragma unroll
        for (int u = 0; u < 4; u++)
#pragma unroll
            for (int j = 0; j < 4; j++) s[u][j] = (lanes){0};
        for (size_t f = 0; f < k; f += LANES) {
            lanes q0 = *(const lanes *)(y0 + f), q1 = *(const lanes *)(y1 + f);
            lanes q2 = *(const lanes *)(y2 + f), q3 = *(const lanes *)(y3 + f);
#pragma unroll
            for (int u = 0; u < 4; u++) {
                lanes xf = *(const lanes *)(users[u] + f);
                s[u][0] += xf * q0;
                s[u][1] += xf * q1;
                s[u][2] += xf * q2;
                s[u][3] += xf * q3;
            }
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            quad sums;
            SUM_FOUR(sums, s[u][0], s[u][1], s[u][2], s[u][3]);
            *(quad *)(out + u * stride + i) = sums;
        }
    }
    size_t done = n & ~(size_t)3;
    for (int u = 0; u < 4 && done < n; u++)
        score_one_user(users[u], items + done * k, n - done, k, out + u * stride + done);
}

void ck_score_block(
    const float *const *users, size_t user_count, const float *items, size_t n, size_t k,
    float *out, size_t stride) {
    size_t u = 0;
    for (; u + 4 <= user_count; u += 4)
        score_four_users(users + u, items, n, k, out + u * stride, stride);
    for (; u < user_count; u++) score_one_user(users[u], items, n, k, out + u * stride);
}
