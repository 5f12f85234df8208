#include "rootfs/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

/* Options as mount(8) writes them, to a struct; NULL data when nothing is left. */
static int parse(const char *words, struct mount_options *ret, struct err *err)
{
	CLEAN(strv) struct strv list = { 0 };

	strv_split(&list, words, ' ');
	*err = (struct err){ 0 };
	return mount_options_parse(&list, ret, err);
}

static struct mount_options parsed(const char *words)
{
	struct mount_options o;
	struct err err;

	assert_int_equal(parse(words, &o, &err), 0);
	return o;
}

static void test_table_is_sorted_and_without_doubles(void **state)
{
	(void)state;
	for (size_t i = 1; mount_option_word(i); i++)
		assert_true(strcmp(mount_option_word(i - 1), mount_option_word(i)) < 0);
	assert_null(mount_option_word(10000));
}

/* All of the runtime specification 1.3, config.md, "Linux mount options". */
static const char standard[] =
	"async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev "
	"nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid nosymfollow private "
	"ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec "
	"rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave "
	"rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync "
	"tmpcopyup unbindable idmap ridmap mand nomand";

static void test_every_word_of_the_standard_is_known(void **state)
{
	struct mount_options o = parsed(standard);

	(void)state;
	assert_null(o.data);
}

static void test_unknown_words_are_left_for_the_filesystem_in_order(void **state)
{
	CLEAN(mount_options)
	struct mount_options o = parsed("nosuid size=64k mode=755 ro context=\"a:b,c\"");

	(void)state;
	assert_string_equal(o.data, "size=64k,mode=755,context=\"a:b,c\"");
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY);
	assert_int_equal(mount_options_flags(&o), MS_NOSUID | MS_RDONLY);
}

static void test_the_later_word_wins(void **state)
{
	struct mount_options o = parsed("ro rw noexec exec noexec sync async");

	(void)state;
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOEXEC);
	assert_int_equal(o.attr_clr, MOUNT_ATTR_RDONLY);
	assert_int_equal(o.super_set, 0);
	assert_int_equal(o.super_clr, MS_SYNCHRONOUS);
}

static void test_access_times_are_one_field(void **state)
{
	struct mount_options o = parsed("noatime");

	(void)state;
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOATIME);
	assert_int_equal(o.attr_clr, MOUNT_ATTR__ATIME);
	o = parsed("noatime strictatime nodiratime");
	assert_int_equal(o.attr_set, MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME);
	assert_int_equal(o.attr_clr, MOUNT_ATTR__ATIME);
	o = parsed("noatime relatime");
	assert_int_equal(o.attr_set, 0);
	assert_int_equal(o.attr_clr, MOUNT_ATTR__ATIME);
	assert_int_equal(mount_options_flags(&o), 0);
}

static void test_recursive_words_are_kept_apart_and_end_earlier_plain_ones(void **state)
{
	struct mount_options o = parsed("rbind rw rro rnosuid");

	(void)state;
	assert_int_equal(o.rec_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	assert_int_equal(o.attr_set | o.attr_clr, 0);
	o = parsed("rro rw");
	assert_int_equal(o.rec_set, MOUNT_ATTR_RDONLY);
	assert_int_equal(o.attr_clr, MOUNT_ATTR_RDONLY);
	assert_int_equal(mount_options_flags(&o), 0);
}

static void test_bind_propagation_and_idmap(void **state)
{
	struct mount_options o = parsed("rbind rslave ridmap");

	(void)state;
	assert_true(o.bind && o.bind_rec && o.propagation_rec);
	assert_int_equal(o.propagation, MS_SLAVE);
	assert_int_equal(o.idmap, IDMAP_RECURSIVE);
	o = parsed("rbind bind shared idmap");
	assert_true(o.bind && !o.bind_rec && !o.propagation_rec);
	assert_int_equal(o.propagation, MS_SHARED);
	assert_int_equal(o.idmap, IDMAP_TOP);
}

static const struct {
	const char *option, *words;
} refused[] = {
	{ "ro,nosuid", "\"ro,nosuid\": one option per list element" },
	{ "ro=1", "\"ro=1\": ro takes no value" },
	{ "idmap=uids=0-1-10", "\"idmap=uids=0-1-10\": idmap takes no value; put the maps into "
			       "uidMappings and gidMappings" },
	{ "", "an empty option" },
};

static void test_what_would_be_ignored_silently_is_refused_with_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		CLEAN(strv) struct strv list = { 0 };
		struct mount_options o;
		struct err err;

		strv_add(&list, "size=1k");
		strv_add(&list, refused[i].option);
		assert_int_equal(mount_options_parse(&list, &o, &err), -EINVAL);
		assert_string_equal(err.text, refused[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sorted_and_without_doubles),
		cmocka_unit_test(test_every_word_of_the_standard_is_known),
		cmocka_unit_test(test_unknown_words_are_left_for_the_filesystem_in_order),
		cmocka_unit_test(test_the_later_word_wins),
		cmocka_unit_test(test_access_times_are_one_field),
		cmocka_unit_test(test_recursive_words_are_kept_apart_and_end_earlier_plain_ones),
		cmocka_unit_test(test_bind_propagation_and_idmap),
		cmocka_unit_test(test_what_would_be_ignored_silently_is_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
