#include "monitor/sdnotify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What passes of a message, and whether it says that all is ready. */
static void check(const char *message, bool ready_only, const char *want, bool want_ready)
{
	char *exact = malloc(strlen(message) + 1), text[SDNOTIFY_MESSAGE_MAX + 1];
	bool ready = !want_ready;
	size_t len;

	/* Of just that size, so that a sanitizer sees who reads on. */
	memcpy(exact, message, strlen(message));
	len = sdnotify_filter(exact, strlen(message), ready_only, text, &ready);
	text[len] = '\0';
	assert_string_equal(text, want);
	assert_int_equal(ready, want_ready);
	free(exact);
}

static void test_states_pass_as_they_are(void **state)
{
	(void)state;
	check("READY=1", false, "READY=1", true);
	check("READY=1\n", false, "READY=1", true);
	check("STATUS=half way\nREADY=1\nERRNO=2\n", false, "STATUS=half way\nREADY=1\nERRNO=2",
	      true);
	check("RELOADING=1\nMONOTONIC_USEC=123", false, "RELOADING=1\nMONOTONIC_USEC=123", false);
	check("STOPPING=1\nWATCHDOG=1", false, "STOPPING=1\nWATCHDOG=1", false);
	check("", false, "", false);
}

static void test_all_else_is_left_out(void **state)
{
	(void)state;
	check("MAINPID=1\nREADY=1\nFDSTORE=1\nFDNAME=x\nBARRIER=1\nWATCHDOG_USEC=1", false,
	      "READY=1", true);
	check("EXTEND_TIMEOUT_USEC=99999999\nX_OWN=1\nNOTIFYACCESS=all\nBUSERROR=x", false, "",
	      false);
	check("READY=0\nREADY=12\nREADY=\nREADY\n READY=1\nREADY=1 ", false, "", false);
	check("ERRNO=\nERRNO=-1\nERRNO=1x\nERRNO=123456789012345678901", false, "", false);
	check("WATCHDOG=trigger", false, "", false);
}

static void test_a_status_is_one_line_of_bounded_length_and_no_terminal_code(void **state)
{
	char message[1100] = "STATUS=", want[600] = "STATUS=";

	(void)state;
	check("STATUS=a\x1b[2Jb\tc\rd\x7f", false, "STATUS=a [2Jb c d ", false);
	memset(message + 7, 'x', 1000);
	memset(want + 7, 'x', 512);
	check(message, false, want, false);
}

static void test_only_ready_passes_where_no_more_is_wanted(void **state)
{
	(void)state;
	check("STATUS=x\nREADY=1\nSTOPPING=1\nMAINPID=7", true, "READY=1", true);
	check("STOPPING=1", true, "", false);
}

static void test_what_passes_is_never_longer_than_said(void **state)
{
	char message[SDNOTIFY_MESSAGE_MAX], text[SDNOTIFY_MESSAGE_MAX];
	bool ready;

	(void)state;
	for (size_t i = 0; i + 8 <= sizeof(message); i += 8)
		memcpy(message + i, "ERRNO=1\n", 8);
	assert_int_equal(sdnotify_filter(message, sizeof(message), false, text, &ready),
			 sizeof(text) - 1);
	assert_false(ready);
}

static void test_who_is_meant_is_known_by_pid(void **state)
{
	struct sdnotify_choice c;
	struct err err = { 0 };
	char pid[16];

	(void)state;
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	setenv("WATCHDOG_USEC", "1000", 1);
	unsetenv("SYSTEMD_EXEC_PID");
	assert_int_equal(sdnotify_choose(NULL, &c, &err), 0);
	assert_int_equal(c.mode, SDNOTIFY_IGNORE);
	assert_null(c.address);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("SYSTEMD_EXEC_PID", pid, 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sdnotify_choose(NULL, &c, &err), 0);
	assert_int_equal(c.mode, SDNOTIFY_CONTAINER);
	assert_string_equal(c.address, "/run/x");
	assert_string_equal(c.watchdog_usec, "1000");
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(sdnotify_choose("conmon", &c, &err), 0);
	assert_int_equal(c.mode, SDNOTIFY_CONMON);
	assert_null(c.watchdog_usec);
	assert_int_equal(sdnotify_choose("ignore", &c, &err), 0);
	assert_null(c.address);
	assert_true(sdnotify_choose("maybe", &c, &err) < 0);
	assert_non_null(strstr(err.text, "\"maybe\" is not container, conmon, healthy or ignore"));
	setenv("NOTIFY_SOCKET", "vsock:2:3", 1);
	assert_true(sdnotify_choose("container", &c, &err) < 0);
	assert_non_null(strstr(err.text, "NOTIFY_SOCKET=vsock:2:3: neither an absolute path"));
	assert_int_equal(sdnotify_choose("ignore", &c, &err), 0);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(sdnotify_choose("container", &c, &err), 0);
	assert_null(c.address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_pass_as_they_are),
		cmocka_unit_test(test_all_else_is_left_out),
		cmocka_unit_test(test_a_status_is_one_line_of_bounded_length_and_no_terminal_code),
		cmocka_unit_test(test_only_ready_passes_where_no_more_is_wanted),
		cmocka_unit_test(test_what_passes_is_never_longer_than_said),
		cmocka_unit_test(test_who_is_meant_is_known_by_pid),
	};

	return cmocka_run_group_tests_name("sdnotify", tests, NULL, NULL);
}
