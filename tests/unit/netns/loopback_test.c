#include "netns/loopback.h"

#include "base/cleanup.h"
#include "base/process.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_up(void)
{
	CLEAN(fd) int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ifreq req = { .ifr_name = "lo" };

	return ioctl(sock, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & IFF_UP) &&
	       (req.ifr_flags & IFF_LOOPBACK) &&
	       bind(sock, (struct sockaddr *)&here, sizeof(here)) == 0;
}

static int exit_code(int pidfd)
{
	int status;

	assert_int_equal(process_wait(pidfd, &status), 0);
	return status >> 8;
}

static void test_lo_is_up_with_its_address_afterwards(void **state)
{
	CLEAN(fd) int pidfd = -1;
	struct err err;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 && !getenv("CTR_STRICT"))
		return;
	pid = process_clone(CLONE_NEWNET, -1, &pidfd);
	assert_true(pid >= 0);
	if (pid == 0) {
		if (is_up())
			_exit(1);
		if (netns_loopback_up(&err) < 0)
			_exit(2);
		/* Once more changes nothing. */
		_exit(is_up() && netns_loopback_up(&err) == 0 && is_up() ? 0 : 3);
	}
	assert_int_equal(exit_code(pidfd), 0);
}

static void test_without_the_right_it_says_what_it_tried(void **state)
{
	CLEAN(fd) int pidfd = -1;
	struct err err;
	pid_t pid;

	(void)state;
	pid = process_clone(0, -1, &pidfd);
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		if (netns_loopback_up(&err) != -EPERM)
			_exit(2);
		_exit(strstr(err.text, "bring the loopback interface up") ? 0 : 3);
	}
	assert_int_equal(exit_code(pidfd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lo_is_up_with_its_address_afterwards),
		cmocka_unit_test(test_without_the_right_it_says_what_it_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
