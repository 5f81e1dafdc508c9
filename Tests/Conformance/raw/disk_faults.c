// A disk that is slow, full or broken on command: preloaded into the broker's process, it stands
// before the C library's calls for log files. Files in FRESHET_TEST_FAULTS say what is wrong:
//   hold   syncs wait until the file is removed
//   fail   syncs of paths that contain the file's text fail with EIO
//   little every disk has 200 MiB left
//   full   writes of paths that contain the file's text are short, then fail with ENOSPC

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static void control(char *path, const char *name) {
    const char *directory = getenv("FRESHET_TEST_FAULTS");
    snprintf(path, 4096, "%s/%s", directory ? directory : "/nonexistent", name);
}

// Whether the file `name` is there and its text stands in the path of a log file.
static int applies(int descriptor, const char *name) {
    char link[64], path[4096], file[4096], text[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 4 || memcmp(path + length - 4, ".log", 4) != 0) return 0;
    path[length] = 0;
    control(file, name);
    int opened = open(file, O_RDONLY | O_CLOEXEC);
    if (opened < 0) return 0;
    ssize_t count = read(opened, text, sizeof text - 1);
    close(opened);
    text[count > 0 ? count : 0] = 0;
    return strstr(path, text) != NULL;
}

static int sync_or_fail(int descriptor, const char *name) {
    while (applies(descriptor, "hold")) usleep(2000);
    if (applies(descriptor, "fail")) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(descriptor);
}

int fdatasync(int descriptor) { return sync_or_fail(descriptor, "fdatasync"); }

int fsync(int descriptor) { return sync_or_fail(descriptor, "fsync"); }

// Every other write to a full disk is short instead of failing at once, as real ones are.
static int is_short(void) {
    static atomic_uint count;
    return atomic_fetch_add(&count, 1) % 2 == 0;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    if (!applies(descriptor, "full")) return real(descriptor, bytes, count, at);
    if (count > 1 && is_short()) return real(descriptor, bytes, count / 2, at);
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) {
    return pwrite(descriptor, bytes, count, at);
}

ssize_t pwritev(int descriptor, const struct iovec *pieces, int count, off_t at) {
    ssize_t (*real)(int, const struct iovec *, int, off_t) =
        (ssize_t (*)(int, const struct iovec *, int, off_t))dlsym(RTLD_NEXT, "pwritev");
    if (!applies(descriptor, "full")) return real(descriptor, pieces, count, at);
    return pwrite(descriptor, pieces[0].iov_base, pieces[0].iov_len, at);
}

ssize_t pwritev64(int descriptor, const struct iovec *pieces, int count, off64_t at) {
    return pwritev(descriptor, pieces, count, at);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    ssize_t (*real)(int, const void *, size_t) =
        (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!applies(descriptor, "full")) return real(descriptor, bytes, count);
    if (count > 1 && is_short()) return real(descriptor, bytes, count / 2);
    errno = ENOSPC;
    return -1;
}

static void shrink(struct statvfs *info) {
    char file[4096];
    control(file, "little");
    if (access(file, F_OK) != 0 || info->f_frsize == 0) return;
    info->f_bavail = info->f_bfree = (200ul << 20) / info->f_frsize;
}

int statvfs(const char *path, struct statvfs *info) {
    int (*real)(const char *, struct statvfs *) =
        (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");
    int status = real(path, info);
    if (status == 0) shrink(info);
    return status;
}

// On 64-bit systems the same structure.
int statvfs64(const char *path, struct statvfs64 *info) {
    return statvfs(path, (struct statvfs *)info);
}
