/*
 * A guest's kernel: what is loaded lies in the file and in the guest's memory, whatever the file says.
 *
 * max: 4096
 */
#include "fuzz.h"

#include "base/str.h"
#include "microvm/kernel.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct err err = { 0 };
	char *copy = xcalloc(1, size ? size : 1);
	bool entered = false;
	int rc;

	/* Not half a gigabyte of zeros for each input: all that says how long it is unpacked. */
	if (size > 4 && memcmp(data, "\177ELF", 4) != 0 && (data[size - 1] || data[size - 2])) {
		free(copy);
		return -1;
	}
	memcpy(copy, data, size);
	rc = kernel_parse(copy, size, "vmlinuz", &k, &err);
	fuzz_check(rc, &err);
	if (rc < 0)
		return 0;
	for (size_t i = 0; i < k.count; i++) {
		const struct kernel_part *p = &k.parts[i];

		if (p->offset > k.len || p->file > k.len - p->offset || p->file > p->memory)
			fuzz_broken("part %zu is not in the file", i);
		if (p->gpa < KERNEL_LOW_GPA || p->gpa + p->memory > KERNEL_END_GPA ||
		    p->gpa + p->memory > k.end_gpa)
			fuzz_broken("part %zu is not in memory", i);
		entered |= k.entry >= p->gpa && k.entry < p->gpa + p->file;
	}
	if (!entered)
		fuzz_broken("the entry %#x is in no part", k.entry);
	return 0;
}
