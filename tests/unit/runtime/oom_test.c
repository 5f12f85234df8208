#include "runtime/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD \
	"6,1234,5000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0"

static bool parse(const char *text, const char *cgroup, uint64_t since_us, struct state_oom *ret)
{
	CLEAN(free) char *record = xstrdup(text);

	return oom_parse(record, cgroup, since_us, ret);
}

static void unknown(const char *text)
{
	struct state_oom oom = { 0 };

	if (parse(text, "/ctr/c1", 0, &oom))
		fail_msg("taken: %s", text);
	state_oom_free(&oom);
}

static void test_the_victim_its_group_and_whose_limit_it_was(void **state)
{
	struct state_oom oom = { 0 };

	(void)state;
	assert_true(parse(HEAD
			  ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=123,uid=0\n KEY=x\n",
			  "/ctr/c1", 0, &oom));
	assert_string_equal(oom.process, "dd");
	assert_int_equal(oom.pid, 123);
	assert_string_equal(oom.cgroup, "/ctr/c1");
	assert_string_equal(oom.limit_cgroup, "/ctr/c1");
	/* Of a pool above, in a group below; it replaces what was known. */
	assert_true(parse(HEAD ",oom_memcg=/pool,task_memcg=/pool/c1/sub,task=java,pid=7,uid=1000",
			  "/pool/c1", 0, &oom));
	assert_string_equal(oom.process, "java");
	assert_string_equal(oom.cgroup, "/pool/c1/sub");
	assert_string_equal(oom.limit_cgroup, "/pool");
	/* The machine ran out. */
	assert_true(parse("6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=c1,"
			  "mems_allowed=0,global_oom,task_memcg=/ctr/c1,task=dd,pid=9,uid=0",
			  "/ctr/c1", 0, &oom));
	assert_string_equal(oom.limit_cgroup, "/");
	state_oom_free(&oom);
}

static void test_names_that_are_made_to_mislead(void **state)
{
	struct state_oom oom = { 0 };

	(void)state;
	/* A name has 15 bytes; the numbers are those at the end. */
	assert_true(parse(HEAD
			  ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=a,pid=1,uid=0,pid=123,uid=5",
			  "/ctr/c1", 0, &oom));
	assert_int_equal(oom.pid, 123);
	assert_string_equal(oom.process, "a,pid=1,uid=0");
	assert_true(parse(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=a\\x0ab,pid=1,uid=0",
			  "/ctr/c1", 0, &oom));
	assert_string_equal(oom.process, "a\\x0ab");
	state_oom_free(&oom);
	unknown(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=a,task=b,pid=1,uid=0");
	/* A group of another container's that is called like this. */
	unknown(HEAD
		",oom_memcg=/ctr/evil/x,task_memcg=/ctr/c1,task_memcg=/ctr/evil/x,task=a,pid=1,uid=0");
	unknown(HEAD
		",oom_memcg=/ctr/evil,task_memcg=/ctr/evil/x,oom_memcg=/ctr/c1,task=a,pid=1,uid=0");
}

static void test_an_unclear_record_takes_the_place_of_a_clear_one(void **state)
{
	struct state_oom oom = { 0 };

	(void)state;
	assert_true(parse(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=123,uid=0",
			  "/ctr/c1", 0, &oom));
	/* Another's says nothing about ours. */
	assert_false(parse(HEAD ",oom_memcg=/x,task_memcg=/x,task=a,task=b,pid=1,uid=0", "/ctr/c1",
			   0, &oom));
	assert_string_equal(oom.process, "dd");
	assert_false(parse(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=a,task=b,pid=1,uid=0",
			   "/ctr/c1", 0, &oom));
	assert_null(oom.process);
	assert_int_equal(oom.pid, 0);
	state_oom_free(&oom);
}

static void test_what_the_kernel_did_not_say_or_not_of_it(void **state)
{
	struct state_oom oom = { 0 };
	const char *good = HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=123,uid=0";

	(void)state;
	/* Facility 1: written into the log by a process. */
	unknown("14,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
		"oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=123,uid=0");
	unknown(HEAD ",oom_memcg=/ctr/c12,task_memcg=/ctr/c12,task=dd,pid=123,uid=0");
	unknown(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=123");
	unknown(HEAD ",oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=dd,pid=99999999999,uid=0");
	unknown("6,1,2,-;something oom-kill:,oom_memcg=/ctr/c1,task_memcg=/ctr/c1,task=d,pid=1,uid=0");
	unknown("6,1,2,-;oom-kill:");
	unknown("oom-kill:");
	unknown("6,1");
	unknown("");
	/* Before this container was made. */
	assert_false(parse(good, "/ctr/c1", 5000001, &oom));
	assert_true(parse(good, "/ctr/c1", 5000000, &oom));
	state_oom_free(&oom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_victim_its_group_and_whose_limit_it_was),
		cmocka_unit_test(test_names_that_are_made_to_mislead),
		cmocka_unit_test(test_an_unclear_record_takes_the_place_of_a_clear_one),
		cmocka_unit_test(test_what_the_kernel_did_not_say_or_not_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
