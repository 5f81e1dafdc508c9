/*
 * Counts the memory that one thread asks for, by standing in for malloc and its kin.
 *
 * Only programs that link this target are counted. It needs glibc, whose own functions have second
 * names to forward to; elsewhere nothing is counted, and `ac_is_counting` says so.
 */
#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether memory is counted on this system. */
bool ac_is_counting(void);

/* Begins to count on this thread: what it holds now is nothing. */
void ac_begin(void);

/* The most bytes that this thread held at a time since `ac_begin`, as the allocator rounds them. */
int64_t ac_peak(void);

/* The bytes that this thread holds now beyond those at `ac_begin`; what stays is a leak. */
int64_t ac_held(void);

/*
 * Names the case that runs now, and gives it so many seconds; 0 ends the last one. If the program
 * crashes or the time is over, the case is printed on standard error, and the program ends.
 */
void ac_watch(uint64_t seed, uint64_t index, unsigned seconds);

#endif
