#include "base/str.h"
#include "microvm/net.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_flag_that_is_wrong_says_what(void **state)
{
	static const struct {
		const char *text, *error;
		int code;
	} cases[] = {
		{ "", "connected with what?", EINVAL },
		{ "nothing", "connected with what?", EINVAL },
		{ "mac=02:00:00:00:00:01", "connected with what?", EINVAL },
		{ "tap=", "a name has 1 to 15 letters", EINVAL },
		{ "tap=1234567890123456", "a name has 1 to 15 letters", EINVAL },
		{ "tap=nowhere0", "`ip tuntap add name nowhere0 mode tap` makes one", ENODEV },
		{ "tap=lo,up", "\"up\" is not mac=MAC", EINVAL },
		{ "tap=lo,bps=1m", "\"bps=1m\" is not mac=MAC, rx-bps=SIZE", EINVAL },
		{ "tap=lo,rx-bps=", "\"rx-bps=\": a limit is a size", EINVAL },
		{ "tap=lo,tx-iops=0", "\"tx-iops=0\": a limit is a size", EINVAL },
		{ "tap=lo,burst=0", "\"burst=0\": a limit is a size", EINVAL },
		{ "tap=lo,mac=", "an address is like", EINVAL },
		{ "tap=lo,mac=02:00:00:00:00", "an address is like", EINVAL },
		{ "tap=lo,mac=02:00:00:00:00:01:02", "an address is like", EINVAL },
		{ "tap=lo,mac=02-00-00-00-00-01", "an address is like", EINVAL },
		{ "tap=lo,mac=02:00:00:00:00:0g", "an address is like", EINVAL },
		{ "tap=lo,mac=00:00:00:00:00:00", "an address is like", EINVAL },
		{ "tap=lo,mac=03:00:00:00:00:01", "an address is like", EINVAL },
		{ "tap=lo,mac=ff:ff:ff:ff:ff:ff", "an address is like", EINVAL },
		{ "fd=", "fd=N is the number", EINVAL },
		{ "fd=-1", "fd=N is the number", EINVAL },
		{ "fd=99999", "take the fd 99999", EBADF },
		{ "fd=2", "it is no open tap", EINVAL },
		{ "fd=2,mac=aA:bB:cC:dD:eE:fF", "it is no open tap", EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_options opt;
		struct err err = { 0 };

		assert_int_equal(net_parse(cases[i].text, &opt, &err), -cases[i].code);
		assert_non_null(strstr(err.text, "--net "));
		assert_non_null(strstr(err.text, cases[i].error));
		net_options_free(&opt);
		assert_int_equal(opt.fd, -1);
	}
}

static void test_address_by_chance_is_a_local_one(void **state)
{
	uint8_t a[NET_MAC_BYTES], b[NET_MAC_BYTES];
	struct err err = { 0 };

	(void)state;
	for (int i = 0; i < 64; i++) {
		assert_int_equal(net_random_mac(a, &err), 0);
		assert_int_equal(a[0] & 3, 2);
	}
	assert_int_equal(net_random_mac(b, &err), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flag_that_is_wrong_says_what),
		cmocka_unit_test(test_address_by_chance_is_a_local_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
