#include "spec/load.h"

#include "spec/names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MINIMAL(more)                                                                                                 \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"]}" more \
	"}"

/* Every key that has a place in struct spec. */
static const char everything[] =
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\","
	"\"domainname\":\"d\",\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":25,\"width\":80},"
	"\"user\":{\"uid\":0,\"gid\":5,\"umask\":18,\"additionalGids\":[7,8]},\"args\":[\"sh\",\"-c\"],"
	"\"env\":[\"A=b\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\"],"
	"\"ambient\":[\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,"
	"\"hard\":18446744073709551615}],\"noNewPrivileges\":true,\"apparmorProfile\":\"a\","
	"\"selinuxLabel\":\"s\",\"oomScoreAdj\":-100,\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":-3},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":3},"
	"\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-1\"}},"
	"\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/y\",\"options\":[\"rbind\",\"ro\"],"
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]}],"
	"\"hooks\":{\"poststop\":[{\"path\":\"/bin/true\",\"args\":[\"true\"],\"timeout\":3}]},"
	"\"annotations\":{\"k\":\"v=w\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\","
	"\"path\":\"/proc/1/ns/net\"},{\"type\":\"user\"},{\"type\":\"time\"}],"
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
	"\"timeOffsets\":{\"boottime\":{\"secs\":-5,\"nanosecs\":7}},"
	"\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,\"fileMode\":438,\"uid\":0}],"
	"\"netDevices\":{\"eth0\":{\"name\":\"e\"}},\"cgroupsPath\":\"/a/b\",\"resources\":{\"devices\":"
	"[{\"allow\":false,\"type\":\"a\",\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":-1,"
	"\"access\":\"rm\"}],\"memory\":{\"limit\":1048576,\"swap\":-1,\"swappiness\":60,\"disableOOMKiller\":false},"
	"\"cpu\":{\"shares\":512,\"quota\":-1,\"period\":100000,\"cpus\":\"0-1\",\"idle\":0},\"pids\":{\"limit\":0},"
	"\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"rdma\":{\"mlx\":{\"hcaHandles\":3}},"
	"\"unified\":{\"memory.high\":\"100\"}},\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"},"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
	"\"architectures\":[\"SCMP_ARCH_X86_64\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":[{\"names\":"
	"[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":18446744073709551615,"
	"\"op\":\"SCMP_CMP_EQ\"}]}]},\"rootfsPropagation\":\"rslave\",\"maskedPaths\":[\"/m\"],"
	"\"readonlyPaths\":[\"/r\"],\"mountLabel\":\"l\",\"personality\":{\"domain\":\"LINUX32\"},"
	"\"intelRdt\":{\"closID\":\"c\",\"enableMonitoring\":true},"
	"\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\"}}}";

static int parse(const char *text, struct spec *ret, struct strv *warnings, struct err *err)
{
	return spec_parse(text, strlen(text), "config.json", ret, warnings, err);
}

static void test_every_key_survives_the_round_trip(void **state)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(json) struct json_object *asked = json_tokener_parse(everything), *written = NULL;
	CLEAN(spec) struct spec spec = { 0 };
	struct err err = { 0 };
	int rc = parse(everything, &spec, &warnings, &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	assert_int_equal(warnings.count, 0);
	assert_true(spec.process.rlimits.items[0].hard == UINT64_MAX);
	written = spec_to_json(&spec);
	assert_string_equal(json_object_to_json_string(written), json_object_to_json_string(asked));
	assert_true(json_object_equal(asked, written));
}

static void test_the_default_is_valid_and_survives(void **state)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(json) struct json_object *one = NULL, *two = NULL;
	CLEAN(spec) struct spec spec = { 0 }, back = { 0 };
	struct err err = { 0 };

	(void)state;
	spec_default(&spec);
	assert_int_equal(spec_validate(&spec, &err), 0);
	one = spec_to_json(&spec);
	assert_int_equal(parse(json_object_to_json_string(one), &back, &warnings, &err), 0);
	assert_int_equal(warnings.count, 0);
	two = spec_to_json(&back);
	assert_true(json_object_equal(one, two));
}

static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "{\"ociVersion\":\"1.0.0\"", "config.json" },
		{ "{}", "ociVersion: is missing" },
		{ MINIMAL(",\"hostname\":3"), "hostname: expected a string" },
		{ MINIMAL(",\"mounts\":{}"), "mounts: expected an array" },
		{ MINIMAL(",\"mounts\":[{}]"), "mounts[0].destination: is missing" },
		{ MINIMAL(",\"windows\":{}"), "windows: is for another platform" },
		{ MINIMAL(",\"linux\":{\"namespaces\":[{\"type\":\"moon\"}]}"),
		  "linux.namespaces[0].type: unknown" },
		{ MINIMAL(",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}"),
		  "a second namespace" },
		{ MINIMAL(",\"linux\":{\"resources\":{\"pids\":{\"limit\":\"3\"}}}"),
		  "linux.resources.pids.limit: expected" },
		{ MINIMAL(",\"linux\":{\"resources\":{\"memory\":{\"limit\":9223372036854775808}}}"),
		  "linux.resources.memory.limit" },
		{ MINIMAL(",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_MAYBE\"}}"),
		  "linux.seccomp.defaultAction: unknown" },
		{ "{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.01.0\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.0.0-\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.0.0-a.01\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.0.0+a+b\",\"root\":{\"path\":\"r\"}}", "ociVersion" },
		{ "{\"ociVersion\":\"1.0.0 \",\"root\":{\"path\":\"r\"}}", "ociVersion" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEAN(strv) struct strv warnings = { 0 };
		CLEAN(spec) struct spec spec = { 0 };
		struct err err = { 0 };

		assert_true(parse(bad[i].text, &spec, &warnings, &err) < 0);
		if (!strstr(err.text, bad[i].words))
			fail_msg("\"%s\" lacks \"%s\"", err.text, bad[i].words);
	}
}

static void test_unknown_capability_and_unknown_key_are_warnings(void **state)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		parse("{\"ociVersion\":\"1.3.0-rc.1+b.01\",\"process\":{\"cwd\":\"/\",\"capabilities\":"
		      "{\"bounding\":[\"CAP_FLY\",\"CAP_KILL\"]}},\"linux\":{\"novel\":1},"
		      "\"hooks\":{\"before\":[]}}",
		      &spec, &warnings, &err),
		0);
	assert_int_equal(warnings.count, 3);
	assert_non_null(strstr(warnings.items[0], "process.capabilities.bounding[0]: unknown"));
	assert_non_null(strstr(warnings.items[1], "hooks.before: not in runtime spec"));
	assert_non_null(strstr(warnings.items[2], "linux.novel: not in runtime spec"));
	assert_int_equal(spec.process.caps.bounding, 1ull << 5);
}

static void test_zero_from_docker_is_absent(void **state)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		parse(MINIMAL(",\"linux\":{\"resources\":{\"memory\":{\"limit\":0},\"cpu\":{\"shares\":0},"
			      "\"pids\":{\"limit\":0}}}"),
		      &spec, &warnings, &err),
		0);
	assert_false(spec.lin.resources.memory.limit.set);
	assert_false(spec.lin.resources.cpu.shares.set);
	assert_true(spec.lin.resources.pids_limit.set);
}

static struct spec_device_rule *add_rule(struct spec_resources *res, bool allow, char type)
{
	struct spec_device_rule *r = SPEC_ADD(&res->devices);

	*r = (struct spec_device_rule){ .allow = allow, .type = type };
	r->read = r->write = r->mknod = true;
	return r;
}

static void test_default_devices_come_behind_the_last_rule_about_all(void **state)
{
	CLEAN(spec_resources) struct spec_resources res = { 0 };
	size_t last;

	(void)state;
	add_rule(&res, true, 'c')->major = (struct opt_i64){ true, 7 };
	add_rule(&res, false, 'a');
	add_rule(&res, false, 'b')->read = false;
	add_rule(&res, true, 'b')->major = (struct opt_i64){ true, 8 };
	spec_allow_default_devices(&res);
	last = res.devices.count - 1;
	assert_true(last > 8);
	assert_int_equal(res.devices.items[0].major.value, 7);
	assert_int_equal(res.devices.items[1].type, 'a');
	for (size_t i = 2; i < last - 1; i++)
		assert_true(res.devices.items[i].allow);
	assert_false(res.devices.items[last - 1].allow);
	assert_int_equal(res.devices.items[last].major.value, 8);
}

static void test_validation_says_the_rule(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\"}}",
		  "process.args" },
		{ MINIMAL(",\"hostname\":\"x\""), "hostname: without a uts namespace" },
		{ MINIMAL(",\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}"),
		  "there is no user namespace" },
		{ MINIMAL(",\"linux\":{\"maskedPaths\":[\"x\"]}"), "linux.maskedPaths[0]" },
		{ MINIMAL(",\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}"),
		  "hooks.poststop[0].path" },
		{ MINIMAL(",\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}}"),
		  "linux.timeOffsets" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEAN(strv) struct strv warnings = { 0 };
		CLEAN(spec) struct spec spec = { 0 };
		struct err err = { 0 };

		assert_int_equal(parse(bad[i].text, &spec, &warnings, &err), 0);
		assert_true(spec_validate(&spec, &err) < 0);
		if (!strstr(err.text, bad[i].words))
			fail_msg("\"%s\" lacks \"%s\"", err.text, bad[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_survives_the_round_trip),
		cmocka_unit_test(test_the_default_is_valid_and_survives),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_unknown_capability_and_unknown_key_are_warnings),
		cmocka_unit_test(test_zero_from_docker_is_absent),
		cmocka_unit_test(test_default_devices_come_behind_the_last_rule_about_all),
		cmocka_unit_test(test_validation_says_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
