#include "microvm/memory.h"

#include "base/str.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define PAGE_BYTES 4096ULL

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
	m.fd = memfd_create("ctr-vm memory", MFD_CLOEXEC);
	if (m.fd < 0)
		return err_sys(err, "make a file for the guest's memory (memfd_create)");
	if (ftruncate(m.fd, (off_t)bytes) < 0)
		return err_sys(err, "give the guest's memory %llu bytes",
			       (unsigned long long)bytes);
	m.base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m.fd, 0);
	if (m.base == MAP_FAILED) {
		m.base = NULL;
		return err_sys(err, "map the guest's memory, %llu bytes",
			       (unsigned long long)bytes);
	}
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

void *memory_at(const struct memory *m, uint64_t gpa, uint64_t len)
{
	uint64_t high = m->size - m->low;

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
		(void)madvise(m->base + first, end - first,
			      m->private ? MADV_DONTNEED : MADV_REMOVE);
}

void memory_free(struct memory *m)
{
	if (m->base)
		munmap(m->base, m->size);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct memory)MEMORY_NONE;
}
