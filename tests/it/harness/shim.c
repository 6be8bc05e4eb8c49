/* Shim between consign and the C library (LD_PRELOAD). It records every sync of a file, can disturb
 * one sync or one taking of a lock, and can make time pass faster. `disk.rs` sets its variables.
 *
 * SHIM_LOG      path of the log, with a line for each call as written by `tell`
 * SHIM_UNDER    start of the paths of the files which count
 * SHIM_RESULTS  path of the results file
 * SHIM_KEPT     second name for the results file about to be replaced, for a disk which loses the
 *               renaming
 * SHIM_CALL, SHIM_NTH, SHIM_ACT
 *               kind of the call to disturb: `sync`, `lock` or `probe` (a trial sync of a folder);
 *               its number, counted from 1; and the disturbance
 * SHIM_HELD     path of a mark: while there is a file, the results file cannot be replaced, as if a
 *               program held the file on a Windows server
 * SHIM_HASTE    seconds for consign in each real second
 * SHIM_INTERRUPTIBLE
 *               if set, SIGINT is not ignored, even if the starting process ignores SIGINT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* Call on a file of the test. */
struct call {
    const char *kind;    /* `sync`, `lock` or `probe` */
    char path[PATH_MAX];
    struct stat file;    /* state before the call */
    struct stat results; /* file under the results' path, or all zero without a file */
};

static int is_ours(int fd, struct call *call)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, call->path, sizeof call->path - 1);
    const char *under = getenv("SHIM_UNDER");
    if (length < 0 || !under)
        return 0;
    call->path[length] = 0;
    return strncmp(call->path, under, strlen(under)) == 0;
}

static void tell(const struct call *call, const char *outcome)
{
    int log = open(setting("SHIM_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dprintf(log, "%s\t%s\t%lld\t%llu\t%llu\t%s\n", call->kind, outcome,
            (long long)call->file.st_size, (unsigned long long)call->file.st_ino,
            (unsigned long long)call->results.st_ino, call->path);
    close(log);
}

/* Returns the disturbance of a call, or an empty text for most calls. */
static const char *disturbance(const struct call *call)
{
    static atomic_long calls;
    if (strcmp(call->kind, setting("SHIM_CALL")) != 0)
        return "";
    return ++calls == atol(setting("SHIM_NTH")) ? setting("SHIM_ACT") : "";
}

/* Keeps the results about to be replaced: a synced file other than the results replaces them. */
static void keep(const struct call *call)
{
    const char *kept = setting("SHIM_KEPT");
    if (!*kept || !S_ISREG(call->file.st_mode) || call->file.st_ino == call->results.st_ino)
        return;
    unlink(kept);
    if (link(setting("SHIM_RESULTS"), kept) != 0 && errno != ENOENT)
        tell(call, "not kept");
}

/* Returns the number of an error by its name, or 0 for a word which names no error. */
static int number_of(const char *name)
{
    static const struct { const char *name; int number; } errors[] = {
        { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EINVAL", EINVAL },
        { "EOPNOTSUPP", EOPNOTSUPP }, { "ENOLCK", ENOLCK },
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(name, errors[i].name) == 0)
            return errors[i].number;
    return 0;
}

static int is_folder(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
}

static long carry_out(const char *kind, int fd, long number, int argument)
{
    struct call call = { .kind = kind };
    if (!is_ours(fd, &call))
        return syscall(number, fd, argument);
    fstat(fd, &call.file);
    stat(setting("SHIM_RESULTS"), &call.results);
    keep(&call);
    const char *act = disturbance(&call);
    int error = number_of(act);
    int before = strcmp(act, "kill before") == 0 ? SIGKILL : strcmp(act, "stop before") == 0 ? SIGSTOP : 0;
    if (error || before)
        tell(&call, act);
    if (before)
        kill(getpid(), before);
    if (error) {
        errno = error;
        return -1;
    }
    long result = syscall(number, fd, argument);
    tell(&call, result == 0 ? "done" : "refused");
    if (strcmp(act, "kill after") == 0)
        kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd) { return carry_out("sync", fd, SYS_fsync, 0); }
int fdatasync(int fd)
{
    return carry_out(is_folder(fd) ? "probe" : "sync", fd, SYS_fdatasync, 0);
}
int flock(int fd, int how) { return carry_out("lock", fd, SYS_flock, how); }

int rename(const char *from, const char *to)
{
    const char *held = getenv("SHIM_HELD");
    struct stat old, results;
    if (held && access(held, F_OK) == 0 && stat(to, &old) == 0
        && stat(setting("SHIM_RESULTS"), &results) == 0 && old.st_ino == results.st_ino) {
        struct call call = { .kind = "rename", .file = old, .results = results };
        snprintf(call.path, sizeof call.path, "%s", to);
        tell(&call, "EBUSY");
        errno = EBUSY;
        return -1;
    }
    return syscall(SYS_rename, from, to);
}

static long haste = 1;
static struct timespec start;

__attribute__((constructor)) static void begin(void)
{
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &start);
    if (getenv("SHIM_HASTE"))
        haste = atol(getenv("SHIM_HASTE"));
    if (getenv("SHIM_INTERRUPTIBLE"))
        signal(SIGINT, SIG_DFL);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const long second = 1000000000;
    if (syscall(SYS_clock_gettime, clock, now) != 0)
        return -1;
    if (clock == CLOCK_MONOTONIC && haste > 1) {
        long since = (now->tv_sec - start.tv_sec) * second + now->tv_nsec - start.tv_nsec;
        long seems = start.tv_nsec + since * haste;
        now->tv_sec = start.tv_sec + seems / second;
        now->tv_nsec = seems % second;
    }
    return 0;
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int milliseconds)
{
    if (milliseconds > 0)
        milliseconds = (milliseconds + haste - 1) / haste;
    return syscall(SYS_epoll_pwait, epoll, events, most, milliseconds, NULL, 0);
}
