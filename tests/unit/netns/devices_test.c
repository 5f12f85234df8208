#include "netns/devices.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct spec_net_device items[NET_DEVICES_MAX + 1];
static struct net_devices planned;
static struct err err;

static int plan(bool own, size_t count)
{
	struct spec_linux lin = { 0 };

	lin.net_devices.items = items;
	lin.net_devices.count = count;
	err = (struct err){ 0 };
	return netns_devices_plan(&lin, own, &planned, &err);
}

static void refuses(char *host, char *name, const char *words)
{
	items[0] = (struct spec_net_device){ host, name };
	assert_int_equal(plan(true, 1), -EINVAL);
	assert_non_null(strstr(err.text, words));
}

static void test_an_interface_keeps_its_name_unless_another_is_asked(void **state)
{
	(void)state;
	items[0] = (struct spec_net_device){ (char[]){ "eth0" }, NULL };
	items[1] = (struct spec_net_device){ (char[]){ "eth1" }, (char[]){ "in%d" } };
	items[2] = (struct spec_net_device){ (char[]){ "eth2" }, (char[]){ "" } };
	assert_int_equal(plan(true, 3), 0);
	assert_int_equal(planned.count, 3);
	assert_string_equal(planned.items[0].wanted, "eth0");
	assert_string_equal(planned.items[1].name, "eth1");
	assert_string_equal(planned.items[1].wanted, "in%d");
	assert_string_equal(planned.items[2].wanted, "eth2");
	assert_int_equal(planned.items[2].index, 0);
}

static void test_without_a_namespace_there_is_nowhere_to_go(void **state)
{
	(void)state;
	items[0] = (struct spec_net_device){ (char[]){ "eth0" }, NULL };
	assert_int_equal(plan(false, 1), -EINVAL);
	assert_non_null(strstr(err.text, "linux.namespaces"));
	assert_int_equal(plan(false, 0), 0);
	assert_int_equal(planned.count, 0);
}

static void test_names_that_the_kernel_refuses_are_refused_with_their_key(void **state)
{
	char ok[] = "eth0";
	char *bad[] = { (char[]){ "." },     (char[]){ ".." },  (char[]){ "a/b" },
			(char[]){ "a b" },   (char[]){ "a:b" }, (char[]){ "sixteen-letters-" },
			(char[]){ "a\x01" }, (char[]){ "a%s" }, (char[]){ "%d%d" },
			(char[]){ "a%" } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		refuses(ok, bad[i], "linux.netDevices.eth0.name: \"");
		refuses(bad[i], ok, "linux.netDevices: \"");
	}
	refuses((char[]){ "" }, ok, "linux.netDevices: \"\"");
	/* A pattern is for the other side only. */
	refuses((char[]){ "eth%d" }, NULL, "linux.netDevices: \"eth%d\"");
	assert_true(net_name_ok("fifteen-letters", false));
}

static void test_two_can_have_one_pattern_and_not_one_name(void **state)
{
	(void)state;
	items[0] = (struct spec_net_device){ (char[]){ "a" }, (char[]){ "n%d" } };
	items[1] = (struct spec_net_device){ (char[]){ "b" }, (char[]){ "n%d" } };
	assert_int_equal(plan(true, 2), 0);
	items[0].name = (char[]){ "b" };
	items[1].name = NULL;
	assert_int_equal(plan(true, 2), -EINVAL);
	assert_non_null(strstr(err.text, "linux.netDevices.b.name: \"b\" is already what \"a\""));
}

static void test_more_than_fit_are_refused(void **state)
{
	char names[NET_DEVICES_MAX + 1][8];

	(void)state;
	for (size_t i = 0; i <= NET_DEVICES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "e%zu", i);
		items[i] = (struct spec_net_device){ names[i], NULL };
	}
	assert_int_equal(plan(true, NET_DEVICES_MAX), 0);
	assert_int_equal(planned.count, NET_DEVICES_MAX);
	assert_int_equal(plan(true, NET_DEVICES_MAX + 1), -E2BIG);
	assert_non_null(strstr(err.text, "linux.netDevices"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_interface_keeps_its_name_unless_another_is_asked),
		cmocka_unit_test(test_without_a_namespace_there_is_nowhere_to_go),
		cmocka_unit_test(test_names_that_the_kernel_refuses_are_refused_with_their_key),
		cmocka_unit_test(test_two_can_have_one_pattern_and_not_one_name),
		cmocka_unit_test(test_more_than_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
