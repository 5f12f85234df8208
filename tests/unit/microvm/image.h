/* Kernels made by hand, small enough to be looked through. */
#ifndef TESTS_UNIT_MICROVM_IMAGE_H
#define TESTS_UNIT_MICROVM_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_ENTRY 0x1000010U

/* One segment of 64 bytes (memory: 4096) at 16 MiB and one note, to be bent by a test. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr load, note;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint32_t entry;
	} xen;
	char code[64];
};

struct image image_make(void);

/*
 * Such a vmlinux in a bzImage, packed: by NAME ("xz", "zstd", "none"). The caller's to free; *ret_len bytes,
 * of which the last four say `says` bytes unpacked (0: the truth).
 */
char *image_pack(const struct image *image, const char *name, uint32_t says, size_t *ret_len);

#endif
