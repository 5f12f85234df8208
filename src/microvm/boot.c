#include "microvm/boot.h"

#include "base/fd.h"
#include "base/str.h"
#include "microvm/acpi.h"
#include "microvm/given.h"
#include "microvm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* xen/include/public/arch-x86/hvm/start_info.h, version 1. */
#define START_MAGIC 0x336ec578
/* Places in the zero page, and how many pages of page tables are behind. */
#define ZERO_RSDP 0x70
#define ZERO_MAP_ENTRIES 0x1e8
#define ZERO_LOADER 0x210
#define ZERO_INITRD 0x218 /* where, and its size */
#define ZERO_CMDLINE 0x228
#define ZERO_MAP 0x2d0
#define TABLES 6

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
	CLEAN(fd) int fd = given_open(b->initrd, O_RDONLY | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	uint64_t size, top = m->low;
	char *to;

	if (fd < 0)
		return err_sys(err, "open the initramfs %s", b->initrd);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the initramfs %s", b->initrd);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(err, EINVAL, "the initramfs %s is %s", b->initrd,
			       S_ISREG(st.st_mode) ? "empty" : "not a regular file");
	size = (uint64_t)st.st_size;
	if (b->kernel->initrd_end_gpa && b->kernel->initrd_end_gpa < top)
		top = b->kernel->initrd_end_gpa;
	if (b->kernel->end_gpa + 4096 > top || size > top - b->kernel->end_gpa - 4096)
		return err_set(
			err, ENOMEM,
			"the initramfs %s has %llu MiB, and beside the kernel there are %llu: "
			"give more by --memory",
			b->initrd, (unsigned long long)(size >> 20) + 1,
			(unsigned long long)(top - b->kernel->end_gpa) >> 20);
	ret->gpa = (top - size) & ~4095ULL;
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

	if (b->console)
		str_printf(&line, "%s ", b->console);
	str_add(&line, BOOT_WORDS);
	if (b->append && *b->append)
		str_printf(&line, " %s", b->append);
	if (!to || line.len > LAYOUT_CMDLINE_MAX)
		return err_set(
			err, E2BIG,
			"the kernel's command line has %zu bytes with ctr-vm's own words; it "
			"takes %d: --kernel-args",
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

/* What a bzImage reads instead (zero-page.rst), with descriptors and 4 GiB of page tables as it wants them. */
static int write_zero_page(const struct kernel *k, const struct start *s, const struct memory *m,
			   struct err *err)
{
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
	char *zero = memory_at(m, LAYOUT_START_GPA, 4096);
	void *descriptors = memory_at(m, LAYOUT_GDT_GPA, sizeof(gdt));
	uint64_t *tables = memory_at(m, LAYOUT_TABLES_GPA, TABLES * 4096ULL);
	const uint32_t cmdline = LAYOUT_CMDLINE_GPA,
		       initrd[] = { (uint32_t)s->initrd.gpa, (uint32_t)s->initrd.bytes };

	if (!zero || !descriptors || !tables)
		return err_set(err, ENOMEM, "no room for what tells the kernel of its machine");
	memcpy(zero + KERNEL_SETUP_START, k->data + KERNEL_SETUP_START,
	       k->setup_end - KERNEL_SETUP_START);
	memcpy(zero + ZERO_RSDP, &s->rsdp, sizeof(s->rsdp));
	memcpy(zero + ZERO_CMDLINE, &cmdline, sizeof(cmdline));
	memcpy(zero + ZERO_INITRD, initrd, sizeof(initrd));
	zero[ZERO_LOADER] = (char)0xff;
	zero[ZERO_MAP_ENTRIES] = (char)s->map_entries;
	for (uint32_t i = 0; i < s->map_entries; i++)
		memcpy(zero + ZERO_MAP + 20UL * i, &s->entries[i], 20);
	memcpy(descriptors, gdt, sizeof(gdt));
	/* One page for all, one with a row for each GiB, and a page each for these: of 2 MiB, as they are. */
	tables[0] = (LAYOUT_TABLES_GPA + 4096) | 3;
	for (uint64_t i = 0; i < TABLES - 2; i++)
		tables[512 + i] = (LAYOUT_TABLES_GPA + (2 + i) * 4096) | 3;
	for (uint64_t i = 0; i < (TABLES - 2) * 512; i++)
		tables[1024 + i] = i << 21 | 0x83;
	return 0;
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
	memcpy(reset, reset_code, sizeof(reset_code));
	fill_map(&s, m);
	if (b->kernel->setup)
		return write_zero_page(b->kernel, &s, m, err);
	memcpy(start, &s, sizeof(s));
	return 0;
}
