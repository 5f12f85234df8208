/* Groups are made, filled, frozen, emptied and removed, and nothing of them is left. */
#include "util.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "cgroups/leaf.h"
#include "cgroups/stats.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *path)
{
	CLEAN(free) char *at = xasprintf(".%s", path);

	return faccessat(util_host.fd, at, F_OK, 0) == 0;
}

static int make(const char *name)
{
	struct err err = { 0 };
	int fd = -1;

	assert_works(cgroup_make(&util_host, util_path(name), NULL, &fd, NULL, &err), &err);
	return fd;
}

/* ---- made and removed -------------------------------------------------------------- */

static void test_missing_groups_above_are_made_and_taken_away_again(void **state)
{
	struct err err = { 0 };
	int fd = -1, made = -1;

	(void)state;
	assert_works(cgroup_make(&util_host, util_path("a/b/c"), NULL, &fd, &made, &err), &err);
	assert_int_equal(made, 4); /* the test's own base too */
	close(fd);
	assert_true(exists(util_path("a/b/c")));
	assert_works(cgroup_remove(&util_host, util_path("a/b/c"), 1, 0, &err), &err);
	assert_true(exists(util_path("a")));
	assert_false(exists(util_path("a/b")));
	assert_works(cgroup_remove(&util_host, util_path("a"), 1, 0, &err), &err);
	assert_false(exists(util_base));
	/* Once more is no failure. */
	assert_works(cgroup_remove(&util_host, util_path("a"), 1, 0, &err), &err);
}

static void test_group_above_with_a_neighbour_stays(void **state)
{
	struct err err = { 0 };

	(void)state;
	close(make("p/one"));
	close(make("p/two"));
	assert_works(cgroup_remove(&util_host, util_path("p/one"), 2, 0, &err), &err);
	assert_true(exists(util_path("p/two")));
	assert_works(cgroup_remove(&util_host, util_path("p/two"), 2, 0, &err), &err);
	assert_false(exists(util_base));
}

static void test_empty_group_is_taken_without_its_old_limits(void **state)
{
	struct err err = { 0 };
	char now[32];
	int fd = make("old"), made = -1;

	(void)state;
	assert_int_equal(file_poke(fd, "cgroup.max.descendants", "3"), 0);
	close(fd);
	assert_works(cgroup_make(&util_host, util_path("old"), NULL, &fd, &made, &err), &err);
	assert_int_equal(made, 1);
	assert_true(cgroup_read(fd, "cgroup.max.descendants", now, sizeof(now)) > 0);
	assert_string_equal(now, "max");
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("old"), 1, 0, &err), &err);
}

static void test_group_in_use_is_refused(void **state)
{
	struct err err = { 0 };
	int fd = make("busy"), again = -1, pidfd = -1;

	(void)state;
	util_child(fd, &pidfd);
	assert_fails(cgroup_make(&util_host, util_path("busy"), NULL, &again, NULL, &err), &err,
		     EEXIST, "the group \"busy\" exists already and has processes or groups in it");
	util_end(&pidfd);
	close(make("busy/below"));
	assert_fails(cgroup_make(&util_host, util_path("busy"), NULL, &again, NULL, &err), &err,
		     EEXIST, "exists already");
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("busy"), 1, 1000, &err), &err);
	assert_false(exists(util_base));
}

static void test_failure_leaves_nothing(void **state)
{
	struct err err = { 0 };
	int fd = make("limit"), never = -1;

	(void)state;
	assert_int_equal(file_poke(fd, "cgroup.max.descendants", "2"), 0);
	close(fd);
	assert_fails(cgroup_make(&util_host, util_path("limit/1/2/3"), NULL, &never, NULL, &err),
		     &err, EAGAIN,
		     "cgroup.max.descendants or cgroup.max.depth of a group above is reached");
	assert_false(exists(util_path("limit/1")));
	assert_works(cgroup_remove(&util_host, util_path("limit"), 1, 0, &err), &err);
}

/* Deeper than any program holds fds for, and as wide as a service manager's tree. */
static void test_groups_that_a_container_left_are_removed(void **state)
{
	CLEAN(str) struct str path = { 0 };
	struct err err = { 0 };
	char name[32];
	int i, fd = make("deep"), at = dup(fd), next;

	(void)state;
	for (i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(at, "d", 0755), 0);
		assert_true((next = openat(at, "d", O_RDONLY | O_DIRECTORY)) >= 0);
		close(at);
		at = next;
	}
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		snprintf(name, sizeof(name), "w%d/x", i);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
	}
	close(at);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("deep"), 1, 1000, &err), &err);
	assert_false(exists(util_base));
}

static void test_removing_a_group_in_use_names_the_processes(void **state)
{
	struct err err = { 0 };
	int fd = make("used"), pidfd = -1;
	char pid[32];

	(void)state;
	snprintf(pid, sizeof(pid), "still has 1 process in it: %d", (int)util_child(fd, &pidfd));
	assert_fails(cgroup_remove(&util_host, util_path("used"), 1, 20, &err), &err, EBUSY, pid);
	util_end(&pidfd);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("used"), 1, 1000, &err), &err);
}

static void test_removing_waits_for_the_last_process(void **state)
{
	struct err err = { 0 };
	int fd = make("soon"), pidfd = -1, status;
	pid_t pid = process_clone(0, fd, &pidfd);

	(void)state;
	if (pid == 0) {
		usleep(60000);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_works(cgroup_remove(&util_host, util_path("soon"), 1, 5000, &err), &err);
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	close(fd);
	assert_false(exists(util_base));
}

/* ---- processes ---------------------------------------------------------------------- */

static void test_pids_are_those_below_too(void **state)
{
	CLEAN(free) pid_t *pids = NULL, *own = NULL;
	struct err err = { 0 };
	int fd = make("tree"), below = make("tree/x/y"), pidfd[2] = { -1, -1 };
	size_t count = 99, own_count = 99;
	pid_t first, second;

	(void)state;
	assert_int_equal(cgroup_populated(fd), 0);
	first = util_child(fd, &pidfd[0]);
	second = util_child(below, &pidfd[1]);
	assert_int_equal(cgroup_populated(fd), 1);
	assert_works(cgroup_pids(fd, false, &own, &own_count, &err), &err);
	assert_int_equal(own_count, 1);
	assert_int_equal(own[0], first);
	assert_works(cgroup_pids(fd, true, &pids, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_int_equal(pids[0] + pids[1], first + second);
	util_end(&pidfd[0]);
	util_end(&pidfd[1]);
	close(below);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("tree"), 1, 1000, &err), &err);
}

static void test_kill_takes_all_and_is_waited_for_without_sleep(void **state)
{
	struct err err = { 0 };
	int fd = make("kill"), below = make("kill/x"), pidfd[2] = { -1, -1 };
	uint64_t before;

	(void)state;
	util_child(fd, &pidfd[0]);
	util_child(below, &pidfd[1]);
	before = clock_now_ns();
	assert_works(cgroup_kill(fd, &err), &err);
	assert_int_equal(cgroup_wait_empty(fd, 5000), 0);
	assert_in_range(clock_now_ns() - before, 0, 2000000000);
	assert_true(process_ended(pidfd[0], 1000) && process_ended(pidfd[1], 1000));
	util_end(&pidfd[0]);
	util_end(&pidfd[1]);
	close(below);
	assert_works(cgroup_remove(&util_host, util_path("kill"), 1, 1000, &err), &err);
	/* What is gone is empty, and killing it is done. */
	assert_int_equal(cgroup_wait_empty(fd, 0), 0);
	assert_works(cgroup_kill(fd, &err), &err);
	close(fd);
}

static void test_waiting_ends_at_its_limit(void **state)
{
	struct err err = { 0 };
	int fd = make("wait"), pidfd = -1;
	uint64_t before = clock_now_ns();

	(void)state;
	util_child(fd, &pidfd);
	assert_int_equal(cgroup_wait_empty(fd, 0), -ETIMEDOUT);
	assert_int_equal(cgroup_wait_empty(fd, 50), -ETIMEDOUT);
	assert_in_range(clock_now_ns() - before, 49000000, 2000000000);
	util_end(&pidfd);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("wait"), 1, 1000, &err), &err);
}

static void test_frozen_processes_stand_still_and_can_be_killed(void **state)
{
	struct err err = { 0 };
	int fd = make("ice"), pidfd = -1, counter[2], i;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(counter, O_NONBLOCK), 0);
	pid = process_clone(0, fd, &pidfd);
	if (pid == 0)
		for (;; usleep(500))
			(void)!write(counter[1], "x", 1);
	assert_int_equal(cgroup_frozen(fd), 0);
	assert_works(cgroup_freeze(fd, true, 5000, &err), &err);
	assert_int_equal(cgroup_frozen(fd), 1);
	while (read(counter[0], &byte, 1) == 1)
		;
	usleep(20000);
	assert_int_equal(read(counter[0], &byte, 1), -1);
	assert_works(cgroup_freeze(fd, false, 5000, &err), &err);
	assert_int_equal(cgroup_frozen(fd), 0);
	for (i = 0; i < 2000 && read(counter[0], &byte, 1) != 1; i++)
		usleep(1000);
	assert_true(i < 2000);
	assert_works(cgroup_freeze(fd, true, 5000, &err), &err);
	assert_works(cgroup_kill(fd, &err), &err);
	assert_int_equal(cgroup_wait_empty(fd, 5000), 0);
	util_end(&pidfd);
	close(counter[0]);
	close(counter[1]);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("ice"), 1, 1000, &err), &err);
}

/* Also the way to kill where there is no cgroup.kill. */
static void test_signal_reaches_all_and_leaves_the_freezer_as_it_was(void **state)
{
	struct err err = { 0 };
	int fd = make("sig"), below = make("sig/x"), pidfd[2] = { -1, -1 };
	char freezer[8];

	(void)state;
	util_child(fd, &pidfd[0]);
	util_child(below, &pidfd[1]);
	assert_works(cgroup_signal(fd, SIGTERM, &err), &err);
	assert_true(process_ended(pidfd[0], 5000) && process_ended(pidfd[1], 5000));
	/* What was asked for: of a group of the dead Linux 6.18 says now and then that it is frozen. */
	assert_true(cgroup_read(fd, "cgroup.freeze", freezer, sizeof(freezer)) == 1);
	assert_string_equal(freezer, "0");
	util_end(&pidfd[0]);
	util_child(fd, &pidfd[0]);
	assert_works(cgroup_freeze(fd, true, 5000, &err), &err);
	assert_works(cgroup_signal(fd, SIGTERM, &err), &err);
	/* Whether a frozen process dies of it now or once thawed is the kernel's choice. */
	assert_true(cgroup_read(fd, "cgroup.freeze", freezer, sizeof(freezer)) == 1);
	assert_string_equal(freezer, "1");
	assert_works(cgroup_freeze(fd, false, 5000, &err), &err);
	assert_true(process_ended(pidfd[0], 5000));
	util_end(&pidfd[0]);
	util_end(&pidfd[1]);
	close(below);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("sig"), 1, 1000, &err), &err);
}

static void test_statistics_of_a_group(void **state)
{
	struct cgroup_stats s;
	struct err err = { 0 };
	int fd = make("stat"), pidfd = -1, status;
	uint64_t kills = 7, before = clock_now_ns();
	pid_t pid = process_clone(0, fd, &pidfd);

	(void)state;
	if (pid == 0) {
		while (clock_now_ns() - before < 30000000)
			;
		_exit(0);
	}
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	assert_works(cgroup_stats_read(fd, &s, &err), &err);
	assert_true(s.cpu.set);
	assert_in_range(s.cpu.usage_us, 1000, 10000000);
	assert_int_equal(s.memory.set, faccessat(fd, "memory.current", F_OK, 0) == 0);
	assert_int_equal(cgroup_oom_kills(fd, &kills), 0);
	assert_int_equal(kills, 0);
	close(fd);
	assert_works(cgroup_remove(&util_host, util_path("stat"), 1, 1000, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_groups_above_are_made_and_taken_away_again),
		cmocka_unit_test(test_group_above_with_a_neighbour_stays),
		cmocka_unit_test(test_empty_group_is_taken_without_its_old_limits),
		cmocka_unit_test(test_group_in_use_is_refused),
		cmocka_unit_test(test_failure_leaves_nothing),
		cmocka_unit_test(test_groups_that_a_container_left_are_removed),
		cmocka_unit_test(test_removing_a_group_in_use_names_the_processes),
		cmocka_unit_test(test_removing_waits_for_the_last_process),
		cmocka_unit_test(test_pids_are_those_below_too),
		cmocka_unit_test(test_kill_takes_all_and_is_waited_for_without_sleep),
		cmocka_unit_test(test_waiting_ends_at_its_limit),
		cmocka_unit_test(test_frozen_processes_stand_still_and_can_be_killed),
		cmocka_unit_test(test_signal_reaches_all_and_leaves_the_freezer_as_it_was),
		cmocka_unit_test(test_statistics_of_a_group),
	};

	return cmocka_run_group_tests(tests, util_setup, util_teardown);
}
