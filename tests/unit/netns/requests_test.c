#include "base/str.h"
#include "netns/requests.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct link_request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	struct rtattr attr;
	unsigned char mac[8];
};

static struct link_request link_up(int number)
{
	return (struct link_request){
		.head = { .nlmsg_len = offsetof(struct link_request, mac) + 6,
			  .nlmsg_type = RTM_SETLINK },
		.link = { .ifi_index = number },
		.attr = { .rta_len = sizeof(struct rtattr) + 6, .rta_type = IFLA_ADDRESS },
		.mac = { 2, 0x77, 0x77, 0x77, 0x77, 0x77 },
	};
}

static void refused(const void *text, size_t len, int code, const char *words)
{
	CLEAN(str) struct str copy = { 0 };
	struct net_links links = { 0 };
	struct err err = { 0 };

	str_add_bytes(&copy, text, len);
	assert_int_equal(netns_requests_apply(copy.text, copy.len, &links, &err), -code);
	assert_non_null(strstr(err.text, "set up the network: "));
	assert_non_null(strstr(err.text, words));
}

/* What would change anything in this test's own namespace never gets so far: there is no such address. */
static void test_no_request_of_another_kind_is_sent(void **state)
{
	struct link_request r = link_up(1);

	(void)state;
	r.head.nlmsg_type = RTM_DELLINK;
	refused(&r, sizeof(r), EPROTO, "is none that may come");
	r.head.nlmsg_type = RTM_NEWLINK;
	refused(&r, sizeof(r), EPROTO, "is none that may come");
}

static void test_cut_off_request_is_refused(void **state)
{
	struct link_request r = link_up(1);

	(void)state;
	for (size_t len = 1; len < r.head.nlmsg_len; len++)
		refused(&r, len, EPROTO, "cut off");
	/* A length that is not even its head's. */
	r.head.nlmsg_len = 3;
	refused(&r, sizeof(r), EPROTO, "cut off");
	r.head.nlmsg_len = sizeof(r.head) + 4;
	refused(&r, sizeof(r), EPROTO, "is none that may come");
}

static void test_interface_is_found_by_its_address_alone(void **state)
{
	struct link_request r = link_up(1);
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg address;
	} a = { .head = { .nlmsg_len = sizeof(a), .nlmsg_type = RTM_NEWADDR },
		.address = { .ifa_index = 1 } };

	(void)state;
	refused(&r, sizeof(r), ENODEV, "virtio_net");
	refused(&a, sizeof(a), EPROTO, "interface 1 is not set up yet");
	for (int number = -1; number < 20; number += number == -1 ? 1 : 17) {
		r = link_up(number);
		refused(&r, sizeof(r), EPROTO, "there is no interface");
	}
	r = link_up(1);
	r.attr.rta_type = IFLA_BROADCAST;
	refused(&r, sizeof(r), EPROTO, "has no address");
	r = link_up(1);
	r.attr.rta_len = 600;
	refused(&r, sizeof(r), EPROTO, "has no address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_request_of_another_kind_is_sent),
		cmocka_unit_test(test_cut_off_request_is_refused),
		cmocka_unit_test(test_interface_is_found_by_its_address_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
