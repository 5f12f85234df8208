#include "base/str.h"
#include "microvm/disk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_flag(void **state)
{
	static const struct {
		const char *text, *file, *id;
		bool readonly;
		const char *error; /* NULL: it's right */
	} cases[] = {
		{ "a.img", "a.img", "" },
		{ "/d/a.img,readonly", "/d/a.img", "", true },
		{ "a,id=root-1_x.y,readonly", "a", "root-1_x.y", true },
		{ "a,id=12345678901234567890", "a", "12345678901234567890" },
		{ "", .error = "which file?" },
		{ ",readonly", .error = "which file?" },
		{ "a,ro", .error = "\"ro\" is neither readonly nor id=NAME" },
		{ "a,readonly=yes", .error = "\"readonly=yes\" is neither" },
		{ "a,bps=10m,iops=500,burst=20", "a", "" },
		{ "a,bps=", .error = "\"bps=\": a limit is a size" },
		{ "a,iops=0", .error = "\"iops=0\": a limit is a size" },
		{ "a,burst=1s", .error = "\"burst=1s\": a limit is a size" },
		{ "a,rx-bps=1", .error = "\"rx-bps=1\" is neither" },
		{ "a,", .error = "\"\" is neither" },
		{ "a,id=", .error = "an id has 1 to 20 letters" },
		{ "a,id=123456789012345678901", .error = "an id has 1 to 20 letters" },
		{ "a,id=x/y", .error = "an id has 1 to 20 letters" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct disk_options opt;
		struct err err = { 0 };
		int rc = disk_parse(cases[i].text, &opt, &err);

		assert_int_equal(rc, cases[i].error ? -EINVAL : 0);
		if (cases[i].error) {
			assert_non_null(strstr(err.text, cases[i].error));
			assert_non_null(strstr(err.text, "--disk "));
		} else {
			assert_string_equal(opt.file, cases[i].file);
			assert_string_equal(opt.id, cases[i].id);
			assert_int_equal(opt.readonly, cases[i].readonly);
		}
		disk_options_free(&opt);
	}
}

/* A file of that size which is gone with its fd; its path for others. */
static int make_file(off_t bytes, char path[32])
{
	char name[] = "/tmp/ctr-disk-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(fd, bytes), 0);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void test_file_that_is_no_disk_is_refused(void **state)
{
	char sizes[2][32];
	CLEAN(fd) int empty = make_file(0, sizes[0]);
	CLEAN(fd) int odd = make_file(1000, sizes[1]);
	const struct {
		char *file;
		int code;
		const char *error;
	} cases[] = {
		{ sizes[0], EINVAL, "it is empty; truncate -s 1G" },
		{ sizes[1], EINVAL, "its size, 1000 bytes, is not a multiple of 512" },
		{ "/tmp", EISDIR, "open the disk /tmp" },
		{ "/dev/zero", EINVAL, "neither a regular file nor a block device" },
		{ "/nowhere/a", ENOENT, "open the disk /nowhere/a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct disk_options opt = { .file = cases[i].file };
		struct disk d = DISK_NONE;
		struct err err = { 0 };

		assert_int_equal(disk_open(&opt, &d, &err), -cases[i].code);
		assert_non_null(strstr(err.text, cases[i].error));
		assert_int_equal(d.fd, -1);
	}
}

static void test_disk_has_one_writer_or_many_readers(void **state)
{
	static const struct {
		bool first, second;
		int rc;
	} cases[] = {
		{ false, false, -EBUSY },
		{ false, true, -EBUSY },
		{ true, false, -EBUSY },
		{ true, true, 0 },
	};
	char path[32];
	CLEAN(fd) int fd = make_file(4096, path);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(disk) struct disk a = DISK_NONE, b = DISK_NONE;
		struct disk_options opt = { .file = path, .readonly = cases[i].first };
		struct err err = { 0 };

		assert_int_equal(disk_open(&opt, &a, &err), 0);
		assert_int_equal(a.bytes, 4096);
		assert_int_equal(fcntl(a.fd, F_GETFL) & O_ACCMODE,
				 cases[i].first ? O_RDONLY : O_RDWR);
		opt.readonly = cases[i].second;
		assert_int_equal(disk_open(&opt, &b, &err), cases[i].rc);
		if (cases[i].rc)
			assert_non_null(strstr(err.text, "somebody else has it locked"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flag),
		cmocka_unit_test(test_file_that_is_no_disk_is_refused),
		cmocka_unit_test(test_disk_has_one_writer_or_many_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
