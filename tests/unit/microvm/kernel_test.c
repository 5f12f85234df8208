#include "microvm/kernel.h"

#include "base/file.h"
#include "base/str.h"
#include "microvm/image.h"
#include "microvm/kernel_find.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What kernel_parse() says of a copy of the first `len` bytes, without a byte to spare. */
static int parse(const void *data, size_t len, struct kernel *k, struct err *err)
{
	char *copy = xcalloc(1, len ? len : 1);

	memcpy(copy, data, len);
	*err = (struct err){ 0 };
	return kernel_parse(copy, len, "vmlinuz", k, err);
}

static void refused(const struct image *image, int code, const char *words)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct err err;

	assert_int_equal(parse(image, sizeof(*image), &k, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_ptr_equal(strstr(err.text, "vmlinuz"), err.text);
	assert_null(k.data);
}

static void refused_packed(const char *bz, size_t len, int code, const char *words)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct err err;

	assert_int_equal(parse(bz, len, &k, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

static void test_vmlinux_has_parts_and_an_entry(void **state)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct image image = image_make();
	struct err err;

	(void)state;
	assert_int_equal(parse(&image, sizeof(image), &k, &err), 0);
	assert_int_equal(k.count, 1);
	assert_int_equal(k.parts[0].gpa, 0x1000000);
	assert_int_equal(k.parts[0].memory, 4096);
	assert_memory_equal(k.data + k.parts[0].offset, image.code, k.parts[0].file);
	assert_int_equal(k.entry, IMAGE_ENTRY);
	assert_int_equal(k.end_gpa, 0x1001000);
}

static void test_note_behind_others_and_without_padding_is_found(void **state)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct image image = image_make();
	uint32_t notes[] = { 1, 1, 7, 'G', 'x', 4, 4, 18, 0, IMAGE_ENTRY + 1 };
	struct err err;

	(void)state;
	memcpy(&notes[8], "Xen", 4);
	memcpy(image.code, notes, sizeof(notes));
	image.note.p_offset = offsetof(struct image, code);
	image.note.p_filesz = sizeof(notes);
	assert_int_equal(parse(&image, sizeof(image), &k, &err), 0);
	assert_int_equal(k.entry, IMAGE_ENTRY + 1);
}

static void test_packed_kernels_are_unpacked(void **state)
{
	static const char *const packings[] = { "xz", "zstd" };
	struct image image = image_make();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
		CLEAN(kernel) struct kernel k = { 0 };
		size_t len;
		CLEAN(free) char *bz = image_pack(&image, packings[i], 0, &len);
		struct err err;

		assert_int_equal(parse(bz, len, &k, &err), 0);
		assert_int_equal(k.entry, IMAGE_ENTRY);
		assert_int_equal(k.len, sizeof(image));
		assert_memory_equal(k.data, &image, sizeof(image));
	}
}

static void test_packed_kernel_that_lies_is_refused(void **state)
{
	static const char *const packings[] = { "xz", "zstd" };
	struct image image = image_make();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packings); i++) {
		size_t len;
		CLEAN(free) char *bz = image_pack(&image, packings[i], sizeof(image) + 1, &len);
		CLEAN(free)
		char *less = image_pack(&image, packings[i], sizeof(image) - 1, &len);
		CLEAN(free)
		char *bomb = image_pack(&image, packings[i], KERNEL_UNPACKED_MAX + 1, &len);

		refused_packed(bz, len, ENOEXEC, "shorter than it says");
		refused_packed(less, len, ENOEXEC, "unpack its vmlinux by");
		refused_packed(bomb, len, ENOEXEC, "1 to 536870912 can be");
		refused_packed(bz, len - 1, ENOEXEC, "is it cut off?");
		memset(bz + 1040, 0, 16);
		refused_packed(bz, len, ENOEXEC, "unpack its vmlinux by");
	}
}

static void test_packing_we_have_not_is_named(void **state)
{
	struct image image = image_make();
	size_t len;
	CLEAN(free) char *bz = image_pack(&image, "none", 0, &len);

	(void)state;
	refused_packed(bz, len, ENOTSUP, "something unknown");
	memcpy(bz + 1024, "\x1f\x8b", 2);
	refused_packed(bz, len, ENOTSUP, "packed by gzip; ctr-vm unpacks xz and zstd");
	memcpy(bz + 0x206, "\x07\x02", 2);
	refused_packed(bz, len, ENOTSUP, "boot protocol 0x207");
}

static void test_kernel_of_another_kind_is_named(void **state)
{
	char head[64] = "MZ";

	(void)state;
	refused_packed("\x1f\x8b\x08", 3, ENOTSUP, "packed by gzip");
	memcpy(head + 4, "zimg", 4);
	refused_packed(head, 8, ENOTSUP, "CONFIG_EFI_ZBOOT");
	memcpy(head + 4, "\0\0\0\0", 4);
	refused_packed(head, sizeof(head), ENOEXEC, "neither an ELF file");
	memcpy(head + 56, "ARM\x64", 4);
	refused_packed(head, 60, ENOTSUP, "--isolation emulated");
	refused_packed(head, 59, ENOEXEC, "neither an ELF file");
}

static void test_what_is_no_kernel_is_refused(void **state)
{
	(void)state;
	refused_packed("", 0, ENOEXEC, "neither an ELF file");
	refused_packed("#!/bin/sh\n", 10, ENOEXEC, "neither an ELF file");
	refused_packed("\177ELFxxxxxxxxxxxxxxxx", 20, ENOEXEC, "ends in its header");
}

static void test_elf_of_another_kind_is_refused(void **state)
{
	struct image arm = image_make(), small = arm, object = arm, program = arm, none = arm;

	(void)state;
	arm.header.e_machine = EM_AARCH64;
	refused(&arm, ENOEXEC, "not for x86-64: machine 183");
	small.header.e_ident[EI_CLASS] = ELFCLASS32;
	refused(&small, ENOEXEC, "not for x86-64");
	object.header.e_type = ET_REL;
	refused(&object, ENOEXEC, "an object file or a module?");
	program.load.p_paddr = 0x1000;
	refused(&program, ENOEXEC, "Is it a program");
	none.xen.head.n_type = 17;
	refused(&none, ENOTSUP, "CONFIG_PVH=y");
}

static void test_ranges_that_leave_file_or_memory_are_refused(void **state)
{
	struct image good = image_make(), bad;

	(void)state;
#define BAD(set, words)                        \
	do {                                   \
		bad = good;                    \
		bad.set;                       \
		refused(&bad, ENOEXEC, words); \
	} while (0)
	BAD(header.e_phoff = UINT64_MAX - 8, "program headers are behind");
	BAD(header.e_phnum = 0, "0 program headers");
	BAD(header.e_phnum = 65, "65 program headers");
	BAD(header.e_phentsize = 32, "of 32 bytes");
	BAD(load.p_offset = sizeof(bad), "segment 0 is behind");
	BAD(load.p_offset = UINT64_MAX, "segment 0 is behind");
	BAD(note.p_filesz = UINT64_MAX, "segment 1 is behind");
	BAD(load.p_memsz = 8, "64 bytes in the file and 8 in memory");
	BAD(load.p_memsz = UINT64_MAX, "from 1 MiB to 3 GiB");
	BAD(load.p_paddr = UINT64_MAX, "from 1 MiB to 3 GiB");
	BAD(load.p_type = PT_NULL, "no segment to load");
	BAD(xen.entry = 0x1001000, "0x1001000, is not in what is loaded");
#undef BAD
}

static void test_hostile_notes_are_no_entry(void **state)
{
	struct image image = image_make();

	(void)state;
	image.xen.head.n_namesz = UINT32_MAX;
	refused(&image, ENOTSUP, "no PVH entry");
	image.xen.head.n_namesz = 4;
	image.xen.head.n_descsz = UINT32_MAX;
	refused(&image, ENOTSUP, "no PVH entry");
	image.xen.head.n_descsz = 2;
	refused(&image, ENOTSUP, "no PVH entry");
}

static int parse_bzimage(const char *bz, size_t len, struct kernel *k, struct err *err)
{
	char *copy = xcalloc(1, len ? len : 1);

	memcpy(copy, bz, len);
	*err = (struct err){ 0 };
	return kernel_parse_bzimage(copy, len, "vmlinuz", k, err);
}

static void bzimage_refused(const char *bz, size_t len, int code, const char *words)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct err err;

	assert_int_equal(parse_bzimage(bz, len, &k, &err), -code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_null(k.data);
}

static void test_bzimage_is_entered_by_its_own_code(void **state)
{
	static const uint64_t gpa = 0x1000000, outside = 0xbffffff0;
	static const uint32_t room = 0x2000000, initrd_max = 0x7fffffff, none = 16;
	CLEAN(kernel) struct kernel k = { 0 };
	struct image image = image_make();
	char bz[4096] = { 0 };
	size_t len;
	CLEAN(free) char *packed = image_pack(&image, "none", 0, &len);
	struct err err;

	(void)state;
	memcpy(bz, packed, len);
	bz[0x201] = 0x6a;
	bzimage_refused(bz, sizeof(bz), ENOTSUP, "no 64-bit entry");
	bz[0x236] = 1;
	bzimage_refused(bz, sizeof(bz), ENOEXEC, "wants to lie at 0");
	memcpy(bz + 0x22c, &initrd_max, 4);
	memcpy(bz + 0x258, &gpa, 8);
	memcpy(bz + 0x260, &room, 4);
	assert_int_equal(parse_bzimage(bz, sizeof(bz), &k, &err), 0);
	assert_int_equal(k.parts[0].offset, 1024);
	assert_int_equal(k.parts[0].file, sizeof(bz) - 1024);
	assert_int_equal(k.end_gpa, gpa + room);
	assert_int_equal(k.entry, gpa + 0x200);
	assert_int_equal(k.initrd_end_gpa, 0x80000000);
	assert_int_equal(k.setup_end, 0x26c);
	bzimage_refused(bz, 1024 + 0x200, ENOEXEC, "is it cut off?");
	memcpy(bz + 0x258, &outside, 8);
	bzimage_refused(bz, sizeof(bz), ENOEXEC, "wants to lie at 0xbffffff0");
	memcpy(bz + 0x258, &gpa, 8);
	memcpy(bz + 0x260, &none, 4);
	bzimage_refused(bz, sizeof(bz), ENOEXEC, "with 16 bytes for itself");
	memcpy(bz + 0x260, &room, 4);
	bz[0x201] = (char)0xff;
	bzimage_refused(bz, sizeof(bz), ENOEXEC, "its setup header ends at 0x301");
	memcpy(bz + 0x206, "\x0b\x02", 2);
	bzimage_refused(bz, sizeof(bz), ENOTSUP, "boot protocol 0x20b");
	bzimage_refused("\177ELFx", 6, ENOEXEC, "is not a bzImage");
}

static void test_file_is_named_and_has_to_be_one(void **state)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(kernel_read("/nowhere/vmlinuz", KERNEL_PVH, &k, &err), -ENOENT);
	assert_non_null(strstr(err.text, "open the kernel /nowhere/vmlinuz"));
	assert_int_equal(kernel_read("/dev", KERNEL_PVH, &k, &err), -EINVAL);
	assert_int_equal(kernel_read("/dev/zero", KERNEL_PVH, &k, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
}

static void test_the_newest_kernel_is_found(void **state)
{
	static const char *const names[] = {
		"vmlinuz-6.9.1-amd64",
		"vmlinuz-6.12.94-amd64",
		"vmlinuz-6.12.9-amd64",
		"vmlinuz-6.13-amd64.old",
		"vmlinuz-0-rescue-4711",
		"config-6.14-amd64",
		"vmlinuz",
		"vmlinuz-6.14-amd64.dpkg-new",
	};
	char folder[] = "/tmp/ctr-kernels.XXXXXX", want[64];
	CLEAN(free) char *found = NULL;
	struct err err = { 0 };
	int dir;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(kernel_find(folder, &found, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there is no vmlinuz-VERSION in /tmp/ctr-kernels."));
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		close(openat(dir, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(kernel_find(folder, &found, &err), 0);
	snprintf(want, sizeof(want), "%s/vmlinuz-6.12.94-amd64", folder);
	assert_string_equal(found, want);
	close(dir);
	assert_int_equal(file_remove_tree(AT_FDCWD, folder, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmlinux_has_parts_and_an_entry),
		cmocka_unit_test(test_note_behind_others_and_without_padding_is_found),
		cmocka_unit_test(test_packed_kernels_are_unpacked),
		cmocka_unit_test(test_packed_kernel_that_lies_is_refused),
		cmocka_unit_test(test_packing_we_have_not_is_named),
		cmocka_unit_test(test_kernel_of_another_kind_is_named),
		cmocka_unit_test(test_what_is_no_kernel_is_refused),
		cmocka_unit_test(test_elf_of_another_kind_is_refused),
		cmocka_unit_test(test_ranges_that_leave_file_or_memory_are_refused),
		cmocka_unit_test(test_hostile_notes_are_no_entry),
		cmocka_unit_test(test_bzimage_is_entered_by_its_own_code),
		cmocka_unit_test(test_the_newest_kernel_is_found),
		cmocka_unit_test(test_file_is_named_and_has_to_be_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
