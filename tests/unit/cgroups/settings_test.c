/* linux.resources become the writes that cgroup v2 understands. */
#include "made.h"

static void test_nothing_asked_for_is_nothing_written(void **state)
{
	(void)state;
	assert_works(make(), &err);
	assert_int_equal(made.count, 0);
	assert_int_equal(warnings.count, 0);
}

static void test_memory_limits(void **state)
{
	(void)state;
	res.memory.limit = I64(512 << 20);
	res.memory.reservation = I64(256 << 20);
	assert_string_equal(value_of("memory.max"), "536870912");
	assert_string_equal(value_of("memory.low"), "268435456");
	assert_string_equal(setting("memory.max")->controller, "memory");
	assert_string_equal(setting("memory.max")->key, "memory.limit");
	assert_false(setting("memory.max")->defaulted);
	assert_null(setting("memory.swap.max"));
	res.memory.limit = I64(INT64_MAX);
	assert_string_equal(value_of("memory.max"), "9223372036854775807");
}

static void test_unlimited_memory_is_a_default(void **state)
{
	(void)state;
	res.memory.limit = I64(-1);
	assert_string_equal(value_of("memory.max"), "max");
	assert_true(setting("memory.max")->defaulted);
	/* As v1 had it: no limit for the sum either. */
	assert_string_equal(value_of("memory.swap.max"), "max");
	res.memory.limit = I64(0);
	assert_works(make(), &err);
	assert_int_equal(made.count, 0);
}

static void test_swap_is_the_sum_less_the_memory(void **state)
{
	static const struct {
		int64_t memory, swap;
		const char *value;
	} rows[] = {
		{ 100, 300, "200" }, { 100, 100, "0" }, { 100, -1, "max" },
		{ 100, 0, "" },      { -1, -1, "max" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		res.memory.limit = I64(rows[i].memory);
		res.memory.swap = I64(rows[i].swap);
		assert_string_equal(value_of("memory.swap.max"), rows[i].value);
	}
	/* Named first where memory can't be limited: it is what people ask for. */
	res.memory.limit = I64(100);
	res.memory.swap = I64(300);
	assert_works(make(), &err);
	assert_string_equal(made.items[0].file, "memory.max");
	assert_string_equal(made.items[1].file, "memory.swap.max");
}

static void test_shares_become_weight_as_runc_and_crun_do(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} rows[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 2, 1 },
		{ 3, 2 },
		{ 102, 17 },
		{ 1024, 100 },
		{ 2000, 170 },
		{ 2048, 174 },
		{ 262143, 10000 },
		{ 262144, 10000 },
		{ UINT64_MAX, 10000 },
	};
	uint64_t shares, last = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(cgroup_weight_from_shares(rows[i].shares), rows[i].weight);
	for (shares = 2; shares < 262144; shares += 17) {
		uint64_t weight = cgroup_weight_from_shares(shares);

		assert_in_range(weight, last, 10000);
		last = weight;
	}
	res.cpu.shares = U64(2000);
	assert_string_equal(value_of("cpu.weight"), "170");
	assert_false(setting("cpu.weight")->defaulted);
	res.cpu.shares = U64(1024);
	assert_string_equal(value_of("cpu.weight"), "100");
	assert_true(setting("cpu.weight")->defaulted);
	res.cpu.shares = U64(0);
	assert_string_equal(value_of("cpu.weight"), "");
}

static void test_quota_and_period_are_one_line(void **state)
{
	(void)state;
	res.cpu.quota_us = I64(50000);
	assert_string_equal(value_of("cpu.max"), "50000");
	res.cpu.period_us = U64(200000);
	assert_string_equal(value_of("cpu.max"), "50000 200000");
	assert_string_equal(setting("cpu.max")->key, "cpu.quota");
	res.cpu.quota_us = I64(-1);
	assert_string_equal(value_of("cpu.max"), "max 200000");
	assert_false(setting("cpu.max")->defaulted);
	res.cpu.period_us = U64(100000);
	assert_string_equal(value_of("cpu.max"), "max 100000");
	assert_true(setting("cpu.max")->defaulted);
	res.cpu.quota_us.set = false;
	res.cpu.period_us = U64(20000);
	assert_string_equal(value_of("cpu.max"), "max 20000");
	assert_true(setting("cpu.max")->keeps_first);
	assert_string_equal(setting("cpu.max")->key, "cpu.period");
}

static void test_burst_and_idle(void **state)
{
	(void)state;
	res.cpu.quota_us = I64(50000);
	res.cpu.burst_us = U64(50000);
	res.cpu.idle = I64(1);
	assert_string_equal(value_of("cpu.max.burst"), "50000");
	assert_string_equal(value_of("cpu.idle"), "1");
	res.cpu.idle = I64(0);
	assert_string_equal(value_of("cpu.idle"), "0");
	assert_true(setting("cpu.idle")->defaulted);
}

static void test_processors_and_nodes(void **state)
{
	static char *const good[] = { "0", "0-3", "0-3,5,7-7", "0-10:2/4", "1\n" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++) {
		res.cpu.cpus = res.cpu.mems = good[i];
		assert_works(make(), &err);
		assert_non_null(setting("cpuset.cpus"));
		assert_non_null(setting("cpuset.mems"));
	}
	assert_string_equal(value_of("cpuset.cpus"), "1");
	res.cpu.cpus = res.cpu.mems = "";
	assert_works(make(), &err);
	assert_int_equal(made.count, 0);
}

static void test_pids(void **state)
{
	(void)state;
	res.pids_limit = I64(100);
	assert_string_equal(value_of("pids.max"), "100");
	assert_false(cgroup_closes(&made));
	res.pids_limit = I64(0);
	assert_string_equal(value_of("pids.max"), "0");
	assert_true(cgroup_closes(&made));
	res.pids_limit = I64(-1);
	assert_string_equal(value_of("pids.max"), "max");
	assert_true(setting("pids.max")->defaulted);
	assert_false(cgroup_closes(&made));
}

static void test_block_io(void **state)
{
	struct spec_weight_device *w;
	struct spec_throttle *t;

	(void)state;
	res.block_io.weight = U64(10);
	assert_string_equal(value_of("io.weight"), "1");
	res.block_io.weight = U64(1000);
	assert_string_equal(value_of("io.weight"), "10000");
	assert_string_equal(setting("io.weight")->alt_file, "io.bfq.weight");
	assert_string_equal(setting("io.weight")->alt_value, "1000");
	res.block_io.weight.set = false;

	w = SPEC_ADD(&res.block_io.weight_devices);
	w->major = 8;
	w->minor = 16;
	w->weight = U64(505);
	w->leaf_weight = U64(300);
	assert_string_equal(value_of("io.weight"), "8:16 5000");
	assert_string_equal(setting("io.weight")->alt_value, "8:16 505");
	assert_string_equal(setting("io.weight")->key, "blockIO.weightDevice[0]");
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.items[0], "blockIO.weightDevice[0].leafWeight: ignored"));

	t = SPEC_ADD(&res.block_io.read_bps);
	*t = (struct spec_throttle){ 8, 0, UINT64_MAX };
	assert_string_equal(value_of("io.max"), "8:0 rbps=18446744073709551615");
	t->rate = 0;
	assert_string_equal(value_of("io.max"), "8:0 rbps=max");
	assert_true(setting("io.max")->defaulted);
	res.block_io.read_bps.count = 0;
	SPEC_ADD(&res.block_io.write_iops);
	t = SPEC_ADD(&res.block_io.write_iops);
	*t = (struct spec_throttle){ 259, 3, 500 };
	assert_works(make(), &err);
	assert_string_equal(made.items[made.count - 1].value, "259:3 wiops=500");
	assert_string_equal(made.items[made.count - 1].key, "blockIO.throttleWriteIOPSDevice[1]");
}

static void test_huge_pages(void **state)
{
	struct spec_hugepage *h = SPEC_ADD(&res.hugepages);

	(void)state;
	h->page_size = "2MB";
	h->limit = 64 << 20;
	assert_string_equal(value_of("hugetlb.2MB.max"), "67108864");
	assert_string_equal(setting("hugetlb.2MB.max")->alt_file, "hugetlb.2MB.rsvd.max");
	assert_string_equal(setting("hugetlb.2MB.max")->key, "hugepageLimits[0]");
	h->limit = UINT64_MAX;
	assert_string_equal(value_of("hugetlb.2MB.max"), "18446744073709551615");
}

static void test_rdma(void **state)
{
	struct spec_rdma *rdma = SPEC_ADD(&res.rdma);

	(void)state;
	rdma->device = "mlx5_0";
	rdma->handles = U64(3);
	rdma->objects = U64(10000);
	assert_string_equal(value_of("rdma.max"), "mlx5_0 hca_handle=3 hca_object=10000");
	rdma->handles.set = false;
	assert_string_equal(value_of("rdma.max"), "mlx5_0 hca_object=10000");
}

static void test_unified_keys_are_written_last_and_as_they_are(void **state)
{
	(void)state;
	strv_add(&res.unified, "memory.high=512M");
	strv_add(&res.unified, "cgroup.max.descendants=5");
	strv_add(&res.unified, "io.max=8:0 rbps=1 wbps=2\n8:16 riops=3\n");
	res.memory.limit = I64(1 << 30);
	assert_string_equal(value_of("memory.high"), "512M");
	assert_string_equal(setting("memory.high")->controller, "memory");
	assert_string_equal(setting("memory.high")->key, "unified.memory.high");
	assert_null(setting("cgroup.max.descendants")->controller);
	assert_string_equal(made.items[0].file, "memory.max");
	/* The kernel takes a line a write. */
	assert_string_equal(made.items[3].value, "8:0 rbps=1 wbps=2");
	assert_string_equal(made.items[4].value, "8:16 riops=3");
	assert_string_equal(made.items[4].file, "io.max");
	assert_int_equal(made.count, 5);
}

/* ---- what is ignored, with a word about it ----------------------------------------- */

static void expect_warning(const char *words)
{
	assert_works(make(), &err);
	assert_int_equal(made.count, 0);
	assert_int_equal(warnings.count, 1);
	if (!strstr(warnings.items[0], words))
		fail_msg("\"%s\" has no \"%s\"", warnings.items[0], words);
}

static void test_limits_of_v1_only_are_ignored_with_a_warning(void **state)
{
	(void)state;
	res.memory.kernel = I64(1 << 20);
	expect_warning("linux.resources.memory.kernel: ignored: ");
	res.memory.kernel.set = false;
	res.memory.kernel_tcp = I64(1 << 20);
	expect_warning("linux.resources.memory.kernelTCP: ignored: ");
	res.memory.kernel_tcp.set = false;
	res.memory.swappiness = U64(0);
	expect_warning("linux.resources.memory.swappiness: ignored: ");
	res.memory.swappiness.set = false;
	res.memory.disable_oom_killer = I64(1);
	expect_warning("linux.resources.memory.disableOOMKiller: ignored: ");
	res.memory.disable_oom_killer.set = false;
	res.memory.use_hierarchy = I64(0);
	expect_warning("linux.resources.memory.useHierarchy: ignored: ");
	res.memory.use_hierarchy.set = false;
	res.block_io.leaf_weight = U64(500);
	expect_warning("linux.resources.blockIO.leafWeight: ignored: ");
}

static void test_what_docker_always_says_is_no_cause_for_a_warning(void **state)
{
	(void)state;
	res.memory.disable_oom_killer = I64(0);
	res.memory.use_hierarchy = I64(1);
	res.memory.swappiness = U64(60);
	res.memory.kernel = I64(0);
	res.cpu.realtime_runtime_us = I64(0);
	res.cpu.realtime_period_us = U64(0);
	res.network.set = true;
	assert_works(make(), &err);
	assert_int_equal(made.count + warnings.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE_TEST(test_nothing_asked_for_is_nothing_written),
		MADE_TEST(test_memory_limits),
		MADE_TEST(test_unlimited_memory_is_a_default),
		MADE_TEST(test_swap_is_the_sum_less_the_memory),
		MADE_TEST(test_shares_become_weight_as_runc_and_crun_do),
		MADE_TEST(test_quota_and_period_are_one_line),
		MADE_TEST(test_burst_and_idle),
		MADE_TEST(test_processors_and_nodes),
		MADE_TEST(test_pids),
		MADE_TEST(test_block_io),
		MADE_TEST(test_huge_pages),
		MADE_TEST(test_rdma),
		MADE_TEST(test_unified_keys_are_written_last_and_as_they_are),
		MADE_TEST(test_limits_of_v1_only_are_ignored_with_a_warning),
		MADE_TEST(test_what_docker_always_says_is_no_cause_for_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
