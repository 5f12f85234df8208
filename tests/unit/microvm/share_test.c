#include "base/str.h"
#include "microvm/share.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TAG_36 "123456789012345678901234567890123456"

static void test_flag(void **state)
{
	static const struct {
		const char *text, *tag;
		bool readonly;
		const char *error; /* NULL: it's right */
		int code;
	} cases[] = {
		{ "a=/", "a" },
		{ "a=/,readonly", "a", true },
		{ TAG_36 "=/tmp", TAG_36 },
		{ "/a.b-c_D/e=/", "/a.b-c_D/e" },
		{ "", .error = "a tag, by which the guest mounts it", .code = EINVAL },
		{ "/tmp", .error = "a tag, by which the guest mounts it", .code = EINVAL },
		{ "=/tmp", .error = "has 1 to 36 letters", .code = EINVAL },
		{ TAG_36 "7=/tmp", .error = "has 1 to 36 letters", .code = EINVAL },
		{ "a b=/tmp", .error = "has 1 to 36 letters", .code = EINVAL },
		{ "a=", .error = "which folder?", .code = EINVAL },
		{ "a=,readonly", .error = "which folder?", .code = EINVAL },
		{ "a=/,ro", .error = "\"ro\" is not readonly", .code = EINVAL },
		{ "a=/,", .error = "\"\" is not readonly", .code = EINVAL },
		{ "a=/nowhere", .error = "open the folder /nowhere", .code = ENOENT },
		{ "a=/dev/null", .error = "open the folder /dev/null", .code = ENOTDIR },
		{ "a=fd:99999", .error = "open the folder fd:99999", .code = EBADF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct share_options opt;
		struct err err = { 0 };
		struct stat st;
		int rc = share_parse(cases[i].text, &opt, &err);

		assert_int_equal(rc, -cases[i].code);
		if (cases[i].error) {
			assert_non_null(strstr(err.text, cases[i].error));
			assert_non_null(strstr(err.text, "--share "));
		} else {
			assert_string_equal(opt.tag, cases[i].tag);
			assert_int_equal(opt.readonly, cases[i].readonly);
			assert_int_equal(fstat(opt.root, &st), 0);
			assert_true(S_ISDIR(st.st_mode));
		}
		share_options_free(&opt);
	}
}

static void test_folder_that_is_handed_over(void **state)
{
	CLEAN(fd) int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(free) char *text = xasprintf("a=fd:%d,readonly", fd);
	struct share_options opt;
	struct stat wanted, st;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(share_parse(text, &opt, &err), 0);
	assert_int_not_equal(opt.root, fd);
	assert_int_equal(fstat(fd, &wanted), 0);
	assert_int_equal(fstat(opt.root, &st), 0);
	assert_int_equal(st.st_ino, wanted.st_ino);
	assert_true(opt.readonly);
	share_options_free(&opt);
}

static void test_tags_are_different(void **state)
{
	struct share_options shares[] = { { .tag = "a" }, { .tag = "b" }, { .tag = "a" } };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(share_check(shares, 2, &err), 0);
	assert_int_equal(share_check(shares, 3, &err), -EINVAL);
	assert_non_null(strstr(err.text, "there are two of this tag"));
}

/* In a child, without the right to raise a hard limit: it can't be raised again. */
static void test_fds_are_divided(void **state)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct rlimit now, less = { 300, 2256 };
	int status;
	pid_t pid;

	(void)state;
	assert_in_range(share_fds_max(1), 64, 1 << 20);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	assert_int_equal(now.rlim_cur, now.rlim_max);
	assert_true(now.rlim_max >= less.rlim_max);
	pid = fork();
	if (pid == 0) {
		if (syscall(SYS_capset, &head, none) < 0 || setrlimit(RLIMIT_NOFILE, &less) < 0)
			_exit(1);
		_exit(share_fds_max(1) == 2000 && share_fds_max(4) == 500 &&
				      share_fds_max(100) == 64 &&
				      getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 2256 ?
			      0 :
			      2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flag),
		cmocka_unit_test(test_folder_that_is_handed_over),
		cmocka_unit_test(test_tags_are_different),
		cmocka_unit_test(test_fds_are_divided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
