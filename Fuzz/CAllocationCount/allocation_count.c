#include "CAllocationCount.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static uint64_t watched_seed;
static uint64_t watched_index;

/* Only calls what a signal handler may call: snprintf does without memory for plain numbers. */
static void report(int signal) {
    char text[160];
    int count = snprintf(text, sizeof text, "\nsignal %d in case %llu: run with --seed %llu --only %llu\n",
                         signal, (unsigned long long)watched_index,
                         (unsigned long long)watched_seed, (unsigned long long)watched_index);
    if (count > 0 && write(2, text, (size_t)count) < 0) { /* There is nobody to tell. */ }
    _exit(128 + signal);
}

void ac_watch(uint64_t seed, uint64_t index, unsigned seconds) {
    static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
    static bool is_installed;
    if (!is_installed) {
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], report);
        is_installed = true;
    }
    watched_seed = seed;
    watched_index = index;
    alarm(seconds);
}

#if defined(__GLIBC__)
#include <malloc.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

/* In the program itself, so that reading them never allocates. */
static _Thread_local int64_t held;
static _Thread_local int64_t peak;

static void *count(void *block) {
    if (block) {
        held += (int64_t)malloc_usable_size(block);
        if (held > peak) peak = held;
    }
    return block;
}

bool ac_is_counting(void) { return true; }

void ac_begin(void) { held = peak = 0; }

int64_t ac_peak(void) { return peak; }

int64_t ac_held(void) { return held; }

void *malloc(size_t size) { return count(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) { return count(__libc_calloc(number, size)); }

void *realloc(void *block, size_t size) {
    int64_t before = block ? (int64_t)malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    /* What failed leaves the old block; a size of zero frees it. */
    if (moved || size == 0) held -= before;
    return count(moved);
}

void free(void *block) {
    if (block) held -= (int64_t)malloc_usable_size(block);
    __libc_free(block);
}

void *memalign(size_t alignment, size_t size) { return count(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

#else

bool ac_is_counting(void) { return false; }
void ac_begin(void) {}
int64_t ac_peak(void) { return 0; }
int64_t ac_held(void) { return 0; }

#endif
