/*
 * The weights that the recognizer of lines begins with: base.safetensors, as `freshet cards
 * pretrain` wrote it (docs/recognizer.md), inside the program.
 *
 * In C, because a Swift array of two million literals takes the compiler minutes.
 */
#ifndef C_BASE_MODEL_H
#define C_BASE_MODEL_H

#include <stddef.h>

/* The file's bytes, which live as long as the program. */
const unsigned char *cb_base_model(void);

/* How many they are. */
size_t cb_base_model_size(void);

#endif
