/* What the tests of limits share: the group a spec is for, and both brought together. */
#ifndef TESTS_CGROUPS_LIMITS_H
#define TESTS_CGROUPS_LIMITS_H

#include "made.h"

/* Of the test that runs; gone again after it. */
extern int group;

/* Teardown of a test, and a test with it. */
int limits_end(void **state);
#define LIMITS_TEST(name) cmocka_unit_test_setup_teardown(name, made_begin, limits_end)

/* As a runtime does it, up to the group with its limits. */
int apply_new(void);

/* And `update` on the group that is there. */
int apply_update(void);

/* A file of the group; a static buffer. */
const char *now(const char *file);

/* res.unified is this one entry. */
void unified(const char *entry);

/* A process in the group that wants this many bytes and then waits. */
pid_t hog(size_t bytes, int *ret_pidfd);

#endif
