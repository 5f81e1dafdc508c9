#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "output.h"

/* Begins with libjpeg's own, so that a pointer to one is a pointer to the other. */
typedef struct {
    struct jpeg_error_mgr base;
    ci_failure *failure;
    jmp_buf escape;
} errors;

/* The same for what is called between the steps of decoding. */
typedef struct {
    struct jpeg_progress_mgr base;
    int scan_limit;
} progress;

static void on_error(j_common_ptr common) {
    errors *e = (errors *)common->err;
    char text[JMSG_LENGTH_MAX];
    e->base.format_message(common, text);
    snprintf(e->failure->message, sizeof e->failure->message, "%s", text);
    longjmp(e->escape, 1);
}

/*
 * Of the warnings those are errors after which libjpeg goes on with invented pixels. Others, such
 * as bytes between two markers, are in photographs that are whole.
 */
static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    switch (common->err->msg_code) {
        case JWRN_ARITH_BAD_CODE:
        case JWRN_BOGUS_PROGRESSION:
        case JWRN_HIT_MARKER:
        case JWRN_HUFF_BAD_CODE:
        case JWRN_JPEG_EOF:
        case JWRN_MUST_RESYNC:
            on_error(common);
    }
}

static void print_nothing(j_common_ptr common) { (void)common; }

static struct jpeg_error_mgr *begin(errors *e, ci_failure *failure) {
    e->failure = failure;
    jpeg_std_error(&e->base);
    e->base.error_exit = on_error;
    e->base.emit_message = on_message;
    e->base.output_message = print_nothing;
    return &e->base;
}

static void fail(j_common_ptr common, const char *message) {
    errors *e = (errors *)common->err;
    snprintf(e->failure->message, sizeof e->failure->message, "%s", message);
    longjmp(e->escape, 1);
}

/* Each scan of a progressive file costs work for every block, however few bytes it has. */
static void on_progress(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    progress *p = (progress *)common->progress;
    if (jpeg->input_scan_number > p->scan_limit) fail(common, "too many scans");
}

static void decode(j_decompress_ptr jpeg, const uint8_t *bytes, size_t count, uint32_t width,
                   uint32_t height, uint8_t *pixels) {
    jpeg_mem_src(jpeg, bytes, count);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->image_width != width || jpeg->image_height != height)
        fail((j_common_ptr)jpeg, "a second header has another size");
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        fail((j_common_ptr)jpeg, "inks in place of colours (CMYK)");
    jpeg->out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < height) {
        JSAMPROW row = pixels + (size_t)jpeg->output_scanline * width;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
}

bool ci_decode_jpeg(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                    int scan_limit, long memory_limit, uint8_t *pixels, ci_failure *failure) {
    struct jpeg_decompress_struct jpeg = {0};
    errors e;
    progress p = {.base = {.progress_monitor = on_progress}, .scan_limit = scan_limit};
    jpeg.err = begin(&e, failure);
    /* Written before longjmp and read after it. */
    volatile bool is_done = false;
    if (setjmp(e.escape) == 0) {
        jpeg_create_decompress(&jpeg);
        jpeg.mem->max_memory_to_use = memory_limit;
        jpeg.progress = &p.base;
        decode(&jpeg, bytes, count, width, height, pixels);
        is_done = true;
    } else if (jpeg.src) {
        /* At the end libjpeg reads from two bytes of its own. */
        size_t left = jpeg.src->bytes_in_buffer;
        bool is_inside = jpeg.src->next_input_byte >= bytes && jpeg.src->next_input_byte <= bytes + count;
        failure->offset = is_inside && left <= count ? count - left : count;
    }
    jpeg_destroy_decompress(&jpeg);
    return is_done;
}

/* What libjpeg writes to: room in the output is taken as it fills up. */
typedef struct {
    struct jpeg_destination_mgr base;
    ci_bytes *output;
} destination;

static void grow(j_compress_ptr jpeg) {
    destination *d = (destination *)jpeg->dest;
    if (!ci_reserve(d->output, 4096)) fail((j_common_ptr)jpeg, "out of memory");
    d->base.next_output_byte = d->output->bytes + d->output->count;
    d->base.free_in_buffer = d->output->capacity - d->output->count;
}

static boolean on_full(j_compress_ptr jpeg) {
    destination *d = (destination *)jpeg->dest;
    d->output->count = d->output->capacity;
    grow(jpeg);
    return TRUE;
}

static void on_end(j_compress_ptr jpeg) {
    destination *d = (destination *)jpeg->dest;
    d->output->count = d->output->capacity - d->base.free_in_buffer;
}

bool ci_encode_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                    ci_bytes *output, ci_failure *failure) {
    struct jpeg_compress_struct jpeg = {0};
    errors e;
    destination d = {.base = {.init_destination = grow,
                              .empty_output_buffer = on_full,
                              .term_destination = on_end},
                     .output = output};
    jpeg.err = begin(&e, failure);
    volatile bool is_done = false;
    if (setjmp(e.escape) == 0) {
        jpeg_create_compress(&jpeg);
        jpeg.dest = &d.base;
        jpeg.image_width = width;
        jpeg.image_height = height;
        jpeg.input_components = 1;
        jpeg.in_color_space = JCS_GRAYSCALE;
        jpeg_set_defaults(&jpeg);
        jpeg_set_quality(&jpeg, quality, TRUE);
        jpeg_start_compress(&jpeg, TRUE);
        while (jpeg.next_scanline < height) {
            JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg.next_scanline * width);
            jpeg_write_scanlines(&jpeg, &row, 1);
        }
        jpeg_finish_compress(&jpeg);
        is_done = true;
    }
    jpeg_destroy_compress(&jpeg);
    return is_done;
}
