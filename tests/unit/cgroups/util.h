/* What the tests of groups share. */
#ifndef TESTS_CGROUPS_UTIL_H
#define TESTS_CGROUPS_UTIL_H

#include "cgroups/host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

/* The call fails with -code, and what the user will read contains the words. */
#define assert_fails(call, err, errno_, words)                                                 \
	do {                                                                                   \
		int r_ = (call);                                                               \
		if (r_ != -(errno_) || (err)->code != (errno_) || !strstr((err)->text, words)) \
			fail_msg("%s: %d, \"%s\"; expected %d, \"...%s...\"", #call, r_,       \
				 (err)->text, -(errno_), words);                               \
	} while (0)

/* The call succeeds; else its words are shown. */
#define assert_works(call, err)                                             \
	do {                                                                \
		int r_ = (call);                                            \
		if (r_ < 0)                                                 \
			fail_msg("%s: %d, \"%s\"", #call, r_, (err)->text); \
	} while (0)

/* This host, as every test has it; and the folder of this run below which all groups are made. */
extern struct cgroup_host util_host;
extern char util_base[64];

/* For cmocka's group fixtures: find the host; remove whatever a failed test left. */
int util_setup(void **state);
int util_teardown(void **state);

/* "BASE/NAME"; a static buffer per call depth of four. */
const char *util_path(const char *name);

/* Is the controller at the root of the cgroup2 tree? With CTR_VM set, where all are, a missing one
 * ends the program: nothing is passed over there. */
bool util_has(const char *controller);

/* A child in the group that pauses until killed, with its pidfd. */
pid_t util_child(int group, int *ret_pidfd);

/* Kill and reap. */
void util_end(int *pidfd);

#endif
