// The loops of a convolutional network that need more of the processor than Swift's code makes use
// of: convolutions as tiles in registers, and the passes over activations between them.
//
// Activations are pixels of `stride` floats, one for each channel; strides are multiples of 8, the
// channels beyond the real ones are zero. Buffers have 64 bytes after their end that may be read.
// Each output adds its terms in one fixed order: its bits
// depend on its own inputs only, not on what lies beside it in a batch, and are the same on every
// processor that has fused multiply-add.
#ifndef CNETWORKKERNELS_H
#define CNETWORKKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// What a row of outputs of a convolution reads: at each tap `length` floats that lie one after
/// another, all taps of a pixel `step` floats after those of the pixel before.
typedef struct {
    /// Where the first pixel's taps begin, relative to the input's address.
    const ptrdiff_t *offsets;
    size_t count, length, step;
    /// Output channels; also the floats of a row of weights.
    size_t stride;
} ck_taps;

/// What is done with each sum s: s += bias[channel] unless null, s = max(s, 0) if `relu`,
/// s += out[channel] if `add`.
typedef struct {
    const float *bias;
    int relu, add;
} ck_epilogue;

/// What a gradient of weights sums over: `height` rows of `width` pixels.
typedef struct {
    size_t height, width;
    /// From a pixel's inputs to the next one's; from a row's to the next one's.
    size_t step, in_line;
    /// The same for the errors; `stride` is also the floats of a row of weights.
    size_t stride, error_line;
} ck_pixels;

/// Floats of the widest vectors that this processor computes with: 16, 8 or 4.
size_t ck_vector_lanes(void);

/// out[x][o] = sum over taps t and k of in[x * step + offsets[t] + k] * weights[t * length + k][o]
/// for x < width, then what `then` says. `lanes` is at most `ck_vector_lanes()`; the sums are the
/// same whatever it is.
void ck_convolve_row(
    size_t lanes, const ck_taps *taps, const float *in, const float *weights,
    const ck_epilogue *then, float *out, size_t width);

/// gradient[k][o] += sum over y and x of in[y * in_line + x * step + k]
/// * errors[y * error_line + x * stride + o] for k < length.
void ck_convolve_weights(
    size_t lanes, const ck_pixels *pixels, const float *in, const float *errors,
    float *gradient, size_t length);

/// sums[c] += sum of z[x][c], squares[c] += sum of z[x][c]^2, over `width` pixels.
void ck_channel_sums(
    const float *z, size_t width, size_t stride, double *sums, double *squares);

/// What stands between a convolution and the next one: v = scale[c] * z + shift[c] (z where those are
/// null), then max(v, 0), then the largest of `rows` × `columns` (1 or 2 each) neighbours.
typedef struct {
    const float *scale, *shift;
    size_t rows, columns, stride;
} ck_activation;

/// out[x] = activation of z[row][x * columns ...] for x < width, plus residual[x] unless null.
/// `below` is the second row, unused when rows = 1.
void ck_activate(
    const ck_activation *activation, const float *z, const float *below, const float *residual,
    float *out, size_t width);

/// The gradient of `ck_activate` with respect to v, times factor[c] unless null: errors of outputs
/// go to the first of the largest neighbours if it is above 0. Written to `d_z` and `d_below`.
/// sums[c] += sum of the gradient without factor, products[c] += sum of it times z.
void ck_activate_backward(
    const ck_activation *activation, const float *z, const float *below, const float *errors,
    const float *factor, float *d_z, float *d_below, size_t width, double *sums,
    double *products);

/// d[x][c] = a[c] * d[x][c] + b[c] * z[x][c] + e[c].
void ck_combine(
    float *d, const float *z, const float *a, const float *b, const float *e, size_t width,
    size_t stride);

/// Replaces each row of `count` logits, `stride` floats apart, by its log-softmax.
void ck_log_softmax(float *rows, size_t row_count, size_t count, size_t stride);

/// The sum of squares of `n` numbers.
double ck_sum_of_squares(const float *values, size_t n);

/// One step of AdamW (Loshchilov and Hutter, 2019) for `n` parameters.
typedef struct {
    /// The learning rate; the same divided by 1 - beta1^t; 1 / sqrt(1 - beta2^t).
    float rate, corrected_rate, correction;
    float beta1, beta2, epsilon, decay;
    /// What gradients are multiplied by first: clipping.
    float gradient_factor;
    /// What of the old average is kept.
    float average_keep;
} ck_adamw_step;

/// p -= rate * decay * p; m and v follow the gradient;
/// p -= corrected_rate * m / (sqrt(v) * correction + epsilon); average follows p.
/// `n` is a multiple of 8.
void ck_adamw(
    const ck_adamw_step *step, float *parameters, const float *gradients, float *first,
    float *second, float *average, size_t n);

#endif
