/*
 * The weights that find cards: locator.safetensors, as `freshet cards pretrain-locator` wrote it
 * (docs/localization.md), inside the program.
 *
 * In C, because a Swift array of a million literals takes the compiler minutes.
 */
#ifndef C_CARD_LOCATOR_H
#define C_CARD_LOCATOR_H

#include <stddef.h>

/* The file's bytes, which live as long as the program. */
const unsigned char *cl_locator(void);

/* How many they are. */
size_t cl_locator_size(void);

#endif
