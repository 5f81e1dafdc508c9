#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* What libpng carries along; everything that must be released after a longjmp is here. */
typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t offset;
    ci_bytes *output;
    uint8_t *row;
    ci_failure *failure;
    jmp_buf escape;
} state;

static void on_error(png_structp png, png_const_charp message) {
    state *s = png_get_error_ptr(png);
    snprintf(s->failure->message, sizeof s->failure->message, "%s", message);
    s->failure->offset = s->offset;
    longjmp(s->escape, 1);
}

/* Warnings are about chunks that do not change the picture. */
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep target, size_t count) {
    state *s = png_get_io_ptr(png);
    if (count > s->count - s->offset) {
        s->offset = s->count;
        png_error(png, "the file ends too early");
    }
    memcpy(target, s->bytes + s->offset, count);
    s->offset += count;
}

/* Skips what is not needed unread: nothing of it is expanded or kept. */
static void skip_ancillary_chunks(png_structp png) {
    static const png_byte unwanted[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0"
        "tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, unwanted, sizeof unwanted / 5);
}

/* One row of 1 to 4 channels of 8 bits to luma over white, to every `step`th of `pixels`. */
static void luma(const uint8_t *row, uint32_t width, int channels, uint8_t *pixels, size_t step) {
    for (uint32_t x = 0; x < width; x++, row += channels, pixels += step) {
        /* ITU-R BT.601 in 16 bits, as Pillow computes it. */
        uint32_t grey = channels < 3 ? row[0]
                                     : (row[0] * 19595u + row[1] * 38470u + row[2] * 7471u + 32768u) >> 16;
        if (channels == 2 || channels == 4) {
            uint32_t alpha = row[channels - 1];
            grey = (grey * alpha + 255 * (255 - alpha) + 127) / 255;
        }
        *pixels = (uint8_t)grey;
    }
}

static void read_rows(png_structp png, state *s, uint32_t width, uint32_t height, int channels,
                      bool is_interlaced, uint8_t *pixels) {
    if (!is_interlaced) {
        for (uint32_t y = 0; y < height; y++) {
            png_read_row(png, s->row, NULL);
            luma(s->row, width, channels, pixels + (size_t)y * width, 1);
        }
        return;
    }
    /* Adam7: seven small pictures, each of which has some of the columns of some of the rows. */
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
        uint32_t columns = PNG_PASS_COLS(width, pass), rows = PNG_PASS_ROWS(height, pass);
        if (columns == 0 || rows == 0) continue;
        for (uint32_t y = 0; y < rows; y++) {
            png_read_row(png, s->row, NULL);
            size_t start = (size_t)PNG_ROW_FROM_PASS_ROW(y, pass) * width + PNG_PASS_START_COL(pass);
            luma(s->row, columns, channels, pixels + start, PNG_PASS_COL_OFFSET(pass));
        }
    }
}

static void decode(png_structp png, png_infop info, state *s, uint32_t width, uint32_t height,
                   uint8_t *pixels) {
    png_set_read_fn(png, s, on_read);
    png_set_user_limits(png, width, height);
    /* No chunk that is read has more: a palette has 768 bytes, its transparency 256. */
    png_set_chunk_malloc_max(png, 64 << 10);
    png_set_chunk_cache_max(png, 16);
    skip_ancillary_chunks(png);
    png_read_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
        png_error(png, "a second header has another size");
    png_set_expand(png);
    png_set_scale_16(png);
    bool is_interlaced = png_get_interlace_type(png, info) == PNG_INTERLACE_ADAM7;
    png_read_update_info(png, info);
    int channels = png_get_channels(png, info);
    s->row = malloc(png_get_rowbytes(png, info));
    if (!s->row) png_error(png, "out of memory");
    read_rows(png, s, width, height, channels, is_interlaced, pixels);
    png_read_end(png, NULL);
}

bool ci_decode_png(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                   uint8_t *pixels, ci_failure *failure) {
    state s = {.bytes = bytes, .count = count, .failure = failure};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool is_done = false;
    if (!info) {
        snprintf(failure->message, sizeof failure->message, "out of memory");
    } else if (setjmp(s.escape) == 0) {
        decode(png, info, &s, width, height, pixels);
        is_done = true;
    }
    png_destroy_read_struct(&png, &info, NULL);
    free(s.row);
    return is_done;
}

static void on_write(png_structp png, png_bytep source, size_t count) {
    state *s = png_get_io_ptr(png);
    if (!ci_reserve(s->output, count)) png_error(png, "out of memory");
    memcpy(s->output->bytes + s->output->count, source, count);
    s->output->count += count;
}

static void on_flush(png_structp png) { (void)png; }

bool ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, int level,
                   ci_bytes *output, ci_failure *failure) {
    state s = {.output = output, .failure = failure};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool is_done = false;
    if (!info) {
        snprintf(failure->message, sizeof failure->message, "out of memory");
    } else if (setjmp(s.escape) == 0) {
        png_set_write_fn(png, &s, on_write, on_flush);
        png_set_compression_level(png, level);
        png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        /* Of the filters the one that is cheap and right for photographs. */
        png_set_filter(png, 0, PNG_FILTER_SUB);
        png_write_info(png, info);
        for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width);
        png_write_end(png, NULL);
        is_done = true;
    }
    png_destroy_write_struct(&png, &info);
    return is_done;
}
