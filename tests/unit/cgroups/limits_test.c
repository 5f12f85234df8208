/*
 * Limits reach the kernel, a refusal says whose key it was and which rule was broken. Most of it
 * needs controllers that a hybrid host has given to cgroup v1: those tests are in the list only
 * where the controllers are (the test VM: tests/integration/vm-cgroups-units.bats).
 */
#include "limits.h"

#include "base/file.h"
#include "base/process.h"
#include "cgroups/stats.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- also on a hybrid host, where hugetlb is the only one ---------------------------- */

static void test_controller_is_enabled_on_the_way_down_and_no_other(void **state)
{
	char words[256];
	CLEAN(fd) int base = -1;

	(void)state;
	SPEC_ADD(&res.hugepages)->page_size = "2MB";
	res.hugepages.items[0].limit = 64 << 20;
	assert_works(apply_new(), &err);
	assert_string_equal(now("hugetlb.2MB.max"), "67108864");
	assert_string_equal(now("hugetlb.2MB.rsvd.max"), "67108864");
	base = cgroup_open(&util_host, util_base, &err);
	assert_true(cgroup_read(base, "cgroup.subtree_control", words, sizeof(words)) >= 0);
	assert_string_equal(words, "hugetlb");
}

static void test_group_with_processes_cannot_hand_controllers_down(void **state)
{
	int pidfd = -1, holder = -1;

	(void)state;
	assert_works(cgroup_make(&util_host, util_path("limit"), NULL, &holder, NULL, &err), &err);
	util_child(holder, &pidfd);
	SPEC_ADD(&res.hugepages)->page_size = "2MB";
	assert_fails(
		apply_new(), &err, EBUSY,
		"/limit: can't hand +hugetlb down, because the group has processes of its own");
	util_end(&pidfd);
	close(holder);
	assert_works(cgroup_remove(&util_host, util_path("limit"), 1, 1000, &err), &err);
}

static void test_page_size_that_the_kernel_lacks_is_named(void **state)
{
	(void)state;
	SPEC_ADD(&res.hugepages)->page_size = "3MB";
	assert_fails(apply_new(), &err, ENOTSUP,
		     "linux.resources.hugepageLimits[0]: this kernel has no hugetlb.3MB.max and no "
		     "hugetlb.3MB.rsvd.max in this group; leave the limit out");
}

static void test_refusal_names_key_file_value_and_rule(void **state)
{
	(void)state;
	unified("hugetlb.2MB.max=nonsense");
	assert_fails(apply_new(), &err, EINVAL,
		     "linux.resources.unified.hugetlb.2MB.max: the kernel refuses \"nonsense\" for "
		     "hugetlb.2MB.max: Invalid argument: the size has to be a number of bytes");
}

/* ---- where controllers are missing --------------------------------------------------- */

static void test_missing_controller_is_named_with_the_hosts_layout(void **state)
{
	(void)state;
	res.memory.limit = I64(64 << 20);
	assert_fails(
		apply_new(), &err, ENOTSUP,
		"linux.resources.memory.limit: cgroup v2 has no controller \"memory\" here: this host "
		"is hybrid: ");
	assert_non_null(
		strstr(err.text, "the cgroup2 tree at /sys/fs/cgroup/unified has only hugetlb"));
	res.memory.limit.set = false;
	res.cpu.cpus = "0";
	assert_fails(apply_new(), &err, ENOTSUP,
		     "linux.resources.cpu.cpus: cgroup v2 has no controller \"cpuset\" here");
}

static void test_default_without_its_controller_is_left_out_with_a_warning(void **state)
{
	(void)state;
	res.pids_limit = I64(-1);
	res.cpu.shares = U64(1024);
	assert_works(apply_new(), &err);
	assert_int_equal(made.count, 0);
	assert_int_equal(warnings.count, 2);
	assert_non_null(strstr(warnings.items[0],
			       "linux.resources.cpu.shares: left out: it is the "
			       "default and the controller \"cpu\" is not available"));
	assert_non_null(strstr(warnings.items[1], "linux.resources.pids.limit: left out"));
}

/* ---- where all controllers are ------------------------------------------------------- */

static void test_limits_read_back_as_asked_for(void **state)
{
	(void)state;
	res.memory.limit = I64(64 << 20);
	res.memory.swap = I64(96 << 20);
	res.memory.reservation = I64(16 << 20);
	res.cpu.shares = U64(2000);
	res.cpu.quota_us = I64(50000);
	res.cpu.period_us = U64(200000);
	res.cpu.burst_us = U64(10000);
	res.cpu.cpus = "0";
	res.cpu.mems = "0";
	res.pids_limit = I64(33);
	unified("memory.high=60000000");
	assert_works(apply_new(), &err);
	assert_string_equal(now("memory.max"), "67108864");
	assert_string_equal(now("memory.swap.max"), "33554432");
	assert_string_equal(now("memory.low"), "16777216");
	assert_string_equal(now("memory.high"), "59998208"); /* whole pages */
	assert_string_equal(now("cpu.weight"), "170");
	assert_string_equal(now("cpu.max"), "50000 200000");
	assert_string_equal(now("cpu.max.burst"), "10000");
	assert_string_equal(now("cpuset.cpus"), "0");
	assert_string_equal(now("cpuset.mems"), "0");
	assert_string_equal(now("pids.max"), "33");
}

static void test_default_needs_no_controller(void **state)
{
	char words[256];
	CLEAN(fd) int base = -1;

	(void)state;
	res.pids_limit = I64(-1);
	res.cpu.shares = U64(1024);
	res.memory.limit = I64(64 << 20);
	assert_works(apply_new(), &err);
	assert_int_equal(made.count, 3);
	base = cgroup_open(&util_host, util_base, &err);
	assert_true(cgroup_read(base, "cgroup.subtree_control", words, sizeof(words)) >= 0);
	assert_string_equal(words, "memory");
	/* Without the controller there is nothing to set back. */
	assert_works(apply_update(), &err);
	assert_int_equal(warnings.count, 0);
}

static void test_update_finds_the_order_that_the_kernel_takes(void **state)
{
	(void)state;
	res.cpu.quota_us = I64(50000);
	res.cpu.burst_us = U64(50000);
	assert_works(apply_new(), &err);
	/* The quota can't go below the burst first ... */
	res.cpu.quota_us = I64(20000);
	res.cpu.burst_us = U64(10000);
	assert_works(apply_update(), &err);
	assert_string_equal(now("cpu.max"), "20000 100000");
	assert_string_equal(now("cpu.max.burst"), "10000");
	/* ... nor the burst above the quota. */
	res.cpu.quota_us = I64(80000);
	res.cpu.burst_us = U64(70000);
	assert_works(apply_update(), &err);
	assert_string_equal(now("cpu.max.burst"), "70000");
	res.cpu.burst_us.set = false;
	res.cpu.quota_us = I64(20000);
	assert_fails(apply_update(), &err, EINVAL,
		     "linux.resources.cpu.quota: the kernel refuses \"20000\" for cpu.max: Invalid "
		     "argument: the quota is below the burst");
}

static void test_new_period_keeps_the_quota(void **state)
{
	(void)state;
	res.cpu.quota_us = I64(50000);
	assert_works(apply_new(), &err);
	res.cpu.quota_us.set = false;
	res.cpu.period_us = U64(400000);
	assert_works(apply_update(), &err);
	assert_string_equal(now("cpu.max"), "50000 400000");
	/* And a default is a value like any other once there was another. */
	res.cpu.period_us.set = false;
	res.cpu.quota_us = I64(-1);
	assert_works(apply_update(), &err);
	assert_string_equal(now("cpu.max"), "max 400000");
}

static void test_idle_and_weight(void **state)
{
	(void)state;
	res.cpu.shares = U64(2000);
	res.cpu.idle = I64(1);
	assert_works(apply_new(), &err);
	assert_string_equal(now("cpu.idle"), "1");
	res.cpu.idle.set = false;
	assert_fails(apply_update(), &err, EINVAL,
		     "the group is idle (cpu.idle is 1) and so has no weight");
	res.cpu.idle = I64(0);
	assert_works(apply_update(), &err);
	assert_string_equal(now("cpu.weight"), "170");
}

static void test_refusals_of_the_kernel_with_their_rules(void **state)
{
	struct spec_throttle *t;

	(void)state;
	res.cpu.mems = "63";
	assert_fails(apply_new(), &err, EINVAL,
		     "linux.resources.cpu.mems: the kernel refuses \"63\" for cpuset.mems: Invalid "
		     "argument: the list names a memory node that this host doesn't have");
	res.cpu.mems = NULL;
	t = SPEC_ADD(&res.block_io.read_bps);
	*t = (struct spec_throttle){ 4000, 7, 1000 };
	close(group);
	group = -1;
	assert_fails(
		apply_new(), &err, ENODEV,
		"linux.resources.blockIO.throttleReadBpsDevice[0]: the kernel refuses \"4000:7 "
		"rbps=1000\" for io.max: No such device: there is no such disk");
	res.block_io.read_bps.count = 0;
	unified("cpuset.cpus.partition=root");
	close(group);
	group = -1;
	assert_fails(
		apply_new(), &err, EINVAL,
		"linux.resources.unified.cpuset.cpus.partition: the kernel can't make a partition "
		"\"root\" here: invalid (");
	unified("memory.nosuch=1");
	close(group);
	group = -1;
	assert_fails(apply_new(), &err, ENOTSUP,
		     "linux.resources.unified.memory.nosuch: this kernel has no memory.nosuch");
}

static void test_disk_limit(void **state)
{
	CLEAN(free) char *dev = NULL;
	struct err ignored;
	long long major, minor;

	(void)state;
	assert_works(file_read(AT_FDCWD, "/sys/block/vda/dev", 8192, &dev, NULL, &ignored),
		     &ignored);
	assert_int_equal(sscanf(dev, "%lld:%lld", &major, &minor), 2);
	*SPEC_ADD(&res.block_io.read_bps) = (struct spec_throttle){ major, minor, 1 << 20 };
	assert_works(apply_new(), &err);
	assert_non_null(strstr(now("io.max"), "rbps=1048576 wbps=max"));
	res.block_io.read_bps.items[0].rate = 0;
	assert_works(apply_update(), &err);
	assert_string_equal(now("io.max"), "");
}

static void test_memory_limit_kills_and_is_counted(void **state)
{
	struct cgroup_stats s;
	uint64_t kills = 0;
	int pidfd = -1, status;

	(void)state;
	res.memory.limit = I64(16 << 20);
	res.memory.swap = I64(16 << 20);
	assert_works(apply_new(), &err);
	assert_true(hog(64 << 20, &pidfd) > 0);
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	assert_int_equal(process_exit_code(status), 128 + SIGKILL);
	assert_int_equal(cgroup_oom_kills(group, &kills), 0);
	assert_int_equal(kills, 1);
	assert_works(cgroup_stats_read(group, &s, &err), &err);
	assert_true(s.memory.set);
	assert_int_equal(s.memory.oom_kills, 1);
	assert_int_equal(s.memory.max_bytes, 16 << 20);
	assert_int_equal(s.memory.swap_max_bytes, 0);
	assert_in_range(s.memory.peak_bytes, 8 << 20, 16 << 20);
}

static void test_limit_below_what_is_in_use_is_refused_when_asked_to(void **state)
{
	int pidfd = -1, i;
	uint64_t used = 0;

	(void)state;
	res.memory.limit = I64(64 << 20);
	assert_works(apply_new(), &err);
	assert_true(hog(24 << 20, &pidfd) > 0);
	for (i = 0; i < 1000 && used < 24 << 20; i++) {
		usleep(10000);
		used = strtoull(now("memory.current"), NULL, 10);
	}
	res.memory.limit = I64(8 << 20);
	res.memory.check_before_update = I64(1);
	assert_fails(apply_update(), &err, EBUSY,
		     "linux.resources.memory.limit: 8388608 is less than the ");
	assert_string_equal(now("memory.max"), "67108864");
	util_end(&pidfd);
}

static void test_pids_limit_stops_a_fork_bomb(void **state)
{
	struct cgroup_stats s;
	int pidfd = -1, status;
	pid_t pid;

	(void)state;
	res.pids_limit = I64(5);
	assert_works(apply_new(), &err);
	pid = process_clone(0, group, &pidfd);
	if (pid == 0) {
		int forked = 0;

		while (forked < 50 && (pid = fork()) > 0)
			forked++;
		if (pid == 0)
			for (;;)
				pause();
		_exit(forked);
	}
	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	assert_int_equal(WEXITSTATUS(status), 4);
	assert_works(cgroup_stats_read(group, &s, &err), &err);
	assert_int_equal(s.pids.current, 4);
	assert_int_equal(s.pids.max, 5);
	assert_works(cgroup_kill(group, &err), &err);
}

int main(void)
{
	const struct CMUnitTest everywhere[] = {
		LIMITS_TEST(test_controller_is_enabled_on_the_way_down_and_no_other),
		LIMITS_TEST(test_group_with_processes_cannot_hand_controllers_down),
		LIMITS_TEST(test_page_size_that_the_kernel_lacks_is_named),
		LIMITS_TEST(test_refusal_names_key_file_value_and_rule),
	};
	const struct CMUnitTest hybrid[] = {
		LIMITS_TEST(test_missing_controller_is_named_with_the_hosts_layout),
		LIMITS_TEST(test_default_without_its_controller_is_left_out_with_a_warning),
	};
	const struct CMUnitTest unified_only[] = {
		LIMITS_TEST(test_limits_read_back_as_asked_for),
		LIMITS_TEST(test_default_needs_no_controller),
		LIMITS_TEST(test_update_finds_the_order_that_the_kernel_takes),
		LIMITS_TEST(test_new_period_keeps_the_quota),
		LIMITS_TEST(test_idle_and_weight),
		LIMITS_TEST(test_refusals_of_the_kernel_with_their_rules),
		LIMITS_TEST(test_disk_limit),
		LIMITS_TEST(test_memory_limit_kills_and_is_counted),
		LIMITS_TEST(test_limit_below_what_is_in_use_is_refused_when_asked_to),
		LIMITS_TEST(test_pids_limit_stops_a_fork_bomb),
	};
	int failed = cmocka_run_group_tests(everywhere, util_setup, util_teardown);

	if (util_has("memory"))
		return failed + cmocka_run_group_tests(unified_only, util_setup, util_teardown);
	return failed + cmocka_run_group_tests(hybrid, util_setup, util_teardown);
}
