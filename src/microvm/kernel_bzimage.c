/*
 * A bzImage entered by its own 64-bit entry (Documentation/arch/x86/boot.rst, protocol 2.12): its code unpacks
 * the kernel, and moves it to a place chosen by chance (KASLR), which an entry behind that code can't do.
 */
#include "microvm/kernel_parts.h"

#include <errno.h>
#include <string.h>

#define SETUP_SECTS 0x1f1
#define HEADER_END 0x201 /* of the setup header: so many bytes behind 0x202 */
#define VERSION 0x206
#define INITRD_MAX 0x22c
#define XLOADFLAGS 0x236
#define PREF_ADDRESS 0x258
#define INIT_SIZE 0x260
#define SETUP_LEAST 0x264
#define KERNEL_64 1
#define ENTRY_64 0x200

int kernel_read_bzimage(struct kernel *k, const char *name, struct err *err)
{
	const uint8_t *d = (const uint8_t *)k->data;
	unsigned int sectors = d[SETUP_SECTS] ? d[SETUP_SECTS] : 4;
	size_t code = (sectors + 1) * 512UL;
	uint32_t room, initrd;
	uint16_t version, flags;
	uint64_t gpa;

	memcpy(&version, d + VERSION, sizeof(version));
	if (version < 0x020c || k->len < SETUP_LEAST)
		return err_set(err, ENOTSUP,
			       "%s is a kernel of boot protocol %#x, without a 64-bit entry; 0x20c "
			       "or newer has one: --boot",
			       name, version);
	memcpy(&flags, d + XLOADFLAGS, sizeof(flags));
	memcpy(&gpa, d + PREF_ADDRESS, sizeof(gpa));
	memcpy(&room, d + INIT_SIZE, sizeof(room));
	memcpy(&initrd, d + INITRD_MAX, sizeof(initrd));
	if (!(flags & KERNEL_64))
		return err_set(err, ENOTSUP, "%s has no 64-bit entry: --boot", name);
	if (code >= k->len || k->len - code <= ENTRY_64)
		return err_set(err, ENOEXEC, "%s: the file ends in its setup code; is it cut off?",
			       name);
	if (k->len - code > room || gpa < KERNEL_LOW_GPA || gpa >= KERNEL_END_GPA ||
	    room > KERNEL_END_GPA - gpa)
		return err_set(err, ENOEXEC,
			       "%s wants to lie at %#llx with %u bytes for itself, and has %zu",
			       name, (unsigned long long)gpa, room, k->len - code);
	k->setup = true;
	k->setup_end = 0x202U + d[HEADER_END];
	if (k->setup_end < SETUP_LEAST || k->setup_end > KERNEL_SETUP_MAX || k->setup_end > k->len)
		return err_set(err, ENOEXEC, "%s: its setup header ends at %#x", name,
			       k->setup_end);
	k->parts[0] = (struct kernel_part){
		.offset = code, .file = k->len - code, .gpa = gpa, .memory = room
	};
	k->count = 1;
	k->end_gpa = gpa + room;
	k->initrd_end_gpa = (uint64_t)initrd + 1;
	k->entry = (uint32_t)gpa + ENTRY_64;
	return 0;
}
