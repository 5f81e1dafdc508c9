// Ranking and selection among scores; nothing here rounds.
#include "rows.h"

#include <float.h>

DISPATCHED
size_t ck_count_before(const float *scores, size_t n, size_t index, size_t *not_finite) {
    float score = scores[index];
    uint32_t before = 0, bad = 0;
    for (size_t i = 0; i < index; i++) {
        before += scores[i] >= score;
        bad += !(__builtin_fabsf(scores[i]) <= FLT_MAX);
    }
    for (size_t i = index; i < n; i++) {
        before += scores[i] > score;
        bad += !(__builtin_fabsf(scores[i]) <= FLT_MAX);
    }
    *not_finite = bad;
    return before;
}

DISPATCHED
size_t ck_count_before_double(const double *scores, size_t n, size_t index) {
    double score = scores[index];
    uint64_t before = 0;
    for (size_t i = 0; i < index; i++) before += scores[i] >= score;
    for (size_t i = index; i < n; i++) before += scores[i] > score;
    return before;
}

DISPATCHED
size_t ck_count_before_integer(const int64_t *scores, size_t n, size_t index) {
    int64_t score = scores[index];
    uint64_t before = 0;
    for (size_t i = 0; i < index; i++) before += scores[i] >= score;
    for (size_t i = index; i < n; i++) before += scores[i] > score;
    return before;
}

DISPATCHED
int ck_all_finite(const float *values, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += !(__builtin_fabsf(values[i]) <= FLT_MAX);
    return bad == 0;
}

DISPATCHED
size_t ck_select_above(const float *scores, size_t n, float threshold, uint32_t *indices) {
    size_t count = 0, i = 0;
    // Most blocks hold nothing above a good threshold: one comparison of 64 decides.
    for (; i + 64 <= n; i += 64) {
        uint32_t above = 0;
        for (size_t j = 0; j < 64; j++) above += scores[i + j] > threshold;
        if (above == 0) continue;
        for (size_t j = 0; j < 64; j++)
            if (scores[i + j] > threshold) indices[count++] = (uint32_t)(i + j);
    }
    for (; i < n; i++)
        if (scores[i] > threshold) indices[count++] = (uint32_t)i;
    return count;
}

DISPATCHED
int ck_contains(const int32_t *values, size_t n, int32_t value) {
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint32_t found = 0;
        for (size_t j = 0; j < 64; j++) found += values[i + j] == value;
        if (found) return 1;
    }
    for (; i < n; i++)
        if (values[i] == value) return 1;
    return 0;
}
