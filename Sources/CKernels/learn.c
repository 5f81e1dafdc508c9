// The learning steps: sampled softmax with Adagrad, and biased factorization.
//
// Square root and division are exact instructions, not estimates: estimates differ between makers
// of processors, and a model must be rebuilt bit for bit.
#include "rows.h"

#include <float.h>
#include <math.h>

double ck_log2_sum(double a, double b) {
    double larger = a > b ? a : b, smaller = a > b ? b : a;
    return larger + log2(1 + exp2(smaller - larger));
}

double ck_exp2(double x) { return exp2(x); }

#define ADAGRAD_STEP(row, accumulator, f, q, g)                                               \
    do {                                                                                      \
        lanes a = *(lanes *)((accumulator) + f) + (g) * (g);                                  \
        *(lanes *)((accumulator) + f) = a;                                                    \
        *(lanes *)((row) + f) = (q) + rate * (g) / __builtin_elementwise_sqrt(a);             \
    } while (0)

DISPATCHED
void ck_weighted_sum(
    float *x, const float *const *rows, const float *weights, size_t n, size_t k) {
#pragma clang fp contract(fast)
    for (size_t f = 0; f < k; f += LANES) {
        lanes sum = {0};
        for (size_t i = 0; i < n; i++) sum += weights[i] * *(const lanes *)(rows[i] + f);
        *(lanes *)(x + f) = sum;
    }
}

DISPATCHED
float ck_softmax_errors(float *scores, size_t n) {
#pragma clang fp contract(fast)
    float largest = scores[0];
    int finite = 1;
    for (size_t i = 0; i < n; i++) {
        finite &= __builtin_fabsf(scores[i]) <= FLT_MAX;
        largest = scores[i] > largest ? scores[i] : largest;
    }
    if (!finite) return __builtin_nanf("");
    float first = scores[0] - largest;
    for (size_t i = 0; i < n; i++) scores[i] = exp_negative(scores[i] - largest);
    float total = 0;
    for (size_t i = 0; i < n; i++) total += scores[i];
    float scale = -1.0f / total;
    for (size_t i = 0; i < n; i++) scores[i] *= scale;
    scores[0] += 1.0f;
    return __builtin_logf(total) - first;
}

DISPATCHED
void ck_adagrad_candidates(
    const float *x, float *gradient, float *const *rows, float *const *accumulators,
    const float *errors, size_t n, size_t k, float rate, float regularization) {
#pragma clang fp contract(fast)
    for (size_t i = 0; i < n; i++) {
        float *row = rows[i], *accumulator = accumulators[i];
        float error = errors[i];
        for (size_t f = 0; f < k; f += LANES) {
            lanes q = *(lanes *)(row + f);
            *(lanes *)(gradient + f) += error * q;
            lanes g = error * *(const lanes *)(x + f) - regularization * q;
            ADAGRAD_STEP(row, accumulator, f, q, g);
        }
    }
}

DISPATCHED
void ck_adagrad_row(
    float *row, float *accumulator, const float *gradient, float weight, size_t k, float rate,
    float regularization) {
#pragma clang fp contract(fast)
    for (size_t f = 0; f < k; f += LANES) {
        lanes q = *(lanes *)(row + f);
        lanes g = weight * (*(const lanes *)(gradient + f) - regularization * q);
        ADAGRAD_STEP(row, accumulator, f, q, g);
    }
}

DISPATCHED
void ck_sgd_pair(
    float *p, float *q, float error, size_t k, float rate, float regularization) {
#pragma clang fp contract(fast)
    float keep = 1 - rate * regularization, step = rate * error;
    for (size_t f = 0; f < k; f += LANES) {
        lanes pf = *(lanes *)(p + f), qf = *(lanes *)(q + f);
        *(lanes *)(p + f) = keep * pf + step * qf;
        *(lanes *)(q + f) = keep * qf + step * pf;
    }
}
