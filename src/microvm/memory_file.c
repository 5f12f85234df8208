#include "microvm/memory_file.h"

#include "base/hash.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096UL
#define WRITE_MAX (1UL << 20)
#define MAPS_MAX 4096
#define NEAR_BYTES (1UL << 20)

static const char magic[16] = "ctr-vm memory\n\x1a";

/* The page behind the memory. */
struct tail {
	char magic[16];
	uint8_t id[SNAPSHOT_ID_BYTES];
	uint64_t bytes, hash; /* of the memory */
	uint64_t tail_hash;   /* of what is before */
};

static uint64_t tail_hash(const struct tail *t)
{
	return hash_bytes(t, offsetof(struct tail, tail_hash), 0);
}

static bool is_zero(const char *page)
{
	static const char zero[PAGE];

	return memcmp(page, zero, PAGE) == 0;
}

/* A page that is zero adds nothing, and so a hole is a page of zeros. */
static uint64_t add_page(uint64_t hash, uint64_t at, const char *page)
{
	return hash_bytes(page, PAGE, hash ^ at);
}

/* The next bytes of a snapshot's file that may be anything but zero, from `at` on: where they begin, and end. */
static uint64_t next_data(int fd, uint64_t at, uint64_t size, uint64_t *ret_end)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA), end;

	*ret_end = size;
	if (data < 0)
		return errno == ENXIO ? size : at;
	end = lseek(fd, data, SEEK_HOLE);
	if (end >= 0 && (uint64_t)end < size)
		*ret_end = ((uint64_t)end + PAGE - 1) & ~(PAGE - 1);
	return (uint64_t)data & ~(PAGE - 1);
}

static int write_at(int fd, const char *data, size_t len, uint64_t at, struct err *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "write the guest's memory to the snapshot");
		data += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Runs of pages that aren't zero. What was never touched is looked at, too, in huge pages of zeros that cost nothing. */
static int write_data(const struct memory *m, int fd, uint64_t *hash, struct err *err)
{
	uint64_t at = 0;
	int rc = 0;

	while (rc == 0 && at < m->size) {
		uint64_t first = at;

		for (; at < m->size && at - first < WRITE_MAX && !is_zero(m->base + at); at += PAGE)
			*hash = add_page(*hash, at, m->base + at);
		if (at > first)
			rc = write_at(fd, m->base + first, at - first, first, err);
		else
			at += PAGE;
	}
	return rc;
}

int memory_file_write(const struct memory *m, int fd, const uint8_t id[SNAPSHOT_ID_BYTES],
		      struct memory_file *ret, struct err *err)
{
	struct tail t = { .bytes = m->size };
	char page[PAGE] = "";
	int rc;

	if (ftruncate(fd, (off_t)(m->size + PAGE)) < 0)
		return err_sys(err, "make the snapshot's file of memory that long");
	rc = write_data(m, fd, &t.hash, err);
	memcpy(t.magic, magic, sizeof(magic));
	memcpy(t.id, id, sizeof(t.id));
	t.tail_hash = tail_hash(&t);
	memcpy(page, &t, sizeof(t));
	/* Last: a file without it is one that isn't complete. */
	if (rc == 0)
		rc = write_at(fd, page, sizeof(page), m->size, err);
	*ret = (struct memory_file){ .bytes = t.bytes, .hash = t.hash };
	memcpy(ret->id, id, sizeof(ret->id));
	return rc;
}

static int check_tail(int fd, const struct memory_file *known, struct err *err)
{
	char page[PAGE];
	struct tail t;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the snapshot's memory");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != known->bytes + PAGE)
		return err_set(err, EINVAL, "its memory has %llu bytes, and had %llu",
			       (unsigned long long)st.st_size,
			       (unsigned long long)known->bytes + PAGE);
	if (pread(fd, page, sizeof(page), (off_t)known->bytes) != (ssize_t)sizeof(page))
		return err_sys(err, "read the snapshot's memory");
	memcpy(&t, page, sizeof(t));
	if (memcmp(t.magic, magic, sizeof(magic)) != 0 || t.tail_hash != tail_hash(&t))
		return err_set(err, EINVAL, "its memory is not complete, or no snapshot's");
	if (memcmp(t.id, known->id, sizeof(t.id)) != 0 || t.bytes != known->bytes ||
	    t.hash != known->hash)
		return err_set(err, EINVAL, "its memory is another snapshot's");
	return 0;
}

static int check_pages(const struct memory *m, const struct memory_file *known, struct err *err)
{
	uint64_t hash = 0;

	for (uint64_t at = 0, end; at < m->size; at = end) {
		for (at = next_data(m->fd, at, m->size, &end); at < end && at < m->size; at += PAGE)
			if (!is_zero(m->base + at))
				hash = add_page(hash, at, m->base + at);
	}
	return hash == known->hash ? 0 : err_set(err, EINVAL, "its memory is damaged");
}

static int map_run(const struct memory *m, uint64_t first, uint64_t end, struct err *err)
{
	const int how = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
	const void *there = first == end ? m->base :
					   mmap(m->base + first, end - first,
						PROT_READ | PROT_WRITE, how, m->fd, (off_t)first);

	return there == MAP_FAILED ? err_sys(err, "map the snapshot's memory") : 0;
}

/*
 * The file's data, each run at its place; what are holes there is memory of nobody's yet. Mapped, a hole of a tmpfs
 * would be filled by whoever reads it. Runs that are near each other are one: the kernel has a limit to maps.
 */
static int map_data(const struct memory *m, struct err *err)
{
	uint64_t near = m->size / MAPS_MAX > NEAR_BYTES ? m->size / MAPS_MAX : NEAR_BYTES;
	uint64_t first = 0, end = 0, data_end;
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < m->size; at = data_end) {
		uint64_t data = next_data(m->fd, at, m->size, &data_end);

		if (data >= m->size)
			break;
		if (first == end || data - end >= near) {
			rc = map_run(m, first, end, err);
			first = data;
		}
		end = data_end;
	}
	return rc < 0 ? rc : map_run(m, first, end, err);
}

int memory_file_map(int fd, const struct memory_file *known, bool checked, struct memory *ret,
		    struct err *err)
{
	CLEAN(memory)
	struct memory m = { .fd = fd, .size = known->bytes };
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	int rc;

	if (m.size < MEMORY_MIN_BYTES || m.size % PAGE || m.size > INT64_MAX / 2)
		return err_set(err, EINVAL, "its memory has an impossible size");
	rc = check_tail(fd, known, err);
	if (rc < 0)
		return rc;
	/* Who writes to it all the same writes to all guests that go on from it. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return err_sys(err, "lock the snapshot's memory");
	m.low = m.size < MEMORY_GAP_GPA ? m.size : MEMORY_GAP_GPA;
	/* cppcheck-suppress invalidFunctionArg */
	m.base = mmap(NULL, m.size, PROT_READ | PROT_WRITE, how, -1, 0);
	if (m.base == MAP_FAILED) {
		m.base = NULL;
		return err_sys(err, "map the snapshot's memory, %llu bytes",
			       (unsigned long long)m.size);
	}
	/* A page is copied when it is written to, not two megabytes. */
	(void)madvise(m.base, m.size, MADV_NOHUGEPAGE);
	rc = map_data(&m, err);
	if (rc < 0)
		return rc;
	if (madvise(m.base, m.size, MADV_DONTDUMP) < 0)
		return err_sys(err, "keep the guest's memory out of core files");
	rc = checked ? check_pages(&m, known, err) : 0;
	if (rc < 0)
		return rc;
	*ret = m;
	m = (struct memory)MEMORY_NONE;
	return 0;
}
