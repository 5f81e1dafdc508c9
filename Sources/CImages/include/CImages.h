/*
 * Grey pictures from and to PNG and JPEG, by libpng and libjpeg.
 *
 * Both libraries report errors by longjmp, which must not cross Swift's frames: these functions
 * catch it and return what happened. Whoever calls has read the header and decided that the
 * picture may be decoded: a file that says something else than its header does is refused.
 * Nothing is printed; no function keeps state between calls.
 */
#ifndef C_IMAGES_H
#define C_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a picture could not be decoded or encoded. */
typedef struct {
    /* What the library says, ending in a zero byte. */
    char message[200];
    /* How many of the file's bytes had been taken when it happened. */
    size_t offset;
} ci_failure;

/* Bytes that were written; `ci_free` releases them. */
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} ci_bytes;

/*
 * Decodes a PNG of `width` × `height` into as many bytes of `pixels`, row by row, as luma over
 * white. Colour profiles, texts and other chunks that are not needed are skipped unread.
 */
bool ci_decode_png(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                   uint8_t *pixels, ci_failure *failure);

/*
 * The same for a JPEG, of grey or of colours. At most `scan_limit` scans are read, and libjpeg
 * takes at most `memory_limit` bytes.
 */
bool ci_decode_jpeg(const uint8_t *bytes, size_t count, uint32_t width, uint32_t height,
                    int scan_limit, long memory_limit, uint8_t *pixels, ci_failure *failure);

/* Encodes a grey picture as PNG; `level` is zlib's, from 0 to 9. */
bool ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, int level,
                   ci_bytes *output, ci_failure *failure);

/* Encodes a grey picture as JPEG; `quality` is libjpeg's, from 1 to 100. */
bool ci_encode_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                    ci_bytes *output, ci_failure *failure);

/* Releases what an encoder wrote, also after a failure. */
void ci_free(ci_bytes *bytes);

#endif
