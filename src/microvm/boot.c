#include "microvm/boot.h"

#include "base/fd.h"
#include "base/str.h"
#include "microvm/acpi.h"
#include "microvm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* xen/include/public/arch-x86/hvm/start_info.h, version 1. */
#define START_MAGIC 0x336ec578
#define MAP_RAM 1
#define MAP_ACPI 3

struct map_entry {
	uint64_t gpa, bytes;
	uint32_t type, reserved;
};

struct module {
	uint64_t gpa, bytes, cmdline, reserved;
};

struct start {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, cmdline, rsdp, map;
	uint32_t map_entries, reserved;
	struct module initrd;
	struct map_entry entries[4];
};

/* mov al, 0xfe; out 0x64, al; hlt: a reset by the keyboard's controller, for who jumps here. */
static const uint8_t reset_code[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4 };

static int write_kernel(const struct kernel *k, const struct memory *m, struct err *err)
{
	for (size_t i = 0; i < k->count; i++) {
		const struct kernel_part *p = &k->parts[i];
		char *to = memory_at(m, p->gpa, p->memory);

		if (!to)
			return err_set(
				err, ENOMEM,
				"the kernel needs memory up to %llu MiB for itself alone: give "
				"more by --memory",
				(unsigned long long)(k->end_gpa >> 20) + 1);
		/* The memory is fresh, so what is behind is zero already. */
		memcpy(to, k->data + p->offset, p->file);
	}
	return 0;
}

/* As far up as it can be, where no kernel unpacks itself to. */
static int write_initrd(const struct boot *b, const struct memory *m, struct module *ret,
			struct err *err)
{
	CLEAN(fd) int fd = open(b->initrd, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	uint64_t size;
	char *to;

	if (fd < 0)
		return err_sys(err, "open the initramfs %s", b->initrd);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the initramfs %s", b->initrd);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(err, EINVAL, "the initramfs %s is %s", b->initrd,
			       S_ISREG(st.st_mode) ? "empty" : "not a regular file");
	size = (uint64_t)st.st_size;
	if (b->kernel->end_gpa + 4096 > m->low || size > m->low - b->kernel->end_gpa - 4096)
		return err_set(
			err, ENOMEM,
			"the initramfs %s has %llu MiB, and beside the kernel there are %llu: "
			"give more by --memory",
			b->initrd, (unsigned long long)(size >> 20) + 1,
			(unsigned long long)(m->low - b->kernel->end_gpa) >> 20);
	ret->gpa = (m->low - size) & ~4095ULL;
	ret->bytes = size;
	to = memory_at(m, ret->gpa, size);
	if (!to)
		return err_set(err, ENOMEM, "no room for the initramfs %s", b->initrd);
	n = fd_read_all(fd, to, size);
	if (n < 0)
		return err_set(err, (int)-n, "read the initramfs %s: %s", b->initrd,
			       strerror((int)-n));
	if ((uint64_t)n != size)
		return err_set(err, EIO, "the initramfs %s became shorter while it was read",
			       b->initrd);
	return 0;
}

static int write_cmdline(const struct boot *b, const struct memory *m, struct err *err)
{
	CLEAN(str) struct str line = { 0 };
	char *to = memory_at(m, LAYOUT_CMDLINE_GPA, LAYOUT_CMDLINE_MAX + 1);

	str_add(&line, BOOT_WORDS);
	if (b->append && *b->append)
		str_printf(&line, " %s", b->append);
	if (!to || line.len > LAYOUT_CMDLINE_MAX)
		return err_set(
			err, E2BIG,
			"the kernel's command line has %zu bytes with ctr-vm's own words; it "
			"takes %d: --append",
			line.len, LAYOUT_CMDLINE_MAX);
	memcpy(to, line.text, line.len + 1);
	return 0;
}

static void fill_map(struct start *s, const struct memory *m)
{
	const struct map_entry map[] = {
		{ 0, LAYOUT_LOW_END_GPA, MAP_RAM, 0 },
		{ LAYOUT_ACPI_GPA, 0x10000, MAP_ACPI, 0 },
		{ KERNEL_LOW_GPA, m->low - KERNEL_LOW_GPA, MAP_RAM, 0 },
		{ MEMORY_HIGH_GPA, m->size - m->low, MAP_RAM, 0 },
	};

	_Static_assert(sizeof(map) == sizeof(s->entries), "a row each");
	memcpy(s->entries, map, sizeof(map));
	s->map = LAYOUT_START_GPA + offsetof(struct start, entries);
	s->map_entries = ARRAY_LEN(map) - (m->size == m->low);
}

int boot_write(const struct boot *b, const struct memory *m, struct err *err)
{
	struct start s = { .magic = START_MAGIC,
			   .version = 1,
			   .cmdline = LAYOUT_CMDLINE_GPA,
			   .rsdp = LAYOUT_ACPI_GPA };
	void *start = memory_at(m, LAYOUT_START_GPA, sizeof(s));
	void *reset = memory_at(m, LAYOUT_RESET_GPA, sizeof(reset_code));
	int rc = write_kernel(b->kernel, m, err);

	if (rc == 0 && b->initrd) {
		s.modules = 1;
		s.module_list = LAYOUT_START_GPA + offsetof(struct start, initrd);
		rc = write_initrd(b, m, &s.initrd, err);
	}
	if (rc == 0)
		rc = write_cmdline(b, m, err);
	if (rc == 0)
		rc = acpi_write(m, b->cpus, err);
	if (rc < 0)
		return rc;
	if (!start || !reset)
		return err_set(err, ENOMEM, "no room for what tells the kernel of its machine");
	fill_map(&s, m);
	memcpy(start, &s, sizeof(s));
	memcpy(reset, reset_code, sizeof(reset_code));
	return 0;
}
