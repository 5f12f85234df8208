/* What the tests of the limits table share: a spec, its translation, how to ask about it. */
#ifndef TESTS_CGROUPS_MADE_H
#define TESTS_CGROUPS_MADE_H

#include "util.h"

#include "cgroups/leaf.h"

/* What the tests ask about; empty at the beginning of every test. */
extern struct spec_resources res;
extern struct cgroup_settings made;
extern struct strv warnings;
extern struct err err;

#define I64(v) ((struct opt_i64){ true, v })
#define U64(v) ((struct opt_u64){ true, v })

/* Setup and teardown of a test, and a test with them. */
int made_begin(void **state);
int made_end(void **state);
#define MADE_TEST(name) cmocka_unit_test_setup_teardown(name, made_begin, made_end)

/* Translate res into made; cgroup_settings_make()'s result. */
int make(void);

/* The setting for a file, or NULL. */
const struct cgroup_setting *setting(const char *file);

/* After a translation that has to work: the value for a file; "" when it isn't written. */
const char *value_of(const char *file);

#endif
