#include "systemd/props.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct json_object *props;
static struct err err;

static int setup(void **state)
{
	(void)state;
	props = json_object_new_array();
	err = (struct err){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_object_put(props);
	return 0;
}

/* "NAME TYPE VALUE": the last property of that name, as JSON has it; "" for none. */
static const char *shown(const char *name)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(props); i++) {
		struct json_object *p = json_object_array_get_idx(props, i);

		if (str_eq(json_object_get_string(json_object_object_get(p, "name")), name))
			snprintf(text, sizeof(text), "%s %s",
				 json_object_get_string(json_object_object_get(p, "type")),
				 json_object_to_json_string_ext(
					 json_object_object_get(p, "value"),
					 JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	return text;
}

/* ---- limits ------------------------------------------------------------------------ */

static void limits_of(const struct spec_resources *res)
{
	CLEAN(cgroup_settings) struct cgroup_settings settings = { 0 };
	CLEAN(strv) struct strv warnings = { 0 };

	assert_int_equal(cgroup_settings_make(res, &settings, &warnings, &err), 0);
	systemd_props_limits(props, &settings);
}

static void file(const char *name, const char *value)
{
	struct cgroup_setting one = { .file = (char *)name, .value = (char *)value };
	const struct cgroup_settings settings = { .items = &one, .count = 1 };

	systemd_props_limits(props, &settings);
}

static void test_resources_become_properties(void **state)
{
	const struct spec_resources res = {
		.memory = { .limit = { true, 64 << 20 },
			    .swap = { true, 96 << 20 },
			    .reservation = { true, 32 << 20 } },
		.cpu = { .shares = { true, 1024 },
			 .quota_us = { true, 50000 },
			 .period_us = { true, 200000 },
			 .cpus = (char[]){ "0-2,9" },
			 .mems = (char[]){ "0" } },
		.pids_limit = { true, 44 },
		.block_io = { .weight = { true, 1000 } },
	};

	(void)state;
	limits_of(&res);
	assert_string_equal(shown("MemoryMax"), "t 67108864");
	assert_string_equal(shown("MemorySwapMax"), "t 33554432");
	assert_string_equal(shown("MemoryLow"), "t 33554432");
	assert_string_equal(shown("CPUWeight"), "t 100");
	assert_string_equal(shown("CPUQuotaPerSecUSec"), "t 250000");
	assert_string_equal(shown("CPUQuotaPeriodUSec"), "t 200000");
	assert_string_equal(shown("AllowedCPUs"), "ay [7,2]");
	assert_string_equal(shown("AllowedMemoryNodes"), "ay [1]");
	assert_string_equal(shown("TasksMax"), "t 44");
	assert_string_equal(shown("IOWeight"), "t 10000");
}

static void test_no_limit_is_infinity(void **state)
{
	const struct spec_resources res = { .memory = { .limit = { true, -1 } },
					    .pids_limit = { true, -1 },
					    .cpu = { .quota_us = { true, -1 } } };

	(void)state;
	limits_of(&res);
	assert_string_equal(shown("MemoryMax"), "t 18446744073709551615");
	assert_string_equal(shown("TasksMax"), "t 18446744073709551615");
	assert_string_equal(shown("CPUQuotaPerSecUSec"), "t 18446744073709551615");
	assert_string_equal(shown("CPUQuotaPeriodUSec"), "");
}

static void test_what_is_not_asked_for_is_not_said(void **state)
{
	const struct spec_resources res = { 0 };

	(void)state;
	limits_of(&res);
	assert_int_equal(json_object_array_length(props), 0);
}

static void test_unified_keys_go_the_same_way(void **state)
{
	(void)state;
	file("memory.high", "60M");
	file("memory.min", "1g");
	file("memory.max", "max");
	file("cpu.weight", "250");
	file("pids.max", "max");
	file("io.weight", "default 300");
	assert_string_equal(shown("MemoryHigh"), "t 62914560");
	assert_string_equal(shown("MemoryMin"), "t 1073741824");
	assert_string_equal(shown("MemoryMax"), "t 18446744073709551615");
	assert_string_equal(shown("CPUWeight"), "t 250");
	assert_string_equal(shown("TasksMax"), "t 18446744073709551615");
	assert_string_equal(shown("IOWeight"), "t 300");
}

static void test_what_systemd_has_no_word_for_is_left_to_the_file(void **state)
{
	static const char *const rows[][2] = {
		{ "hugetlb.2MB.max", "4194304" },
		{ "cpu.idle", "1" },
		{ "cpu.max.burst", "10" },
		{ "io.weight", "8:0 100" },
		{ "io.max", "8:0 rbps=1" },
		{ "memory.max", "lots" },
		{ "memory.max", "12X" },
		{ "memory.max", "99999999999999999999" },
		{ "cpuset.cpus", "0-7:2/4" },
		{ "cpuset.cpus", "3-1" },
		{ "cpu.max", "some 100000" },
		{ "cpuset.cpus", "99999999" },
		{ "cpu.weight", "0" },
		{ "cpu.weight", "10001" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		file(rows[i][0], rows[i][1]);
	assert_int_equal(json_object_array_length(props), 0);
}

/* systemd keeps whole percents: as much of a second as was asked for, or the next one. */
static void test_a_quota_is_rounded_up_to_a_percent(void **state)
{
	static const uint64_t quotas[] = { 1000, 33333, 50001, 99999, 123457, 7000001 },
			      periods[] = { 1000, 7919, 30000, 100000, 999983, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++)
		for (size_t j = 0; j < sizeof(periods) / sizeof(periods[0]); j++) {
			CLEAN(free)
			char *text = xasprintf("%llu %llu", (unsigned long long)quotas[i],
					       (unsigned long long)periods[j]);
			uint64_t a_second;

			file("cpu.max", text);
			assert_int_equal(str_to_u64(shown("CPUQuotaPerSecUSec") + 2, 1, UINT64_MAX,
						    &a_second),
					 0);
			assert_int_equal(a_second % 10000, 0);
			assert_true(a_second * periods[j] >= quotas[i] * 1000000);
			assert_true((a_second - 10000) * periods[j] < quotas[i] * 1000000);
		}
}

/* ---- devices ----------------------------------------------------------------------- */

#define ANY              \
	{                \
		false, 0 \
	}
#define N(n)            \
	{               \
		true, n \
	}

static void test_device_rules_become_a_list_of_what_is_allowed(void **state)
{
	const struct spec_device_rule rules[] = {
		{ .allow = false, 'a', ANY, ANY, true, true, true },
		{ .allow = true, 'c', N(1), N(3), true, true, true },
		{ .allow = true, 'c', N(136), N(-1), true, true, false },
		{ .allow = true, 'b', ANY, ANY, false, false, true },
		{ .allow = true, 'b', N(8), N(1), true, false, false },
	};

	(void)state;
	systemd_props_devices(props, rules, 5, false);
	assert_string_equal(shown("DevicePolicy"), "s \"strict\"");
	assert_string_equal(shown("DeviceAllow"), "a(ss) [[\"/dev/char/1:3\",\"rwm\"],"
						  "[\"char-136\",\"rw\"],[\"block-*\",\"m\"],"
						  "[\"/dev/block/8:1\",\"r\"]]");
}

static void test_a_deny_takes_away_what_it_covers_and_no_more(void **state)
{
	const struct spec_device_rule rules[] = {
		{ .allow = true, 'a', ANY, ANY, true, true, true },
		{ .allow = true, 'c', N(5), N(0), true, true, true },
		/* One of many: systemd can't say that, so ours alone refuses it. */
		{ .allow = false, 'c', N(1), N(5), true, true, true },
		{ .allow = false, 'b', ANY, ANY, false, true, true },
		{ .allow = false, 'c', N(5), N(-1), true, true, true },
	};

	(void)state;
	systemd_props_devices(props, rules, 5, false);
	assert_string_equal(shown("DeviceAllow"),
			    "a(ss) [[\"char-*\",\"rwm\"],[\"block-*\",\"r\"]]");
}

static void test_a_minor_of_any_major_is_wider_in_systemds_words(void **state)
{
	const struct spec_device_rule rules[] = {
		{ .allow = true, 'c', ANY, N(7), true, false, false },
		{ .allow = false, 'c', ANY, N(7), true, false, false },
	};

	(void)state;
	systemd_props_devices(props, rules, 1, false);
	assert_string_equal(shown("DeviceAllow"), "a(ss) [[\"char-*\",\"r\"]]");
}

static void test_all_allowed_is_no_list(void **state)
{
	(void)state;
	systemd_props_devices(props, NULL, 0, true);
	assert_string_equal(shown("DevicePolicy"), "s \"auto\"");
	assert_string_equal(shown("DeviceAllow"), "a(ss) []");
}

static void test_none_allowed_is_a_list_of_none(void **state)
{
	(void)state;
	systemd_props_devices(props, NULL, 0, false);
	assert_string_equal(shown("DevicePolicy"), "s \"strict\"");
	assert_string_equal(shown("DeviceAllow"), "a(ss) []");
}

/* ---- the unit, and annotations ------------------------------------------------------ */

static void test_a_scope_has_its_process_and_is_delegated(void **state)
{
	const struct systemd_unit scope = { .name = (char[]){ "x.scope" },
					    .slice = (char[]){ "m.slice" } };

	(void)state;
	systemd_props_unit(props, &scope, "c1", 77);
	assert_string_equal(shown("PIDs"), "au [77]");
	assert_string_equal(shown("Slice"), "s \"m.slice\"");
	assert_string_equal(shown("Delegate"), "b true");
	assert_string_equal(shown("DefaultDependencies"), "b false");
	assert_string_equal(shown("CollectMode"), "s \"inactive-or-failed\"");
	assert_string_equal(shown("MemoryAccounting"), "b true");
	assert_string_equal(shown("Description"), "s \"ctr container c1\"");
}

static void test_a_slice_has_neither(void **state)
{
	const struct systemd_unit slice = { .name = (char[]){ "x.slice" }, .is_slice = true };

	(void)state;
	systemd_props_unit(props, &slice, "c1", 0);
	assert_string_equal(shown("PIDs"), "");
	assert_string_equal(shown("Delegate"), "");
	assert_string_equal(shown("Slice"), "");
	assert_string_equal(shown("Wants"), "");
}

static void test_the_mark_of_a_unit_is_one_line_of_its_documentation(void **state)
{
	(void)state;
	systemd_props_mark(props, "0123abcd");
	assert_string_equal(shown("Documentation"), "as [\"info:ctr/0123abcd\"]");
}

static int annotate(const char *text)
{
	struct strv annotations = { 0 };
	int rc;

	strv_add(&annotations, "other=1");
	strv_printf(&annotations, "org.systemd.property.%s", text);
	rc = systemd_props_annotations(props, &annotations, &err);
	strv_free(&annotations);
	return rc;
}

static void test_annotations_are_typed_by_their_text(void **state)
{
	static const char *const rows[][3] = {
		{ "Foo='some text'", "Foo", "s \"some text\"" },
		{ "Foo=\"it's\"", "Foo", "s \"it's\"" },
		{ "Foo='it\\'s'", "Foo", "s \"it's\"" },
		{ "Foo=true", "Foo", "b true" },
		{ "Foo=false", "Foo", "b false" },
		{ "Foo=5", "Foo", "i 5" },
		{ "Foo=-5", "Foo", "i -5" },
		{ "Foo=0x10", "Foo", "i 16" },
		{ "Foo=uint64 123456789", "Foo", "t 123456789" },
		{ "Foo=uint64 18446744073709551615", "Foo", "t 18446744073709551615" },
		{ "Foo=int64 -1", "Foo", "x -1" },
		{ "Foo=byte 255", "Foo", "y 255" },
		{ "Foo=['a', 'b']", "Foo", "as [\"a\",\"b\"]" },
		{ "Foo=['a']", "Foo", "as [\"a\"]" },
		{ "Foo=@as []", "Foo", "as []" },
		{ "Foo=[uint32 1, uint32 2]", "Foo", "au [1,2]" },
		{ "CollectMode='inactive-or-failed'", "CollectMode", "s \"inactive-or-failed\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(annotate(rows[i][0]), 0);
		assert_string_equal(shown(rows[i][1]), rows[i][2]);
	}
}

static void test_seconds_become_microseconds(void **state)
{
	(void)state;
	assert_int_equal(annotate("TimeoutStopSec=123"), 0);
	assert_string_equal(shown("TimeoutStopUSec"), "t 123000000");
	assert_int_equal(annotate("TimeoutStopSec=uint64 5"), 0);
	assert_string_equal(shown("TimeoutStopUSec"), "t 5000000");
	assert_int_equal(annotate("RuntimeMaxSec=1.5"), 0);
	assert_string_equal(shown("RuntimeMaxUSec"), "t 1500000");
	assert_int_equal(annotate("TimeoutStopUSec=uint64 7"), 0);
	assert_string_equal(shown("TimeoutStopUSec"), "t 7");
	assert_string_equal(shown("TimeoutStopSec"), "");
}

static void test_bad_annotations_are_refused_by_name(void **state)
{
	static const char *const bad[] = {
		"Foo=",
		"Foo=text",
		"Foo='text",
		"Foo='a' b",
		"Foo=[1, 'a']",
		"Foo=['a'",
		"Foo=[]",
		"Foo=2147483648",
		"Foo=byte 256",
		"Foo=uint64 -1",
		"Foo=nothing",
		"Foo=uint64",
		"Foo=['a' 'b']",
		"Fo=true",
		"F-oo=true",
		"=true",
		"TimeoutStopSec='5'",
		"TimeoutStopSec=-1",
		"TimeoutStopSec=true",
		"Foo=uint64 99999999999999999999",
		"Foo=truely",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEAN(free) char *name = xstrndup(bad[i], strcspn(bad[i], "="));
		CLEAN(free) char *words = xasprintf("annotations.org.systemd.property.%s: ", name);

		if (annotate(bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(err.text, words));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resources_become_properties),
		TEST(test_no_limit_is_infinity),
		TEST(test_what_is_not_asked_for_is_not_said),
		TEST(test_unified_keys_go_the_same_way),
		TEST(test_what_systemd_has_no_word_for_is_left_to_the_file),
		TEST(test_a_quota_is_rounded_up_to_a_percent),
		TEST(test_device_rules_become_a_list_of_what_is_allowed),
		TEST(test_a_deny_takes_away_what_it_covers_and_no_more),
		TEST(test_a_minor_of_any_major_is_wider_in_systemds_words),
		TEST(test_all_allowed_is_no_list),
		TEST(test_none_allowed_is_a_list_of_none),
		TEST(test_a_scope_has_its_process_and_is_delegated),
		TEST(test_a_slice_has_neither),
		TEST(test_the_mark_of_a_unit_is_one_line_of_its_documentation),
		TEST(test_annotations_are_typed_by_their_text),
		TEST(test_seconds_become_microseconds),
		TEST(test_bad_annotations_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
