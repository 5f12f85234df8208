/* Capabilities end up as asked, in all five sets, and across a change of user. */
#include "child.h"

#include "sandbox/caps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#define BIT(cap) (1ull << (cap))

/* One line of /proc/self/status, "CapEff": as another program sees it. */
static uint64_t status_set(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long value = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name) + 1, "%llx", &value);
	if (f)
		fclose(f);
	return value;
}

static const struct spec_caps some = {
	.set = true,
	.bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_RAW) | BIT(CAP_NET_BIND_SERVICE),
	.permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_RAW),
	.effective = BIT(CAP_CHOWN) | BIT(CAP_KILL),
	.inheritable = BIT(CAP_KILL),
	.ambient = BIT(CAP_KILL),
};

static int all_five_sets(struct err *err)
{
	EXPECT(caps_bounding_limit(some.bounding, err) == 0);
	EXPECT(caps_apply(&some, err) == 0);
	EXPECT(status_set("CapBnd") == some.bounding);
	EXPECT(status_set("CapPrm") == some.permitted);
	EXPECT(status_set("CapEff") == some.effective);
	EXPECT(status_set("CapInh") == some.inheritable);
	EXPECT(status_set("CapAmb") == some.ambient);
	return 0;
}

static void test_all_five_sets_are_as_asked(void **state)
{
	(void)state;
	child_succeeds(all_five_sets);
}

static int across_setuid(struct err *err)
{
	EXPECT(caps_bounding_limit(some.bounding, err) == 0);
	EXPECT(caps_keep_across_setuid(err) == 0);
	EXPECT(setresuid(1000, 1000, 1000) == 0);
	EXPECT(caps_apply(&some, err) == 0);
	EXPECT(status_set("CapPrm") == some.permitted);
	EXPECT(status_set("CapEff") == some.effective);
	EXPECT(status_set("CapAmb") == some.ambient);
	return 0;
}

static void test_sets_survive_a_change_of_user(void **state)
{
	(void)state;
	child_succeeds(across_setuid);
}

static int old_ambient_goes(struct err *err)
{
	struct spec_caps first = some, second = some;

	first.inheritable |= BIT(CAP_CHOWN);
	first.ambient |= BIT(CAP_CHOWN);
	second.inheritable |= BIT(CAP_CHOWN);
	EXPECT(caps_apply(&first, err) == 0);
	EXPECT(status_set("CapAmb") == first.ambient);
	EXPECT(caps_apply(&second, err) == 0);
	EXPECT(status_set("CapAmb") == second.ambient);
	second.inheritable = 0;
	second.ambient = 0;
	EXPECT(caps_apply(&second, err) == 0);
	EXPECT(status_set("CapAmb") == 0);
	return 0;
}

static void test_ambient_capabilities_not_asked_for_are_cleared(void **state)
{
	(void)state;
	child_succeeds(old_ambient_goes);
}

static int nothing_left(struct err *err)
{
	struct spec_caps none = { .set = true };

	EXPECT(caps_bounding_limit(0, err) == 0);
	EXPECT(caps_apply(&none, err) == 0);
	EXPECT(status_set("CapBnd") == 0 && status_set("CapPrm") == 0 && status_set("CapEff") == 0);
	/* Dropping what is gone already needs no right. */
	EXPECT(caps_bounding_limit(0, err) == 0);
	return 0;
}

static void test_an_empty_list_takes_everything(void **state)
{
	(void)state;
	child_succeeds(nothing_left);
}

static int too_much(struct err *err)
{
	struct spec_caps more = some;

	EXPECT(caps_apply(&some, err) == 0);
	more.permitted |= BIT(CAP_SYS_ADMIN);
	EXPECT(caps_apply(&more, err) == -EPERM);
	EXPECT(strstr(err->text, "process.capabilities"));
	more = some;
	more.ambient |= BIT(CAP_NET_RAW);
	EXPECT(caps_apply(&more, err) == -EPERM);
	EXPECT(strstr(err->text, "raise CAP_NET_RAW (it must be permitted and inheritable, too)"));
	EXPECT(caps_bounding_limit(0, err) == -EPERM);
	EXPECT(strstr(err->text, "that needs CAP_SETPCAP"));
	return 0;
}

static void test_more_than_we_have_is_refused_in_words(void **state)
{
	(void)state;
	child_succeeds(too_much);
}

static int available_shrinks(struct err *err)
{
	struct spec_caps caps = { .set = true };

	EXPECT(caps_available() == status_set("CapPrm"));
	caps.permitted = caps.effective = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETPCAP);
	caps.inheritable = BIT(CAP_KILL) | BIT(CAP_CHOWN);
	EXPECT(caps_apply(&caps, err) == 0);
	EXPECT(caps_available() == caps.permitted);
	/* Inheritable ones may be permitted and not in the bounding set any more. */
	EXPECT(cap_drop_bound(CAP_KILL) == 0);
	EXPECT(caps_available() == (BIT(CAP_CHOWN) | BIT(CAP_SETPCAP)));
	return 0;
}

static void test_available_is_permitted_less_what_is_not_bounding(void **state)
{
	(void)state;
	child_succeeds(available_shrinks);
}

static void test_known_is_the_kernels_last(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_CAPBSET_READ, caps_known(), 0, 0, 0) >= 0, 1);
	assert_int_equal(prctl(PR_CAPBSET_READ, caps_known() + 1, 0, 0, 0), -1);
	assert_int_equal(caps_known_mask() >> caps_known(), 1);
}

static void test_clip_leaves_out_and_names_what_is_not_to_be_had(void **state)
{
	struct spec_caps caps = { .set = true };
	struct strv warnings = { 0 };

	(void)state;
	caps.bounding = caps.permitted = BIT(CAP_CHOWN) | BIT(CAP_SYS_ADMIN) | 1ull << 62;
	caps.effective = caps.permitted | BIT(CAP_KILL);
	caps.inheritable = caps.ambient = BIT(CAP_SYS_ADMIN);
	caps_clip(&caps, BIT(CAP_CHOWN) | BIT(CAP_KILL), &warnings);
	assert_int_equal(caps.bounding, BIT(CAP_CHOWN));
	assert_int_equal(caps.permitted, BIT(CAP_CHOWN));
	assert_int_equal(caps.effective, BIT(CAP_CHOWN));
	assert_int_equal(caps.inheritable, 0);
	assert_int_equal(caps.ambient, 0);
	assert_int_equal(warnings.count, 2);
	assert_string_equal(warnings.items[0],
			    "process.capabilities: left out, this kernel doesn't know them: 62");
	assert_string_equal(
		warnings.items[1],
		"process.capabilities: left out, we don't have them ourselves: CAP_SYS_ADMIN");
	strv_free(&warnings);
}

static void test_clip_keeps_ambient_within_permitted_and_inheritable(void **state)
{
	struct spec_caps caps = {
		.set = true,
		.permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL),
		.inheritable = BIT(CAP_KILL),
		.ambient = BIT(CAP_CHOWN) | BIT(CAP_KILL),
	};
	struct strv warnings = { 0 };

	(void)state;
	caps_clip(&caps, caps_known_mask(), &warnings);
	assert_int_equal(caps.ambient, BIT(CAP_KILL));
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.items[0], "CAP_CHOWN"));
	strv_free(&warnings);
	/* Without a list there is nothing to clip and nothing to say. */
	caps.set = false;
	caps.ambient = UINT64_MAX;
	caps_clip(&caps, 0, NULL);
	assert_int_equal(caps.ambient, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_five_sets_are_as_asked),
		cmocka_unit_test(test_sets_survive_a_change_of_user),
		cmocka_unit_test(test_ambient_capabilities_not_asked_for_are_cleared),
		cmocka_unit_test(test_an_empty_list_takes_everything),
		cmocka_unit_test(test_more_than_we_have_is_refused_in_words),
		cmocka_unit_test(test_available_is_permitted_less_what_is_not_bounding),
		cmocka_unit_test(test_known_is_the_kernels_last),
		cmocka_unit_test(test_clip_leaves_out_and_names_what_is_not_to_be_had),
		cmocka_unit_test(test_clip_keeps_ambient_within_permitted_and_inheritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
