/*
 * bzImage: a boot sector, code that unpacks, and the packed vmlinux, which the setup header tells the place
 * of (Documentation/arch/x86/boot.rst, protocol 2.08). Unpacked here and not by the guest: its own code
 * takes a quarter to three quarters of the boot's time.
 */
#include "microvm/kernel_parts.h"

#include "base/str.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <zstd.h>

/* Places in the setup header. */
#define SETUP_SECTS 0x1f1
#define BOOT_FLAG 0x1fe
#define MAGIC 0x202
#define VERSION 0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define SETUP_END 0x250
#define SIZE_BYTES 4 /* behind the packed bytes: how many there are when unpacked */

#define XZ_MEMORY_MAX \
	(256U << 20) /* of the unpacker itself; kernels take a dictionary of 32 to 128 MiB */

static uint16_t get16(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

bool kernel_is_bzimage(const char *data, size_t len)
{
	return len >= SETUP_END && get16(data + BOOT_FLAG) == 0xaa55 &&
	       memcmp(data + MAGIC, "HdrS", 4) == 0;
}

/* Both: packed bytes into exactly `room` bytes. NULL, or what is wrong with them. */
static const char *unpack_xz(const char *packed, size_t len, char *to, size_t room)
{
	uint64_t memory = XZ_MEMORY_MAX;
	size_t in = 0, out = 0;

	switch (lzma_stream_buffer_decode(&memory, 0, NULL, (const uint8_t *)packed, &in, len,
					  (uint8_t *)to, &out, room)) {
	case LZMA_OK:
		return out == room ? NULL : "it is shorter than it says";
	case LZMA_BUF_ERROR:
		return "it ends early, or is longer than it says";
	case LZMA_MEMLIMIT_ERROR:
		return "unpacking it takes more than 256 MiB of memory";
	default:
		return "it is damaged";
	}
}

static const char *unpack_zstd(const char *packed, size_t len, char *to, size_t room)
{
	size_t out = ZSTD_decompress(to, room, packed, len);

	if (ZSTD_isError(out))
		return ZSTD_getErrorName(out);
	return out == room ? NULL : "it is shorter than it says";
}

/* One row per way that Linux can be packed (scripts/Makefile.lib); those that Debian uses we unpack. */
static const struct packing {
	const char *name, *magic;
	size_t len;
	const char *(*unpack)(const char *packed, size_t len, char *to, size_t room);
} packings[] = {
	{ "xz",
	  "\xfd"
	  "7zXZ",
	  6, unpack_xz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd },
	{ "gzip", "\x1f\x8b", 2, NULL },
	{ "bzip2", "BZh", 3, NULL },
	{ "lzma", "\x5d\0\0", 3, NULL },
	{ "lzo", "\x89LZO", 4, NULL },
	{ "lz4", "\x02\x21\x4c\x18", 4, NULL },
};

static const struct packing *packing_find(const char *packed, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(packings); i++)
		if (len >= packings[i].len &&
		    memcmp(packed, packings[i].magic, packings[i].len) == 0)
			return &packings[i];
	return NULL;
}

/* Where the packed bytes are, their own length behind them included. */
static int find_payload(const char *data, size_t len, const char *name, const char **ret,
			size_t *ret_len, struct err *err)
{
	unsigned int sectors = (uint8_t)data[SETUP_SECTS];
	uint64_t offset = get32(data + PAYLOAD_OFFSET), size = get32(data + PAYLOAD_LENGTH);

	if (get16(data + VERSION) < 0x0208)
		return err_set(
			err, ENOTSUP,
			"%s is a kernel of boot protocol %#x, which doesn't say where its vmlinux "
			"is; 0x208 or newer does",
			name, get16(data + VERSION));
	/* 0 means 4, for very old ones. */
	offset += ((sectors ? sectors : 4) + 1) * 512ULL;
	if (size <= SIZE_BYTES || offset > len || size > len - offset)
		return err_set(
			err, ENOEXEC,
			"%s: its vmlinux (%llu bytes at %llu) is behind the file's end, %zu; is "
			"it cut off?",
			name, (unsigned long long)size, (unsigned long long)offset, len);
	*ret = data + offset;
	*ret_len = size;
	return 0;
}

int kernel_unpack(const char *data, size_t len, const char *name, char **ret, size_t *ret_len,
		  struct err *err)
{
	CLEAN(free) char *room = NULL;
	const struct packing *packing;
	const char *packed = data, *wrong;
	size_t packed_len = 0;
	uint32_t size;
	int rc = find_payload(data, len, name, &packed, &packed_len, err);

	if (rc < 0)
		return rc;
	packing = packing_find(packed, packed_len);
	if (!packing || !packing->unpack)
		return err_set(
			err, ENOTSUP,
			"%s: its vmlinux is packed by %s; ctr-vm unpacks xz and zstd. Give it the "
			"vmlinux itself, by the kernel's scripts/extract-vmlinux",
			name, packing ? packing->name : "something unknown");
	packed_len -= SIZE_BYTES;
	size = get32(packed + packed_len);
	if (size == 0 || size > KERNEL_UNPACKED_MAX)
		return err_set(err, ENOEXEC,
			       "%s: its vmlinux says that it has %u bytes; 1 to %u can be", name,
			       size, KERNEL_UNPACKED_MAX);
	room = xcalloc(size, 1);
	wrong = packing->unpack(packed, packed_len, room, size);
	if (wrong)
		return err_set(err, ENOEXEC, "%s: unpack its vmlinux by %s: %s", name,
			       packing->name, wrong);
	*ret = take_ptr(room);
	*ret_len = size;
	return 0;
}
