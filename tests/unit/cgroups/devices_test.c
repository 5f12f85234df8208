/* The device program decides as the rules read, last match first, and the kernel takes it. */
#include "insns.h"
#include "util.h"

#include "base/process.h"
#include "cgroups/devices.h"
#include "cgroups/leaf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { READ = BPF_DEVCG_ACC_READ, WRITE = BPF_DEVCG_ACC_WRITE, MKNOD = BPF_DEVCG_ACC_MKNOD };

static bool allowed(const struct cgroup_devices *d, char type, uint32_t major, uint32_t minor,
		    int access)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = (uint32_t)access << 16 |
			       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};

	return d->allow_all || insns_run(d, &ctx);
}

/* ---- rules in short: "-a *:* rwm", "+c 1:3 rw" -------------------------------------- */

static struct opt_i64 number(const char *s)
{
	return *s == '*' ? (struct opt_i64){ true, -1 } : (struct opt_i64){ true, atoll(s) };
}

static struct spec_device_rule rule(const char *text)
{
	char major[16], minor[16], access[8];
	struct spec_device_rule r = { .allow = text[0] == '+', .type = text[1] };

	assert_int_equal(sscanf(text + 2, " %15[^:]:%15s %7s", major, minor, access), 3);
	r.major = number(major);
	r.minor = number(minor);
	r.read = strchr(access, 'r');
	r.write = strchr(access, 'w');
	r.mknod = strchr(access, 'm');
	return r;
}

#define RULES_MAX 16

static size_t rules(const char *text, struct spec_device_rule *ret)
{
	CLEAN(strv) struct strv parts = { 0 };
	size_t i;

	strv_split(&parts, text, ';');
	for (i = 0; i < parts.count; i++)
		ret[i] = rule(parts.items[i]);
	return parts.count;
}

static void make(const char *text, struct cgroup_devices *d)
{
	struct spec_device_rule r[RULES_MAX];
	size_t count = rules(text, r);
	struct err err = { 0 };

	cgroup_devices_free(d);
	assert_works(cgroup_devices_make(r, count, d, &err), &err);
}

/* ---- decisions --------------------------------------------------------------------- */

static void test_last_rule_that_matches_decides(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };

	(void)state;
	make("-a *:* rwm;+c 1:3 rwm;+b 8:* r", &d);
	assert_true(allowed(&d, 'c', 1, 3, READ | WRITE));
	assert_true(allowed(&d, 'c', 1, 3, MKNOD));
	assert_false(allowed(&d, 'b', 1, 3, READ));
	assert_false(allowed(&d, 'c', 1, 5, READ));
	assert_true(allowed(&d, 'b', 8, 77, READ));
	assert_false(allowed(&d, 'b', 8, 77, READ | WRITE));
	assert_false(allowed(&d, 'b', 9, 77, READ));
	make("+c 1:3 rwm;-c 1:3 rwm", &d);
	assert_false(allowed(&d, 'c', 1, 3, READ));
	make("-c 1:3 rwm;+c 1:3 rwm", &d);
	assert_true(allowed(&d, 'c', 1, 3, READ));
}

static void test_each_kind_of_access_is_decided_by_itself(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };

	(void)state;
	make("-a *:* rwm;+c 1:3 rwm;-c 1:3 w", &d);
	assert_true(allowed(&d, 'c', 1, 3, READ));
	assert_true(allowed(&d, 'c', 1, 3, READ | MKNOD));
	assert_false(allowed(&d, 'c', 1, 3, WRITE));
	assert_false(allowed(&d, 'c', 1, 3, READ | WRITE));
	make("-a *:* rwm;+c 1:* r;+c *:3 w", &d);
	assert_true(allowed(&d, 'c', 1, 3, READ | WRITE));
	assert_false(allowed(&d, 'c', 1, 4, READ | WRITE));
	assert_false(allowed(&d, 'c', 2, 3, READ | WRITE));
}

static void test_empty_list_denies_everything_but_asking_for_nothing(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
	struct err err;

	(void)state;
	assert_works(cgroup_devices_make(NULL, 0, &d, &err), &err);
	assert_false(allowed(&d, 'c', 1, 3, READ));
	assert_true(allowed(&d, 'c', 1, 3, 0));
}

static void test_allow_everything_needs_no_program(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };

	(void)state;
	make("+a *:* rwm", &d);
	assert_true(d.allow_all);
	assert_int_equal(d.count, 0);
	make("-a *:* rwm;+c 1:3 rwm;+a *:* rwm;+c 1:5 r", &d);
	assert_true(d.allow_all);
	make("+a *:* rwm;-b *:* rwm", &d);
	assert_false(d.allow_all);
	assert_true(allowed(&d, 'c', 5, 5, MKNOD));
	assert_false(allowed(&d, 'b', 5, 5, MKNOD));
	make("+a *:* rw", &d);
	assert_false(d.allow_all);
	assert_false(allowed(&d, 'c', 1, 3, MKNOD));
}

static void test_large_numbers_are_unsigned(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };

	(void)state;
	make("+c 4294967295:2147483648 r", &d);
	assert_true(allowed(&d, 'c', UINT32_MAX, 1u << 31, READ));
	assert_false(allowed(&d, 'c', UINT32_MAX, 1u << 30, READ));
}

static void test_many_minor_numbers_are_one_test(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices one = { 0 }, many = { 0 };

	(void)state;
	make("-a *:* rwm;+c 1:3 rwm", &one);
	make("-a *:* rwm;+c 1:0 rwm;+c 1:3 rwm;+c 1:63 rwm;+c 1:3 rwm;+c 1:64 rwm;+c 1:64 rwm",
	     &many);
	assert_in_range(many.count, one.count, 3 * one.count);
	for (uint32_t minor = 0; minor < 200; minor++)
		assert_int_equal(allowed(&many, 'c', 1, minor, READ | WRITE),
				 minor == 0 || minor == 3 || minor == 63 || minor == 64);
	assert_false(allowed(&many, 'c', 1, 1u << 31, READ));
	assert_false(allowed(&many, 'c', 2, 3, READ));
	make("+c 1:3 rwm;+c 1:5 r;-c 1:3 w;+c 1:7 rwm", &many);
	assert_true(allowed(&many, 'c', 1, 3, READ | MKNOD));
	assert_false(allowed(&many, 'c', 1, 3, WRITE));
	assert_false(allowed(&many, 'c', 1, 5, WRITE));
	assert_true(allowed(&many, 'c', 1, 7, WRITE));
}

/* What the manual of the rules says, without a program. */
static bool plain(const struct spec_device_rule *r, size_t count, char type, uint32_t major,
		  uint32_t minor, int access)
{
	static const int bits[] = { READ, WRITE, MKNOD };
	size_t b, i;

	for (b = 0; b < ARRAY_LEN(bits); b++) {
		bool yes = false;

		for (i = 0; i < count; i++) {
			bool names = bits[b] == READ  ? r[i].read :
				     bits[b] == WRITE ? r[i].write :
							r[i].mknod;

			if (names && (r[i].type == 'a' || r[i].type == type) &&
			    (r[i].major.value == -1 || r[i].major.value == major) &&
			    (r[i].minor.value == -1 || r[i].minor.value == minor))
				yes = r[i].allow;
		}
		if ((access & bits[b]) && !yes)
			return false;
	}
	return true;
}

static void check_all(const struct spec_device_rule *r, size_t count,
		      const struct cgroup_devices *d)
{
	uint32_t major, minor;
	int access, type;

	for (type = 'b'; type <= 'c'; type++)
		for (major = 0; major < 3; major++)
			for (minor = 0; minor < 3; minor++)
				for (access = 0; access < 8; access++)
					assert_int_equal(allowed(d, (char)type, major, minor,
								 access),
							 plain(r, count, (char)type, major, minor,
							       access));
}

static void test_programs_agree_with_the_rules_read_plainly(void **state)
{
	unsigned int seed = 1, round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
		struct spec_device_rule r[6];
		size_t count = (size_t)rand_r(&seed) % 7, i;
		struct err err;

		for (i = 0; i < count; i++) {
			int access = 1 + rand_r(&seed) % 7;

			r[i] = (struct spec_device_rule){
				.allow = rand_r(&seed) & 1,
				.type = "abc"[rand_r(&seed) % 3],
				.major = { true, rand_r(&seed) % 4 - 1 },
				.minor = { true, rand_r(&seed) % 4 - 1 },
				.read = access & READ,
				.write = access & WRITE,
				.mknod = access & MKNOD,
			};
		}
		assert_works(cgroup_devices_make(r, count, &d, &err), &err);
		check_all(r, count, &d);
	}
}

static void test_bad_rules_are_refused_by_their_index(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
	struct spec_device_rule r[2];
	struct err err;

	(void)state;
	rules("-a *:* rwm;+c 1:3 rwm", r);
	r[1].type = 'x';
	assert_fails(cgroup_devices_make(r, 2, &d, &err), &err, EINVAL,
		     "linux.resources.devices[1].type: 'x' is not one of a, b and c");
	r[1].type = 'c';
	r[1].read = r[1].write = r[1].mknod = false;
	assert_fails(cgroup_devices_make(r, 2, &d, &err), &err, EINVAL,
		     "linux.resources.devices[1].access: names none of r, w and m");
	r[1].read = true;
	r[1].major.value = -2;
	assert_fails(cgroup_devices_make(r, 2, &d, &err), &err, ERANGE,
		     "linux.resources.devices[1].major: -2: has to be -1 (any) or a device number");
	r[1].major.value = 1;
	r[1].minor.value = 1ll << 32;
	assert_fails(cgroup_devices_make(r, 2, &d, &err), &err, ERANGE,
		     "linux.resources.devices[1].minor: 4294967296: has to be");
}

/* ---- in the kernel ------------------------------------------------------------------ */

/* What a process in the group gets for an open: 0 or errno. */
static int try_open(int group, const char *path, int flags)
{
	int pidfd = -1, status = -1;
	pid_t pid = process_clone(0, group, &pidfd);

	if (pid == 0)
		_exit(open(path, flags) < 0 ? errno : 0);
	assert_true(pid > 0);
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	return WEXITSTATUS(status);
}

static void test_kernel_takes_the_program_and_obeys_it(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
	CLEAN(fd) int group = -1;
	struct err err = { 0 };

	(void)state;
	assert_works(cgroup_make(&util_host, util_path("dev"), NULL, &group, NULL, &err), &err);
	make("-a *:* rwm;+c 1:3 rwm;+c 1:5 r", &d);
	assert_works(cgroup_devices_attach(group, &d, false, &err), &err);
	assert_int_equal(try_open(group, "/dev/null", O_RDWR), 0);
	assert_int_equal(try_open(group, "/dev/zero", O_RDONLY), 0);
	assert_int_equal(try_open(group, "/dev/zero", O_RDWR), EPERM);
	assert_int_equal(try_open(group, "/dev/full", O_RDONLY), EPERM);

	/* Replaced: two programs would have to agree. */
	make("-a *:* rwm;+c 1:7 rw", &d);
	assert_works(cgroup_devices_attach(group, &d, true, &err), &err);
	assert_int_equal(try_open(group, "/dev/full", O_RDWR), 0);
	assert_int_equal(try_open(group, "/dev/null", O_RDONLY), EPERM);

	/* Taken off again. */
	make("+a *:* rwm", &d);
	assert_works(cgroup_devices_attach(group, &d, true, &err), &err);
	assert_int_equal(try_open(group, "/dev/zero", O_RDWR), 0);
	assert_works(cgroup_devices_attach(group, &d, true, &err), &err);
}

static void test_group_above_still_counts(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
	CLEAN(fd) int upper = -1, lower = -1;
	struct err err = { 0 };

	(void)state;
	assert_works(cgroup_make(&util_host, util_path("up"), NULL, &upper, NULL, &err), &err);
	assert_works(cgroup_make(&util_host, util_path("up/low"), NULL, &lower, NULL, &err), &err);
	make("+a *:* rwm;-c 1:5 rwm", &d);
	assert_works(cgroup_devices_attach(upper, &d, false, &err), &err);
	make("+a *:* rwm;-c 1:7 rwm", &d);
	assert_works(cgroup_devices_attach(lower, &d, false, &err), &err);
	assert_int_equal(try_open(lower, "/dev/zero", O_RDONLY), EPERM);
	assert_int_equal(try_open(lower, "/dev/full", O_RDONLY), EPERM);
	assert_int_equal(try_open(lower, "/dev/null", O_RDONLY), 0);
}

static void test_program_of_500_rules_is_taken(void **state)
{
	CLEAN(cgroup_devices) struct cgroup_devices d = { 0 };
	CLEAN(free) struct spec_device_rule *r = xcalloc(500, sizeof(*r));
	CLEAN(fd) int group = -1;
	struct err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 500; i++) {
		r[i] = rule("+c 1:3 rwm");
		r[i].minor.value = (int64_t)i;
	}
	assert_works(cgroup_devices_make(r, 500, &d, &err), &err);
	assert_works(cgroup_make(&util_host, util_path("many"), NULL, &group, NULL, &err), &err);
	assert_works(cgroup_devices_attach(group, &d, false, &err), &err);
	assert_int_equal(try_open(group, "/dev/null", O_RDWR), 0);
}

static void test_refused_program_shows_the_verifiers_words(void **state)
{
	/* Reads a register that nothing was put into. */
	struct bpf_insn bad[] = { { .code = BPF_JMP | BPF_EXIT } };
	struct cgroup_devices d = { .insns = bad, .count = 1 };
	CLEAN(fd) int group = -1;
	struct err err = { 0 };

	(void)state;
	assert_works(cgroup_make(&util_host, util_path("bad"), NULL, &group, NULL, &err), &err);
	assert_fails(cgroup_devices_attach(group, &d, false, &err), &err, EACCES, "R0 !read_ok");
	assert_non_null(
		strstr(err.text, "linux.resources.devices: the kernel refuses the program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_rule_that_matches_decides),
		cmocka_unit_test(test_each_kind_of_access_is_decided_by_itself),
		cmocka_unit_test(test_empty_list_denies_everything_but_asking_for_nothing),
		cmocka_unit_test(test_allow_everything_needs_no_program),
		cmocka_unit_test(test_large_numbers_are_unsigned),
		cmocka_unit_test(test_many_minor_numbers_are_one_test),
		cmocka_unit_test(test_programs_agree_with_the_rules_read_plainly),
		cmocka_unit_test(test_bad_rules_are_refused_by_their_index),
		cmocka_unit_test(test_kernel_takes_the_program_and_obeys_it),
		cmocka_unit_test(test_group_above_still_counts),
		cmocka_unit_test(test_program_of_500_rules_is_taken),
		cmocka_unit_test(test_refused_program_shows_the_verifiers_words),
	};

	return cmocka_run_group_tests(tests, util_setup, util_teardown);
}
