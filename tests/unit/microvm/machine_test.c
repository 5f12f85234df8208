#include "base/str.h"
#include "microvm/acpi.h"
#include "microvm/boot.h"
#include "microvm/cpuid.h"
#include "microvm/image.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a guest of a little more than 3 GiB has above the gap. */
#define HIGH_BYTES (64ULL << 20)

static void test_memory_has_a_gap_and_ends(void **state)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(memory_make(MEMORY_GAP_GPA + HIGH_BYTES, &m, &err), 0);
	assert_ptr_equal(memory_at(&m, 0, 1), m.base);
	assert_ptr_equal(memory_at(&m, MEMORY_HIGH_GPA, HIGH_BYTES), m.base + MEMORY_GAP_GPA);
	assert_non_null(memory_at(&m, MEMORY_GAP_GPA - 8, 8));
	assert_null(memory_at(&m, MEMORY_GAP_GPA - 8, 9));
	assert_null(memory_at(&m, 0xfee00000, 4));
	assert_null(memory_at(&m, MEMORY_HIGH_GPA, HIGH_BYTES + 1));
	assert_null(memory_at(&m, 4096, UINT64_MAX));
	assert_null(memory_at(&m, UINT64_MAX, 2));
}

static void test_memory_of_impossible_size_is_refused(void **state)
{
	static const uint64_t sizes[] = { 0, 1 << 20, (64 << 20) + 1, 1ULL << 50, UINT64_MAX };
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(memory_make(sizes[i], &m, &err), -EINVAL);
		assert_non_null(strstr(err.text, "from 32m to all of this host's"));
	}
}

static uint8_t sum(const uint8_t *bytes, size_t len)
{
	uint8_t total = 0;

	while (len--)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static void test_acpi_tables_are_found_and_sum_up(void **state)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct err err = { 0 };
	uint64_t xsdt, gpa[3];
	uint32_t len;

	(void)state;
	assert_int_equal(memory_make(MEMORY_MIN_BYTES, &m, &err), 0);
	assert_int_equal(acpi_write(&m, 2, &err), 0);
	assert_memory_equal(m.base + LAYOUT_ACPI_GPA, "RSD PTR ", 8);
	assert_int_equal(sum((uint8_t *)m.base + LAYOUT_ACPI_GPA, 20), 0);
	assert_int_equal(sum((uint8_t *)m.base + LAYOUT_ACPI_GPA, 36), 0);
	memcpy(&xsdt, m.base + LAYOUT_ACPI_GPA + 24, 8);
	memcpy(gpa, m.base + xsdt + 36, 16);
	memcpy(&gpa[2], m.base + gpa[0] + 140, 8);
	assert_memory_equal(m.base + xsdt, "XSDT", 4);
	assert_memory_equal(m.base + gpa[0], "FACP", 4);
	assert_memory_equal(m.base + gpa[1], "APIC", 4);
	assert_memory_equal(m.base + gpa[2], "DSDT", 4);
	for (size_t i = 0; i < ARRAY_LEN(gpa); i++) {
		memcpy(&len, m.base + gpa[i] + 4, 4);
		assert_int_equal(sum((uint8_t *)m.base + gpa[i], len), 0);
	}
	memcpy(&len, m.base + gpa[1] + 4, 4);
	assert_int_equal(len, 36 + 8 + 12 + 2 * 8);
	assert_int_equal(acpi_write(&m, CPUS_MAX + 1, &err), -EINVAL);
}

/* A kernel made by hand, with what `b` says. */
static int boot(struct boot *b, uint64_t bytes, struct memory *m, struct err *err)
{
	CLEAN(kernel) struct kernel k = { 0 };
	struct image image = image_make();
	char *copy = xcalloc(1, sizeof(image));

	*err = (struct err){ 0 };
	memcpy(copy, &image, sizeof(image));
	assert_int_equal(kernel_parse(copy, sizeof(image), "vmlinux", &k, err), 0);
	assert_int_equal(memory_make(bytes, m, err), 0);
	b->kernel = &k;
	b->cpus = 1;
	return boot_write(b, m, err);
}

static void test_kernel_is_told_of_memory_above_4_gib(void **state)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct boot b = { 0 };
	struct err err;
	uint32_t start[14];
	uint64_t row[3];

	(void)state;
	assert_int_equal(boot(&b, MEMORY_GAP_GPA + HIGH_BYTES, &m, &err), 0);
	memcpy(start, m.base + LAYOUT_START_GPA, sizeof(start));
	assert_int_equal(start[12], 4);
	memcpy(row, m.base + start[10] + 2 * sizeof(row), sizeof(row));
	assert_int_equal(row[0] + row[1], MEMORY_GAP_GPA);
	memcpy(row, m.base + start[10] + 3 * sizeof(row), sizeof(row));
	assert_int_equal(row[0], MEMORY_HIGH_GPA);
	assert_int_equal(row[1], HIGH_BYTES);
	assert_int_equal(row[2], 1);
}

static void test_kernel_finds_its_machine(void **state)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	struct boot b = { .initrd = "/proc/self/exe", .append = "quiet" };
	struct err err;
	uint32_t start[14];
	uint64_t module[2];

	(void)state;
	assert_int_equal(boot(&b, MEMORY_MIN_BYTES, &m, &err), 0);
	memcpy(start, m.base + LAYOUT_START_GPA, sizeof(start));
	assert_int_equal(start[0], 0x336ec578);
	assert_int_equal(start[3], 1);  /* modules */
	assert_int_equal(start[12], 3); /* rows of the map */
	assert_string_equal(m.base + start[6], BOOT_WORDS " quiet");
	memcpy(module, m.base + start[4], sizeof(module));
	assert_int_equal(module[0] % 4096, 0);
	assert_memory_equal(m.base + module[0], "\177ELF", 4);
	assert_in_range(module[0] + module[1], m.size - 4096, m.size);
	assert_int_equal((uint8_t)m.base[0x1000000], 0x90);
	assert_int_equal((uint8_t)m.base[LAYOUT_RESET_GPA], 0xb0);
}

static void test_what_does_not_fit_is_refused(void **state)
{
	CLEAN(memory) struct memory m = MEMORY_NONE;
	char words[LAYOUT_CMDLINE_MAX];
	struct boot b = { .append = words };
	struct err err;

	(void)state;
	memset(words, 'a', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(boot(&b, MEMORY_MIN_BYTES, &m, &err), -E2BIG);
	assert_non_null(strstr(err.text, "--kernel-args"));
	memory_free(&m);
	b = (struct boot){ .initrd = "/nowhere" };
	assert_int_equal(boot(&b, MEMORY_MIN_BYTES, &m, &err), -ENOENT);
	assert_non_null(strstr(err.text, "initramfs /nowhere"));
	memory_free(&m);
	b = (struct boot){ .initrd = "/dev/zero" };
	assert_int_equal(boot(&b, MEMORY_MIN_BYTES, &m, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not a regular file"));
}

static void test_nested_virtualization_is_not_passed_on(void **state)
{
	struct cpuid c = { .head.nent = 4,
			   .entries = { { .function = 1, .ebx = ~0U, .ecx = ~0U },
					{ .function = 7, .index = 1, .ecx = ~0U },
					{ .function = 0x80000001, .ecx = ~0U },
					{ .function = 0x8000000a, .eax = 1, .edx = ~0U } } };

	(void)state;
	cpuid_adapt(&c, 3, 4, 0, false);
	assert_int_equal(c.entries[0].ecx & 1 << 5, 0);
	assert_true(c.entries[0].ecx & 1U << 31);
	assert_int_equal(c.entries[0].ebx, 0x0304ffff);
	assert_int_equal(c.entries[1].ecx, ~0U);
	assert_int_equal(c.entries[2].ecx, ~4U);
	assert_int_equal(c.entries[3].eax + c.entries[3].edx, 0);
}

static void test_nested_virtualization_is_passed_on_where_it_is_asked_for(void **state)
{
	struct cpuid c = { .head.nent = 4,
			   .entries = { { .function = 1, .ecx = ~0U },
					{ .function = 0xa, .eax = ~0U },
					{ .function = 0x80000001, .ecx = ~0U },
					{ .function = 0x8000000a, .eax = 1, .edx = ~0U } } };

	(void)state;
	cpuid_adapt(&c, 0, 1, 0, true);
	assert_int_equal(c.entries[0].ecx, ~(1U << 15));
	assert_int_equal(c.entries[1].eax, 0);
	assert_int_equal(c.entries[2].ecx, ~0U);
	assert_int_equal(c.entries[3].eax, 1);
	assert_int_equal(c.entries[3].edx, ~0U);
}

static void test_a_kvm_that_hides_it_is_refused_where_it_is_asked_for(void **state)
{
	struct cpuid c = { .head.nent = 2,
			   .entries = { { .function = 1, .ecx = ~(1U << 5) },
					{ .function = 0x80000001, .ecx = ~4U } } };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(cpuid_check_nested(&c, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "--nested"));
	assert_non_null(strstr(err.text, "kvm_amd with nested=1"));
	c.entries[0].ecx = 1 << 5;
	assert_int_equal(cpuid_check_nested(&c, &err), 0);
	c.entries[0].ecx = 0;
	c.entries[1].ecx = 4;
	assert_int_equal(cpuid_check_nested(&c, &err), 0);
}

/* What is said for a leaf, with that index; NULL: nothing. */
static const struct kvm_cpuid_entry2 *leaf(const struct cpuid *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->head.nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static void test_processors_are_cores_of_one_package(void **state)
{
	struct cpuid c = { .head.nent = 7,
			   .entries = { { .function = 0, .eax = 0x1f, .ebx = 0x756e6547 },
					{ .function = 1 },
					{ .function = 4, .index = 1, .eax = 0xfc01c121 },
					{ .function = 4, .index = 3, .eax = 0xfc01c163 },
					{ .function = 0xb, .index = 0, .edx = 77 },
					{ .function = 0x80000008, .ecx = 0 },
					{ .function = 0x80000026, .eax = 1 } } };

	(void)state;
	cpuid_adapt(&c, 5, 6, 0, false);
	assert_int_equal(leaf(&c, 1, 0)->ebx, 0x05060000);
	assert_int_equal(leaf(&c, 1, 0)->edx, 1 << 28);
	/* The first level is a core's own, the third is shared by all; 8 ids are set aside for 6. */
	assert_int_equal(leaf(&c, 4, 1)->eax, 7U << 26 | 0x0121);
	assert_int_equal(leaf(&c, 4, 3)->eax, 7U << 26 | 7 << 14 | 0x0163);
	for (uint32_t function = 0xb; function <= 0x1f; function += 0x14) {
		const struct kvm_cpuid_entry2 *threads = leaf(&c, function, 0);
		const struct kvm_cpuid_entry2 *cores = leaf(&c, function, 1);

		assert_int_equal(threads->eax, 0);
		assert_int_equal(threads->ebx, 1);
		assert_int_equal(threads->ecx, 0x100);
		assert_int_equal(cores->eax, 3);
		assert_int_equal(cores->ebx, 6);
		assert_int_equal(cores->ecx, 0x201);
		assert_int_equal(cores->edx, 5);
		assert_int_equal(leaf(&c, function, 2)->ecx, 2);
	}
	assert_int_equal(leaf(&c, 0x80000008, 0)->ecx, 0);
	assert_null(leaf(&c, 0x80000026, 0));
}

static void test_amd_counts_its_cores_elsewhere(void **state)
{
	struct cpuid c = { .head.nent = 5,
			   .entries = { { .function = 0, .eax = 0x10, .ebx = 0x68747541 },
					{ .function = 1, .edx = ~0U },
					{ .function = 0x80000008, .ecx = 0x7203f },
					{ .function = 0x8000001d, .index = 3, .eax = 0x3c163 },
					{ .function = 0x8000001e, .eax = 9, .ebx = 0x104 } } };

	(void)state;
	cpuid_adapt(&c, 0, 1, 1, false);
	assert_int_equal(leaf(&c, 1, 0)->edx, ~(1U << 28));
	assert_int_equal(leaf(&c, 1, 0)->ecx, 1U << 31 | 1 << 24);
	assert_int_equal(leaf(&c, 0x80000008, 0)->ecx, 0x70000);
	cpuid_adapt(&c, 31, 32, 1, false);
	assert_int_equal(leaf(&c, 0x80000008, 0)->ecx, 0x7501f);
	assert_int_equal(leaf(&c, 0x8000001d, 3)->eax, 31 << 14 | 0x163);
	assert_int_equal(leaf(&c, 0x8000001e, 0)->eax, 31);
	assert_int_equal(leaf(&c, 0x8000001e, 0)->ebx, 31);
	assert_int_equal(leaf(&c, 0xb, 1)->eax, 5);
	assert_null(leaf(&c, 0x1f, 0));
}

static void test_kvm_says_why_it_can_not(void **state)
{
	CLEAN(kvm) struct kvm k = KVM_NONE;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(kvm_make("/nowhere/kvm", &k, &err), -ENOENT);
	assert_non_null(strstr(err.text, "load kvm_intel or kvm_amd"));
	assert_int_equal(kvm_make("/dev/null", &k, &err), -ENOTTY);
	assert_non_null(strstr(err.text, "/dev/null does not answer as KVM does"));
}

static void test_hardware_is_told_by_whole_words(void **state)
{
	(void)state;
	assert_true(kvm_cpu_has_hardware("processor: 0\nflags\t\t: fpu vmx\n"));
	assert_true(kvm_cpu_has_hardware("processor: 0\nflags\t\t: svm fpu\nbugs\n"));
	assert_false(kvm_cpu_has_hardware("processor: 0\nflags\t\t: fpu svm_lock\nx: svm\n"));
	assert_false(kvm_cpu_has_hardware(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_has_a_gap_and_ends),
		cmocka_unit_test(test_memory_of_impossible_size_is_refused),
		cmocka_unit_test(test_acpi_tables_are_found_and_sum_up),
		cmocka_unit_test(test_kernel_is_told_of_memory_above_4_gib),
		cmocka_unit_test(test_kernel_finds_its_machine),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_nested_virtualization_is_not_passed_on),
		cmocka_unit_test(test_nested_virtualization_is_passed_on_where_it_is_asked_for),
		cmocka_unit_test(test_a_kvm_that_hides_it_is_refused_where_it_is_asked_for),
		cmocka_unit_test(test_processors_are_cores_of_one_package),
		cmocka_unit_test(test_amd_counts_its_cores_elsewhere),
		cmocka_unit_test(test_kvm_says_why_it_can_not),
		cmocka_unit_test(test_hardware_is_told_by_whole_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
