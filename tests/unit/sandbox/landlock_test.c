/* Landlock: what a confined thread reaches. Each case in a process of its own, which can't be let out again. */
#include "sandbox/landlock.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/ctr-landlock-XXXXXX";

static char *at(const char *name)
{
	return xasprintf("%s/%s", root, name);
}

static void make(const char *name, bool folder)
{
	CLEAN(free) char *path = at(name);
	int fd = folder ? mkdir(path, 0755) : open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	if (!folder)
		close(fd);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	make("in", true);
	make("in/a", true);
	make("in/b", true);
	make("in/a/file", false);
	make("out", false);
	return 0;
}

static int teardown(void **state)
{
	CLEAN(free) char *command = xasprintf("rm -r %s", root);

	(void)state;
	return system(command);
}

/* errno of an open, 0: it worked. */
static int opens(const char *name, int flags)
{
	CLEAN(free) char *path = at(name);
	CLEAN(fd) int fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? errno : 0;
}

static int moves(const char *from, const char *to)
{
	CLEAN(free) char *a = at(from);
	CLEAN(free) char *b = at(to);

	return rename(a, b) < 0 ? errno : 0;
}

static int connects(void)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(9),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CLEAN(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
}

#define EXPECT(is, wanted)                                                      \
	do {                                                                    \
		int said = (is);                                                \
                                                                                \
		if (said != (wanted)) {                                         \
			fprintf(stderr, "%d: " #is " is %d\n", __LINE__, said); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

static void in_nothing(int open_before)
{
	struct err err = { 0 };
	char byte;

	EXPECT(landlock_confine(-1, &err), 1);
	EXPECT(opens("in/a/file", O_RDONLY), EACCES);
	EXPECT(opens("out", O_RDONLY), EACCES);
	EXPECT(opens("new", O_CREAT | O_WRONLY), EACCES);
	EXPECT(opens("in", O_DIRECTORY | O_RDONLY), EACCES);
	EXPECT(moves("in/a/file", "in/a/other"), EACCES);
	/* What is open stays so. */
	EXPECT((int)write(open_before, "x", 1), 1);
	EXPECT((int)pread(open_before, &byte, 1, 0), 1);
	if (landlock_version() >= 4)
		EXPECT(connects(), EACCES);
}

static void in_a_folder(int open_before)
{
	CLEAN(free) char *path = at("in");
	CLEAN(fd) int in = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err = { 0 };

	(void)open_before;
	EXPECT(landlock_confine(in, &err), 1);
	EXPECT(opens("in/a/file", O_RDWR), 0);
	EXPECT(opens("in/a/file", O_RDWR | O_TRUNC), 0);
	EXPECT(opens("in/new", O_CREAT | O_WRONLY), 0);
	EXPECT(moves("in/a/file", "in/b/file"), 0);
	EXPECT(opens("out", O_RDONLY), EACCES);
	EXPECT(opens("in/../out", O_RDONLY), EACCES);
	EXPECT(opens("new", O_CREAT | O_WRONLY), EACCES);
	EXPECT(moves("in/b/file", "file"), EACCES);
	/* A second time it can only become less. */
	EXPECT(landlock_confine(-1, &err), 1);
	EXPECT(opens("in/b/file", O_RDONLY), EACCES);
}

static void without_a_promise(int open_before)
{
	struct err err = { 0 };

	(void)open_before;
	EXPECT(setresuid(65534, 65534, 65534), 0);
	EXPECT(landlock_confine(-1, &err), -EPERM);
	EXPECT(strcmp(err.text, "confine a thread by Landlock: Operation not permitted"), 0);
}

static int apart(void (*what)(int open_before), bool promise)
{
	CLEAN(free) char *path = at("out");
	CLEAN(fd) int open_before = open(path, O_RDWR | O_CLOEXEC);
	pid_t pid;
	int status;

	assert_true(open_before >= 0);
	pid = fork();
	if (pid == 0) {
		if (promise)
			EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
		what(open_before);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* What a kernel without it does is shown where there is one: nothing happens, and 0 says so. */
static bool has_it(void)
{
	if (landlock_version() >= 2)
		return true;
	print_message("this kernel has no Landlock that could be tried\n");
	return getenv("CTR_STRICT") != NULL;
}

static void test_nothing_is_reached(void **state)
{
	(void)state;
	if (has_it())
		assert_int_equal(apart(in_nothing, true), 0);
}

static void test_a_folder_is_reached_and_nothing_else(void **state)
{
	(void)state;
	if (has_it())
		assert_int_equal(apart(in_a_folder, true), 0);
}

static void test_it_wants_the_promise(void **state)
{
	(void)state;
	if (has_it() && getuid() == 0)
		assert_int_equal(apart(without_a_promise, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_reached),
		cmocka_unit_test(test_a_folder_is_reached_and_nothing_else),
		cmocka_unit_test(test_it_wants_the_promise),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
