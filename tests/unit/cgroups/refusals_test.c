/* What no kernel would take is refused before anything is touched, with the key and the rule. */
#include "made.h"

#include <stdlib.h>

#define refused(code, words)                             \
	do {                                             \
		assert_fails(make(), &err, code, words); \
		assert_int_equal(made.count, 0);         \
	} while (0)

static void test_memory_refusals(void **state)
{
	(void)state;
	res.memory.limit = I64(-2);
	refused(EINVAL,
		"linux.resources.memory.limit: -2: a limit is -1 (none) or a positive number");
	res.memory.limit = I64(100);
	res.memory.swap = I64(99);
	refused(EINVAL,
		"linux.resources.memory.swap: 99 is less than memory.limit 100: it is memory and "
		"swap together");
	res.memory.swap = I64(-5);
	refused(EINVAL, "linux.resources.memory.swap: -5: a limit is");
	res.memory.swap = I64(100);
	res.memory.limit.set = false;
	refused(EINVAL, "linux.resources.memory.swap: it is memory and swap together, so it needs "
			"memory.limit too");
	res.memory.limit = I64(-1);
	refused(EINVAL, "so it needs memory.limit too");
	res.memory.swap.set = false;
	res.memory.reservation = I64(-2);
	refused(EINVAL, "linux.resources.memory.reservation: -2: has to be a positive number");
	res.memory.reservation.set = false;
	res.memory.swappiness = U64(101);
	refused(ERANGE, "linux.resources.memory.swappiness: 101: has to be 0 to 100");
}

static void test_cpu_refusals(void **state)
{
	static char *const bad[] = { "a",   "0-",    "3-1", "0,,1",       "-1",
				     "0 1", "0-3:1", "0;1", "99999999999" };
	size_t i;

	(void)state;
	res.cpu.quota_us = I64(999);
	refused(ERANGE,
		"linux.resources.cpu.quota: 999 microseconds: the kernel's least quota is 1000");
	res.cpu.quota_us = I64(-2);
	refused(EINVAL, "linux.resources.cpu.quota: -2: a quota is -1 (none) or positive");
	res.cpu.quota_us = I64(5000);
	res.cpu.period_us = U64(999);
	refused(ERANGE,
		"linux.resources.cpu.period: 999 microseconds: the kernel takes 1000 to 1000000");
	res.cpu.period_us = U64(1000001);
	refused(ERANGE, "linux.resources.cpu.period: 1000001 ");
	res.cpu.period_us.set = false;
	res.cpu.burst_us = U64(5001);
	refused(EINVAL, "linux.resources.cpu.burst: 5001 is more than cpu.quota 5000");
	res.cpu.burst_us.set = false;
	res.cpu.idle = I64(2);
	refused(ERANGE, "linux.resources.cpu.idle: 2: has to be 0 or 1");
	res.cpu.idle.set = false;
	res.cpu.realtime_runtime_us = I64(950000);
	refused(ENOTSUP,
		"linux.resources.cpu.realtimeRuntime: cgroup v2 has no group limits for realtime");
	res.cpu.realtime_runtime_us.set = false;
	res.cpu.realtime_period_us = U64(1000000);
	refused(ENOTSUP, "linux.resources.cpu.realtimePeriod: cgroup v2 has no");
	res.cpu.realtime_period_us.set = false;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		res.cpu.cpus = bad[i];
		refused(EINVAL, "linux.resources.cpu.cpus: ");
	}
	res.cpu.cpus = NULL;
	res.cpu.mems = "x";
	refused(EINVAL,
		"linux.resources.cpu.mems: \"x\" is no list of memory nodes; write it as \"0-3,5\"");
}

static void test_other_refusals(void **state)
{
	struct spec_weight_device *w;

	(void)state;
	res.pids_limit = I64(-2);
	refused(EINVAL,
		"linux.resources.pids.limit: -2: a limit is -1 (none) or a positive number");
	res.pids_limit.set = false;
	res.block_io.weight = U64(9);
	refused(ERANGE, "linux.resources.blockIO.weight: 9: has to be 10 to 1000");
	res.block_io.weight.set = false;
	w = SPEC_ADD(&res.block_io.weight_devices);
	w->weight = U64(1001);
	refused(ERANGE, "linux.resources.blockIO.weightDevice: 1001: has to be 10 to 1000");
	res.block_io.weight_devices.count = 0;
	SPEC_ADD(&res.hugepages)->page_size = "2M";
	refused(EINVAL, "linux.resources.hugepageLimits: [0].pageSize \"2M\": write it as \"2MB\"");
	res.hugepages.items[0].page_size = "../2MB";
	refused(EINVAL, "pageSize");
	res.hugepages.count = 0;
	SPEC_ADD(&res.rdma)->device = "a b";
	refused(EINVAL, "linux.resources.rdma: \"a b\" is no name of an RDMA device");
	res.rdma.items[0].device = "mlx5_0";
	refused(EINVAL, "linux.resources.rdma: mlx5_0: name hcaHandles, hcaObjects or both");
	res.rdma.items[0].handles = U64(UINT32_MAX);
	refused(ERANGE, "linux.resources.rdma: mlx5_0: the kernel counts to 2147483647");
	res.rdma.count = 0;
	res.network.class_id = U64(1);
	refused(ENOTSUP, "linux.resources.network.classID: cgroup v2 has no net_cls");
	res.network.class_id.set = false;
	SPEC_ADD(&res.network.priorities);
	refused(ENOTSUP, "linux.resources.network.priorities: cgroup v2 has no net_cls");
}

static void test_unified_refusals(void **state)
{
	static const struct {
		const char *entry, *words;
	} rows[] = {
		{ "memory.high", "has to be CONTROLLER.FILE=VALUE" },
		{ "memory=5", "has to be CONTROLLER.FILE=VALUE" },
		{ "memory.=5", "has to be CONTROLLER.FILE=VALUE" },
		{ ".memory=5", "has to be CONTROLLER.FILE=VALUE" },
		{ "../x.y=5", "has to be CONTROLLER.FILE=VALUE" },
		{ "memory./../../cgroup.procs=1", "has to be CONTROLLER.FILE=VALUE" },
		{ "blkio.weight=5", "with a controller of cgroup v2" },
		{ "cgroup.procs=1", "cgroup.procs is no limit" },
		{ "cgroup.subtree_control=+cpu", "is no limit" },
		{ "cgroup.freeze=1", "is no limit" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		strv_free(&res.unified);
		strv_add(&res.unified, rows[i].entry);
		refused(EINVAL, "linux.resources.unified: ");
		assert_non_null(strstr(err.text, rows[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE_TEST(test_memory_refusals),
		MADE_TEST(test_cpu_refusals),
		MADE_TEST(test_other_refusals),
		MADE_TEST(test_unified_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
