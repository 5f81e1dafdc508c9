// The tiles of convolve.c for one kind of vector: included once for each, with
//   VECTOR  the type, WIDTH its floats, HALF that of half of it, LOWER_HALF(v), ROWS the most rows of a tile, NAME(x) x with a suffix.
// A panel is `columns` vectors of channels; of the last one only half is there if `half`: it is read
// as a whole (every buffer has 64 bytes after its end) and written as far as it goes.
//
// A tile's accumulators stay in registers over the whole sum, which every output adds in the same
// order whatever tile it falls into: its bits do not depend on its neighbours.

// acc[r][c] = sum over taps and k of in[r * step + offset + k] * weights[tap * length + k][c].
static inline __attribute__((always_inline)) void NAME(forward_tile)(
    const ck_taps *taps, const float *in, const float *weights, const ck_epilogue *then,
    size_t channel, float *out, const int rows, const int columns, const int half) {
#pragma clang fp contract(fast)
    VECTOR acc[ROWS][3];
    UNROLL for (int c = 0; c < columns; c++) {
        VECTOR first = {0};
        if (then->bias) first = *(const VECTOR *)(then->bias + channel + c * WIDTH);
        UNROLL for (int r = 0; r < rows; r++) acc[r][c] = first;
    }
    const size_t step = taps->step, stride = taps->stride;
    const float *w = weights;
    for (size_t tap = 0; tap < taps->count; tap++) {
        const float *a = in + taps->offsets[tap];
        for (size_t k = 0; k < taps->length; k++, w += stride) {
            VECTOR b[3];
            UNROLL for (int c = 0; c < columns; c++) b[c] = *(const VECTOR *)(w + c * WIDTH);
            UNROLL for (int r = 0; r < rows; r++) {
                UNROLL for (int c = 0; c < columns; c++) acc[r][c] += a[r * step + k] * b[c];
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int c = 0; c < columns; c++) {
            VECTOR sum = acc[r][c];
            float *target = out + r * stride + c * WIDTH;
            if (then->relu) sum = __builtin_elementwise_max(sum, (VECTOR){0});
            if (then->add) sum += *(const VECTOR *)target;
            if (half && c == columns - 1)
                *(HALF *)target = LOWER_HALF(sum);
            else
                *(VECTOR *)target = sum;
        }
    }
}

// Every row of a line of outputs, `columns` vectors of their channels.
static inline __attribute__((always_inline)) void NAME(forward_panel)(
    const ck_taps *taps, const float *in, const float *weights, const ck_epilogue *then,
    size_t channel, float *out, size_t width, const int columns, const int half) {
    size_t x = 0;
    const size_t step = taps->step, stride = taps->stride;
    for (; x + ROWS <= width; x += ROWS)
        NAME(forward_tile)(
            taps, in + x * step, weights, then, channel, out + x * stride, ROWS, columns, half);
#if ROWS > 4
    if (x + 4 <= width) {
        NAME(forward_tile)(
            taps, in + x * step, weights, then, channel, out + x * stride, 4, columns, half);
        x += 4;
    }
#endif
    for (; x < width; x++)
        NAME(forward_tile)(
            taps, in + x * step, weights, then, channel, out + x * stride, 1, columns, half);
}

// gradient[k][c] += sum over lines and pixels of in[pixel][k] * errors[pixel][c].
static inline __attribute__((always_inline)) void NAME(weight_tile)(
    const ck_pixels *pixels, const float *in, const float *errors, float *gradient,
    const int rows, const int columns, const int half) {
#pragma clang fp contract(fast)
    VECTOR acc[ROWS][3];
    UNROLL for (int c = 0; c < columns; c++) {
        UNROLL for (int r = 0; r < rows; r++) acc[r][c] = (VECTOR){0};
    }
    const size_t step = pixels->step, stride = pixels->stride;
    for (size_t y = 0; y < pixels->height; y++) {
        const float *a = in + y * pixels->in_line, *e = errors + y * pixels->error_line;
        for (size_t x = 0; x < pixels->width; x++, a += step, e += stride) {
            VECTOR b[3];
            UNROLL for (int c = 0; c < columns; c++) b[c] = *(const VECTOR *)(e + c * WIDTH);
            UNROLL for (int r = 0; r < rows; r++) {
                UNROLL for (int c = 0; c < columns; c++) acc[r][c] += a[r] * b[c];
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int c = 0; c < columns; c++) {
            float *target = gradient + r * stride + c * WIDTH;
            if (half && c == columns - 1)
                *(HALF *)target += LOWER_HALF(acc[r][c]);
            else
                *(VECTOR *)target += acc[r][c];
        }
    }
}

// Every row of the gradient, `columns` vectors of their channels.
static inline __attribute__((always_inline)) void NAME(weight_panel)(
    const ck_pixels *pixels, const float *in, const float *errors, float *gradient, size_t length,
    const int columns, const int half) {
    size_t k = 0;
    const size_t stride = pixels->stride;
    for (; k + ROWS <= length; k += ROWS)
        NAME(weight_tile)(pixels, in + k, errors, gradient + k * stride, ROWS, columns, half);
#if ROWS > 4
    if (k + 4 <= length) {
        NAME(weight_tile)(pixels, in + k, errors, gradient + k * stride, 4, columns, half);
        k += 4;
    }
#endif
    for (; k < length; k++)
        NAME(weight_tile)(pixels, in + k, errors, gradient + k * stride, 1, columns, half);
}
