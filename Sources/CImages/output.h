/* A list of bytes that grows while an encoder writes. */
#ifndef C_IMAGES_OUTPUT_H
#define C_IMAGES_OUTPUT_H

#include "CImages.h"

/* Makes room for `more` bytes behind those that are there; false when there is no memory. */
bool ci_reserve(ci_bytes *output, size_t more);

#endif
