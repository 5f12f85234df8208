#include "microvm/memory.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#define PAGE_BYTES 4096ULL
#define HUGE_BYTES (2ULL << 20)

/*
 * Nobody's pages yet, at a multiple of a huge page: a guest's first touch of each page costs an exit and a fault, and a
 * huge page is 512 of them. They are no file's: of a file's pages Debian's kernels make no huge ones.
 */
static char *map_aligned(uint64_t bytes)
{
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	/* cppcheck-suppress invalidFunctionArg */
	char *map = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, how, -1, 0), *at;

	if (map == MAP_FAILED)
		return NULL;
	at = map + -(uintptr_t)map % HUGE_BYTES;
	if (at > map)
		munmap(map, (size_t)(at - map));
	munmap(at + bytes, HUGE_BYTES - (size_t)(at - map));
	return at;
}

int memory_make(uint64_t bytes, struct memory *ret, struct err *err)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct sysinfo host = { 0 };
	uint64_t most;

	if (sysinfo(&host) < 0)
		return err_sys(err, "ask how much memory this host has (sysinfo)");
	most = (uint64_t)host.totalram * host.mem_unit;
	if (bytes < MEMORY_MIN_BYTES || bytes > most || bytes % PAGE_BYTES)
		return err_set(
			err, EINVAL,
			"a guest has from 32m to all of this host's memory, %llum, in whole pages of "
			"4096 bytes; not %llu bytes: --memory",
			(unsigned long long)(most >> 20), (unsigned long long)bytes);
	m.size = bytes;
	m.low = bytes < MEMORY_GAP_GPA ? bytes : MEMORY_GAP_GPA;
	m.base = map_aligned(bytes);
	if (!m.base)
		return err_sys(err, "map the guest's memory, %llu bytes",
			       (unsigned long long)bytes);
	/* Where the host has none to give, small pages do. */
	(void)madvise(m.base, bytes, MADV_HUGEPAGE);
	/* A guest's secrets are not for a core file of ours. */
	if (madvise(m.base, bytes, MADV_DONTDUMP) < 0)
		return err_sys(err, "keep the guest's memory out of core files");
	*ret = m;
	m = (struct memory)MEMORY_NONE;
	return 0;
}

int memory_plug(const struct memory *m, int vm, struct err *err)
{
	struct kvm_userspace_memory_region slots[] = {
		{ .slot = 0,
		  .guest_phys_addr = 0,
		  .memory_size = m->low,
		  .userspace_addr = (uintptr_t)m->base },
		{ .slot = 1,
		  .guest_phys_addr = MEMORY_HIGH_GPA,
		  .memory_size = m->size - m->low,
		  .userspace_addr = (uintptr_t)m->base + m->low },
	};

	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		if (slots[i].memory_size && ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slots[i]) < 0)
			return err_sys(err, "give the guest %llu bytes of memory at %#llx",
				       (unsigned long long)slots[i].memory_size,
				       (unsigned long long)slots[i].guest_phys_addr);
	return 0;
}

/* No number of these overflows, and the piece is of the file and of no other's addresses. */
static bool fits(const struct memory *m, uint64_t file_bytes, uint64_t gpa, uint64_t bytes,
		 uint64_t offset)
{
	if (bytes == 0 || (gpa | bytes | offset) % PAGE_BYTES || offset > file_bytes ||
	    bytes > file_bytes - offset || gpa > UINT64_MAX - bytes)
		return false;
	for (size_t i = 0; i < m->piece_count; i++)
		if (gpa < m->pieces[i].gpa + m->pieces[i].bytes && m->pieces[i].gpa < gpa + bytes)
			return false;
	return true;
}

int memory_add(struct memory *m, int fd, uint64_t gpa, uint64_t bytes, uint64_t offset,
	       struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	char *base;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0)
		return err_set(err, EPROTO,
			       "a guest's memory is a memfd that can't be made smaller");
	if (m->piece_count == MEMORY_PIECES_MAX ||
	    !fits(m, (uint64_t)st.st_size, gpa, bytes, offset))
		return err_set(err, EPROTO,
			       "a guest's memory is in up to %d pieces of whole pages of its file",
			       MEMORY_PIECES_MAX);
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    (off_t)offset);
	if (base == MAP_FAILED)
		return err_sys(err, "map %llu bytes of the guest's memory",
			       (unsigned long long)bytes);
	/* Kept out of core files; where that fails nobody is hurt but who reads them. */
	(void)madvise(base, bytes, MADV_DONTDUMP);
	m->pieces[m->piece_count++] =
		(struct memory_piece){ .gpa = gpa, .bytes = bytes, .base = base };
	return 0;
}

void *memory_at(const struct memory *m, uint64_t gpa, uint64_t len)
{
	uint64_t high = m->size - m->low;

	for (size_t i = 0; i < m->piece_count; i++) {
		const struct memory_piece *p = &m->pieces[i];

		if (gpa >= p->gpa && gpa - p->gpa <= p->bytes && len <= p->bytes - (gpa - p->gpa))
			return p->base + (gpa - p->gpa);
	}
	if (!m->base)
		return NULL;

	if (gpa <= m->low && len <= m->low - gpa)
		return m->base + gpa;
	if (gpa >= MEMORY_HIGH_GPA && gpa - MEMORY_HIGH_GPA <= high &&
	    len <= high - (gpa - MEMORY_HIGH_GPA))
		return m->base + m->low + (gpa - MEMORY_HIGH_GPA);
	return NULL;
}

void memory_give_up(const struct memory *m, void *at, uint64_t len)
{
	uint64_t first = (uint64_t)((char *)at - m->base), end = first + len;

	first = (first + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	end &= ~(PAGE_BYTES - 1);
	/* Where it fails the host has less memory than it could; nobody else is hurt. */
	if (first < end)
		(void)madvise(m->base + first, end - first, MADV_DONTNEED);
}

void memory_free(struct memory *m)
{
	for (size_t i = 0; i < m->piece_count; i++)
		munmap(m->pieces[i].base, m->pieces[i].bytes);
	if (m->base)
		munmap(m->base, m->size);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct memory)MEMORY_NONE;
}
