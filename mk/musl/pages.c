/*
 * Pages for musl's allocator. It takes each group of slots from the kernel and gives it back the moment that the last
 * slot is free: of a run's system calls a sixth, of an `exec` with a profile a quarter of the time, in page faults too.
 * Here small pieces come out of one mapping, and a freed one is kept for the next of its size. malloc_trim() gives the
 * kept ones back to the kernel, as it does in glibc; what sleeps for long calls it (monitor/slim.h).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#undef mmap64 /* a macro of the header; the symbol is what libraries compiled against glibc refer to */

#define REGION (1ul << 20)
#define PIECE_MAX (1ul << 15)
#define KEPT_MAX 64

static struct {
	char *base;
	size_t used;
	struct {
		char *at;
		size_t len;
		bool clean; /* nothing is in it: the kernel has its pages */
	} kept[KEPT_MAX];
	size_t count;
	atomic_flag busy;
} pool = { .busy = ATOMIC_FLAG_INIT };

void *__mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int malloc_trim(size_t pad);

static void enter(void)
{
	while (atomic_flag_test_and_set_explicit(&pool.busy, memory_order_acquire))
		;
}

static void leave(void)
{
	atomic_flag_clear_explicit(&pool.busy, memory_order_release);
}

static void *kernel_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}

static char *kept_take(size_t len, bool *ret_clean)
{
	for (size_t i = pool.count; i-- > 0;) {
		char *at = pool.kept[i].at;

		if (pool.kept[i].len != len)
			continue;
		*ret_clean = pool.kept[i].clean;
		pool.kept[i] = pool.kept[--pool.count];
		return at;
	}
	return NULL;
}

/* Never used before. */
static char *piece_new(size_t len)
{
	char *at;

	if (!pool.base) {
		at = kernel_mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
		if (at == MAP_FAILED)
			return NULL;
		pool.base = at;
	}
	if (REGION - pool.used < len)
		return NULL;
	at = pool.base + pool.used;
	pool.used += len;
	return at;
}

void *__mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	bool ours = !at && len <= PIECE_MAX && prot == (PROT_READ | PROT_WRITE) &&
		    flags == (MAP_PRIVATE | MAP_ANONYMOUS),
	     clean = true;
	size_t whole = (len + 4095) & ~4095ul;
	char *piece;

	if (!ours || !len)
		return kernel_mmap(at, len, prot, flags, fd, offset);
	enter();
	piece = kept_take(whole, &clean);
	if (!piece)
		piece = piece_new(whole);
	leave();
	if (!piece)
		return kernel_mmap(at, len, prot, flags, fd, offset);
	return clean ? piece : memset(piece, 0, whole);
}
void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("__mmap")));
void *mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("__mmap")));

/* A piece that there is no place for any more is lost until the process ends, its pages are not. */
int munmap(void *at, size_t len)
{
	char *piece = at;

	if (!pool.base || piece < pool.base || piece >= pool.base + REGION)
		return (int)syscall(SYS_munmap, at, len);
	len = (len + 4095) & ~4095ul;
	enter();
	if (pool.count < KEPT_MAX) {
		pool.kept[pool.count].at = piece;
		pool.kept[pool.count].len = len;
		pool.kept[pool.count++].clean = false;
		leave();
		return 0;
	}
	leave();
	return madvise(piece, len, MADV_DONTNEED);
}

int malloc_trim(size_t pad)
{
	bool any = false;

	(void)pad;
	enter();
	for (size_t i = 0; i < pool.count; i++) {
		if (!pool.kept[i].clean &&
		    madvise(pool.kept[i].at, pool.kept[i].len, MADV_DONTNEED) == 0)
			pool.kept[i].clean = any = true;
	}
	leave();
	return any;
}
