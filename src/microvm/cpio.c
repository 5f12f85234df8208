#include "microvm/cpio.h"

#include <string.h>

#define ALIGN 4

static void pad(struct str *archive)
{
	static const char zeros[ALIGN];

	str_add_bytes(archive, zeros, (ALIGN - archive->len % ALIGN) % ALIGN);
}

static void add(struct str *archive, const char *name, unsigned int mode, unsigned int links,
		const void *data, size_t len)
{
	size_t name_len = strlen(name) + 1;
	/* Its number, mode, uid, gid, links, time, length, four of devices, the name's length, no sum. */
	str_printf(archive, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0, mode,
		   0, 0, links, 0, len, 0, 0, 0, 0, name_len, 0);
	str_add_bytes(archive, name, name_len);
	pad(archive);
	str_add_bytes(archive, data, len);
	pad(archive);
}

void cpio_add(struct str *archive, const char *name, mode_t mode, const void *data, size_t len)
{
	add(archive, name, mode, 1, data, len);
}

void cpio_end(struct str *archive)
{
	add(archive, "TRAILER!!!", 0, 1, "", 0);
}
