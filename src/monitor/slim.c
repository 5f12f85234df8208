#include "monitor/slim.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that were never written: of others the pages would come back as they are in the file, without
 * what was relocated in them. */
static int drop(struct dl_phdr_info *info, size_t size, void *data)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + h->p_vaddr, to = from + h->p_memsz;

		from &= ~page;
		to &= ~page;
		if (h->p_type == PT_LOAD && !(h->p_flags & PF_W) && to > from)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void slim(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(drop, NULL);
}
