/* Moves the wall clock of a process: preloaded, it adds the seconds in the file $CHAOS_CLOCK, a 64-bit number.

The monotonic clock and the kernel's timers are left alone. Deadlines on the wall clock, which the kernel compares with
the true time, are translated. (libfaketime 0.9.10 would do it, but under it Python's locks wait forever.) */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none = 0;
static volatile const int64_t *offset = &none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED)
        offset = page;
    close(file);
}

static void *next(const char *name, const char *version) {
    void *found = version ? dlvsym(RTLD_NEXT, name, version) : NULL;
    return found ? found : dlsym(RTLD_NEXT, name);
}

#define REAL(kind, name, version)                                                                                      \
    static kind real;                                                                                                  \
    if (!real)                                                                                                         \
        real = (kind)next(name, version);

/* Times since 1970 are on the wall clock; times since the start of the machine are small. */
static const struct timespec *true_time(const struct timespec *given, struct timespec *room) {
    if (!given || given->tv_sec < 1000000000)
        return given;
    *room = *given;
    room->tv_sec -= *offset;
    return room;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    typedef int (*kind)(clockid_t, struct timespec *);
    REAL(kind, "clock_gettime", NULL)
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *copy) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (copy)
        *copy = now.tv_sec;
    return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    typedef int (*kind)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    REAL(kind, "pthread_cond_timedwait", "GLIBC_2.3.2")
    struct timespec room;
    return real(condition, mutex, true_time(deadline, &room));
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
    typedef int (*kind)(pthread_mutex_t *, const struct timespec *);
    REAL(kind, "pthread_mutex_timedlock", NULL)
    struct timespec room;
    return real(mutex, true_time(deadline, &room));
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline) {
    typedef int (*kind)(sem_t *, const struct timespec *);
    REAL(kind, "sem_timedwait", NULL)
    struct timespec room;
    return real(semaphore, true_time(deadline, &room));
}

/* Abseil's mutexes wait by futex, on the wall clock. */
long syscall(long number, ...) {
    typedef long (*kind)(long, ...);
    REAL(kind, "syscall", NULL)
    long given[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(list, long);
    va_end(list);
    struct timespec room;
    if (number == SYS_futex && (given[1] & FUTEX_CLOCK_REALTIME))
        given[3] = (long)true_time((const struct timespec *)given[3], &room);
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
