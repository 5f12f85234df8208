/* The same cases with openat2 and, by a filter that says ENOSYS to it, with the walk of fds. */
#include "base/path.h"

#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char base[] = "/tmp/ctr-path-XXXXXX";
static int root = -1; /* base/root; base/secret lies beside it */

static int set_up(void **state)
{
	int top;

	(void)state;
	if (!mkdtemp(base))
		return -1;
	top = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || mkdirat(top, "root", 0755) || mkdirat(top, "secret", 0755))
		return -1;
	root = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(top);
	return root < 0 || mkdirat(root, "etc", 0755) || mkdirat(root, "etc/sub", 0755) ||
			       symlinkat("/etc", root, "abs") ||
			       symlinkat("../../../../secret", root, "out") ||
			       symlinkat("../../..", root, "etc/up") ||
			       symlinkat("loop", root, "loop") ||
			       symlinkat("nowhere", root, "dangling") ?
		       -1 :
		       0;
}

static int tear_down(void **state)
{
	struct err err;

	(void)state;
	close(root);
	return file_remove_tree(AT_FDCWD, base, &err);
}

static bool same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(root, path, &b, 0) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static void test_links_stay_inside(void **state)
{
	static const struct {
		const char *path, *is;
	} cases[] = {
		{ "/", "." },
		{ "abs/sub", "etc/sub" },
		{ "/abs", "etc" },
		{ "etc/up", "." },
		{ "etc/up/etc", "etc" },
		{ "../../etc", "etc" },
		{ "etc/../abs/sub/..", "etc" },
		{ "etc//sub/./", "etc/sub" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = path_open_in_root(root, cases[i].path, O_PATH, 0, &err);

		assert_true(fd >= 0);
		assert_true(same(fd, cases[i].is));
		close(fd);
	}
	assert_int_equal(path_open_in_root(root, "out", O_PATH, 0, &err), -ENOENT);
	assert_int_equal(path_open_in_root(root, "loop", O_PATH, 0, &err), -ELOOP);
	assert_int_equal(path_open_in_root(root, "etc/none/x", O_PATH, 0, &err), -ENOENT);
}

static void test_what_is_made_is_made_inside(void **state)
{
	struct err err;
	int fd = path_make_in_root(root, "/out/deep/er", true, &err);

	(void)state;
	/* "out" dangles in the root: what it points to is not ours to make. */
	assert_true(fd < 0);
	fd = path_make_in_root(root, "/abs/new/file", false, &err);
	assert_true(fd >= 0);
	assert_true(same(fd, "etc/new/file"));
	close(fd);
	assert_int_equal(path_make_in_root(root, "/etc", false, &err), -EISDIR);
	assert_int_equal(path_make_in_root(root, "/etc/new/file/x", true, &err), -ENOTDIR);
	assert_int_equal(unlinkat(root, "etc/new/file", 0), 0);
	assert_int_equal(unlinkat(root, "etc/new", AT_REMOVEDIR), 0);
}

static void test_parent_of_a_name(void **state)
{
	const char *name = NULL;
	struct err err;
	int fd = path_open_parent_in_root(root, "/abs/x", false, &name, &err);

	(void)state;
	assert_true(fd >= 0 && same(fd, "etc"));
	assert_string_equal(name, "x");
	close(fd);
	assert_int_equal(path_open_parent_in_root(root, "/abs/..", false, &name, &err), -EINVAL);
	assert_int_equal(path_open_parent_in_root(root, "", false, &name, &err), -EINVAL);
}

static void test_clean_is_text_alone(void **state)
{
	static const char *const cases[][2] = {
		{ "/a//b/./c/../d", "/a/b/d" },
		{ "..", "/" },
		{ "", "/" },
		{ "a/b/", "/a/b" },
		{ "/../a", "/a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(free) char *clean = path_clean(cases[i][0]);

		assert_string_equal(clean, cases[i][1]);
		assert_true(path_is_clean(clean));
	}
	assert_false(path_is_clean("a"));
	assert_false(path_is_clean("/a/"));
	assert_false(path_is_clean("/a/.."));
	assert_false(path_is_clean("//a"));
}

/* From here on openat2 is a system call that this kernel doesn't have. */
static int without_openat2(void **state)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_LEN(filter), .filter = filter };

	(void)state;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return -1;
	return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno == ENOSYS ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links_stay_inside),
		cmocka_unit_test(test_what_is_made_is_made_inside),
		cmocka_unit_test(test_parent_of_a_name),
		cmocka_unit_test(test_clean_is_text_alone),
		cmocka_unit_test_setup(test_links_stay_inside, without_openat2),
		cmocka_unit_test(test_what_is_made_is_made_inside),
		cmocka_unit_test(test_parent_of_a_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
