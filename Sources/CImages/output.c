#include "output.h"

#include <stdlib.h>

bool ci_reserve(ci_bytes *output, size_t more) {
    if (more > SIZE_MAX / 2 - output->count) return false;
    size_t needed = output->count + more;
    if (needed <= output->capacity) return true;
    size_t capacity = output->capacity ? output->capacity : 4096;
    while (capacity < needed) capacity *= 2;
    uint8_t *bytes = realloc(output->bytes, capacity);
    if (!bytes) return false;
    output->bytes = bytes;
    output->capacity = capacity;
    return true;
}

void ci_free(ci_bytes *bytes) {
    free(bytes->bytes);
    *bytes = (ci_bytes){0};
}
