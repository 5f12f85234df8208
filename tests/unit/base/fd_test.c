#include "base/fd.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder whose path alone is longer than sun_path. */
static int deep_folder(char *top)
{
	char name[121];
	int fd, deep;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_non_null(mkdtemp(top));
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, name, 0700), 0);
	deep = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(deep >= 0);
	close(fd);
	return deep;
}

static void test_a_socket_is_bound_and_reached_in_a_folder_with_a_long_path(void **state)
{
	char top[] = "/tmp/ctr-fd-XXXXXX", c = 0;
	CLEAN(fd) int dir = deep_folder(top);
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CLEAN(fd) int ours = -1;
	CLEAN(fd) int theirs = -1;
	struct err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(fd_connect_at(dir, "s", SOCK_SEQPACKET), -ENOENT);
	assert_int_equal(fd_bind_at(sock, dir, "s"), 0);
	assert_int_equal(fstatat(dir, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	assert_int_equal(fd_connect_at(dir, "s", SOCK_SEQPACKET), -ECONNREFUSED);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(listen(sock, 0), 0);
	ours = fd_connect_at(dir, "s", SOCK_SEQPACKET);
	assert_true(ours >= 0);
	assert_int_equal(fcntl(ours, F_GETFD), FD_CLOEXEC);
	/* One may wait, no more: that is no reason to think that nobody listens. */
	assert_int_equal(fd_connect_at(dir, "s", SOCK_SEQPACKET | SOCK_NONBLOCK), -EAGAIN);
	theirs = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(write(ours, "x", 1), 1);
	assert_int_equal(read(theirs, &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(file_remove_tree(AT_FDCWD, top, &err), 0);
}

static void test_a_socket_that_can_not_be_bound_says_why_and_leaves_the_umask(void **state)
{
	char top[] = "/tmp/ctr-fd-XXXXXX", name[101];
	CLEAN(fd) int dir = deep_folder(top);
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err err = { 0 };
	mode_t before = umask(027);

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fd_bind_at(sock, dir, name), -ENAMETOOLONG);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(fd_connect_at(dir, name, SOCK_STREAM), -ENAMETOOLONG);
	assert_int_equal(mkdirat(dir, "s", 0700), 0);
	assert_int_equal(fd_bind_at(sock, dir, "s"), -EADDRINUSE);
	assert_int_equal(umask(before), 027);
	assert_int_equal(file_remove_tree(AT_FDCWD, top, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_socket_is_bound_and_reached_in_a_folder_with_a_long_path),
		cmocka_unit_test(test_a_socket_that_can_not_be_bound_says_why_and_leaves_the_umask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
