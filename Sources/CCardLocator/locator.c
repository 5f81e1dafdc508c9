#include "CCardLocator.h"

/* Of C23, which clang takes in every version of C. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char locator[] = {
#embed "locator.safetensors"
};

const unsigned char *cl_locator(void) { return locator; }

size_t cl_locator_size(void) { return sizeof locator; }
