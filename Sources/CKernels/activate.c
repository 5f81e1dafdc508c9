// The passes over activations between convolutions. Channels are taken eight at a time, all pixels
// of a row for them: what belongs to a channel stays in registers.
#include "rows.h"

#define LANE(pointer) (*(lanes *)(pointer))
#define READ(pointer) (*(const lanes *)(pointer))

typedef int32_t mask __attribute__((vector_size(32)));

// Where `condition` holds `v`, elsewhere 0.
#define WHERE(condition, v) ((lanes)((mask)(v) & (condition)))

DISPATCHED
void ck_channel_sums(
    const float *z, size_t width, size_t stride, double *sums, double *squares) {
#pragma clang fp contract(fast)
    for (size_t c = 0; c < stride; c += LANES) {
        lanes sum = {0}, square = {0};
        for (size_t x = 0; x < width; x++) {
            lanes value = READ(z + x * stride + c);
            sum += value;
            square += value * value;
        }
        for (size_t i = 0; i < LANES; i++) {
            sums[c + i] += sum[i];
            squares[c + i] += square[i];
        }
    }
}

#define VALUE(row, x) (scale * READ((row) + (x) * stride + c) + shift)

DISPATCHED
void ck_activate(
    const ck_activation *activation, const float *z, const float *below, const float *residual,
    float *out, size_t width) {
#pragma clang fp contract(fast)
    const size_t stride = activation->stride, columns = activation->columns;
    for (size_t c = 0; c < stride; c += LANES) {
        const lanes zero = {0}, one = {1, 1, 1, 1, 1, 1, 1, 1};
        const lanes scale = activation->scale ? READ(activation->scale + c) : one;
        const lanes shift = activation->shift ? READ(activation->shift + c) : zero;
        for (size_t x = 0; x < width; x++) {
            lanes v = __builtin_elementwise_max(VALUE(z, x * columns), zero);
            if (columns == 2) v = __builtin_elementwise_max(v, VALUE(z, x * 2 + 1));
            if (activation->rows == 2) {
                v = __builtin_elementwise_max(v, VALUE(below, x * columns));
                if (columns == 2) v = __builtin_elementwise_max(v, VALUE(below, x * 2 + 1));
            }
            if (residual) v += READ(residual + x * stride + c);
            LANE(out + x * stride + c) = v;
        }
    }
}

// Hands the error to the n-th neighbour if its value is the largest, and leaves none for the others
// then. Values are compared with the very one that the largest was taken from: computed anew, one of
// the two might be rounded once more.
#define TAKE(n, d, x)                                                                         \
    do {                                                                                      \
        const mask is_largest = value[n] == largest;                                          \
        const lanes taken = WHERE(is_largest, error);                                         \
        error = WHERE(~is_largest, error);                                                    \
        product += taken * input[n];                                                          \
        LANE((d) + (x) * stride + c) = taken * times;                                         \
    } while (0)

#define LOAD(n, row, x)                                                                       \
    do {                                                                                      \
        input[n] = READ((row) + (x) * stride + c);                                            \
        value[n] = scale * input[n] + shift;                                                  \
    } while (0)

static inline __attribute__((always_inline)) void activate_backward(
    const ck_activation *activation, const float *z, const float *below, const float *errors,
    const float *factor, float *d_z, float *d_below, size_t width, double *sums,
    double *products, const int rows, const int columns) {
#pragma clang fp contract(fast)
    const size_t stride = activation->stride;
    for (size_t c = 0; c < stride; c += LANES) {
        const lanes scale = READ(activation->scale + c), shift = READ(activation->shift + c);
        const lanes times = factor ? READ(factor + c) : (lanes){1, 1, 1, 1, 1, 1, 1, 1};
        lanes sum = {0}, product = {0};
        for (size_t x = 0; x < width; x++) {
            lanes input[4], value[4];
            LOAD(0, z, x * columns);
            if (columns == 2) LOAD(1, z, x * 2 + 1);
            if (rows == 2) LOAD(2, below, x * columns);
            if (rows == 2 && columns == 2) LOAD(3, below, x * 2 + 1);
            lanes largest = value[0];
            if (columns == 2) largest = __builtin_elementwise_max(largest, value[1]);
            if (rows == 2) largest = __builtin_elementwise_max(largest, value[2]);
            if (rows == 2 && columns == 2)
                largest = __builtin_elementwise_max(largest, value[3]);
            lanes error = WHERE(largest > 0, READ(errors + x * stride + c));
            sum += error;
            TAKE(0, d_z, x * columns);
            if (columns == 2) TAKE(1, d_z, x * 2 + 1);
            if (rows == 2) TAKE(2, d_below, x * columns);
            if (rows == 2 && columns == 2) TAKE(3, d_below, x * 2 + 1);
        }
        for (size_t i = 0; i < LANES; i++) {
            sums[c + i] += sum[i];
            products[c + i] += product[i];
        }
    }
}

DISPATCHED
void ck_activate_backward(
    const ck_activation *activation, const float *z, const float *below, const float *errors,
    const float *factor, float *d_z, float *d_below, size_t width, double *sums,
    double *products) {
#define BACKWARD(rows, columns)                                                               \
    activate_backward(                                                                        \
        activation, z, below, errors, factor, d_z, d_below, width, sums, products, rows,      \
        columns)
    const int rows = activation->rows == 2, columns = activation->columns == 2;
    if (rows && columns) BACKWARD(2, 2);
    else if (rows) BACKWARD(2, 1);
    else if (columns) BACKWARD(1, 2);
    else BACKWARD(1, 1);
}

DISPATCHED
void ck_combine(
    float *d, const float *z, const float *a, const float *b, const float *e, size_t width,
    size_t stride) {
#pragma clang fp contract(fast)
    for (size_t x = 0; x < width; x++, d += stride, z += stride) {
        for (size_t c = 0; c < stride; c += LANES)
            LANE(d + c) = READ(a + c) * READ(d + c) + READ(b + c) * READ(z + c) + READ(e + c);
    }
}

DISPATCHED
void ck_log_softmax(float *rows, size_t row_count, size_t count, size_t stride) {
#pragma clang fp contract(fast)
    for (size_t row = 0; row < row_count; row++, rows += stride) {
        float largest = rows[0];
        for (size_t i = 1; i < count; i++) largest = rows[i] > largest ? rows[i] : largest;
        // Four sums at a time, so that neither order nor result depend on the processor's width.
        quad total = {0};
        for (size_t i = 0; i < count; i += 4) {
            quad part = {0};
            for (size_t j = 0; j < 4 && i + j < count; j++)
                part[j] = exp_negative(rows[i + j] - largest);
            total += part;
        }
        float sum = (total[0] + total[2]) + (total[1] + total[3]);
        float offset = largest + __builtin_logf(sum);
        for (size_t i = 0; i < count; i++) rows[i] -= offset;
    }
}

DISPATCHED
double ck_sum_of_squares(const float *values, size_t n) {
#pragma clang fp contract(fast)
    double total = 0;
    // Blocks keep the single-precision sums short.
    for (size_t block = 0; block < n; block += 4096) {
        size_t end = block + 4096 < n ? block + 4096 : n, i = block;
        lanes sum = {0};
        for (; i + LANES <= end; i += LANES) sum += READ(values + i) * READ(values + i);
        for (size_t j = 0; j < LANES; j++) total += sum[j];
        for (; i < end; i++) total += (double)values[i] * values[i];
    }
    return total;
}

DISPATCHED
void ck_adamw(
    const ck_adamw_step *step, float *parameters, const float *gradients, float *first,
    float *second, float *average, size_t n) {
#pragma clang fp contract(fast)
    const ck_adamw_step s = *step;
    for (size_t i = 0; i < n; i += LANES) {
        lanes g = READ(gradients + i) * s.gradient_factor;
        lanes m = s.beta1 * READ(first + i) + (1 - s.beta1) * g;
        lanes v = s.beta2 * READ(second + i) + (1 - s.beta2) * (g * g);
        lanes p = READ(parameters + i) * (1 - s.rate * s.decay);
        p -= s.corrected_rate * m / (__builtin_elementwise_sqrt(v) * s.correction + s.epsilon);
        LANE(first + i) = m;
        LANE(second + i) = v;
        LANE(parameters + i) = p;
        LANE(average + i) = s.average_keep * READ(average + i) + (1 - s.average_keep) * p;
    }
}
