#include "CBaseModel.h"

/* Of C23, which clang takes in every version of C. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char model[] = {
#embed "base.safetensors"
};

const unsigned char *cb_base_model(void) { return model; }

size_t cb_base_model_size(void) { return sizeof model; }
