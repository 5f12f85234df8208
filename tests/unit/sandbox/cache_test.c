/* Compiled filters are found again, and nothing but what we wrote is believed. */
#include "bpf.h"
#include "child.h"

#include "base/file.h"
#include "sandbox/profile.h"
#include "spec/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char top[32];
	char cache[48];
	struct spec_seccomp spec;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	strcpy(p->top, "/tmp/ctr-cache-XXXXXX");
	if (!mkdtemp(p->top))
		return -1;
	snprintf(p->cache, sizeof(p->cache), "%s/cache", p->top);
	p->spec = (struct spec_seccomp){ .set = true, .default_action = xstrdup("SCMP_ACT_ALLOW") };
	bpf_rule(&p->spec, "SCMP_ACT_ERRNO", 5, "getpid getppid");
	bpf_arg(bpf_rule(&p->spec, "SCMP_ACT_NOTIFY", -1, "ioctl"), 1, "SCMP_CMP_EQ", 7, 0);
	strv_add(&p->spec.flags, "SECCOMP_FILTER_FLAG_LOG");
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	struct err err;
	int rc = file_remove_tree(AT_FDCWD, p->top, &err);

	spec_seccomp_free(&p->spec);
	free(p);
	return rc;
}

/* How many files there are, and the path of the last one seen. */
static size_t files(const struct place *p, char path[128])
{
	DIR *dir = opendir(p->cache);
	const struct dirent *e;
	size_t count = 0;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.') {
			count++;
			if (path)
				snprintf(path, 128, "%s/%.60s", p->cache, e->d_name);
		}
	if (dir)
		closedir(dir);
	return count;
}

static ino_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static void get(const struct place *p, struct seccomp_filter *ret)
{
	struct strv warnings = { 0 };
	struct err err = { 0 };

	if (seccomp_filter_get(p->cache, &p->spec, ret, &warnings, &err) < 0)
		fail_msg("%s", err.text);
	if (warnings.count)
		fail_msg("%s", warnings.items[0]);
}

static void same_as_compiled(const struct place *p, const struct seccomp_filter *f)
{
	CLEAN(seccomp_filter) struct seccomp_filter fresh = { 0 };
	struct err err;

	assert_int_equal(seccomp_compile(&p->spec, &fresh, NULL, &err), 0);
	assert_int_equal(f->count, fresh.count);
	assert_memory_equal(f->insns, fresh.insns, f->count * sizeof(*f->insns));
	assert_int_equal(f->flags, fresh.flags);
	assert_int_equal(f->wants_listener, fresh.wants_listener);
}

static void test_second_time_comes_from_the_file(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter first = { 0 };
	CLEAN(seccomp_filter) struct seccomp_filter second = { 0 };
	const struct place *p = *state;
	char path[128];
	struct stat st;
	ino_t before;

	get(p, &first);
	assert_int_equal(files(p, path), 1);
	before = inode(path);
	get(p, &second);
	assert_int_equal(files(p, path), 1);
	assert_int_equal(inode(path), before);
	same_as_compiled(p, &first);
	same_as_compiled(p, &second);
	assert_true(second.wants_listener && second.flags);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(p->cache, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_every_part_of_the_spec_is_in_the_key(void **state)
{
	struct place *p = *state;
	struct spec_seccomp *s = &p->spec;
	size_t want = 0;

#define ANOTHER(change)                                                \
	do {                                                           \
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 }; \
		change;                                                \
		get(p, &f);                                            \
		assert_int_equal(files(p, NULL), ++want);              \
		same_as_compiled(p, &f);                               \
	} while (0)
	ANOTHER((void)0);
	ANOTHER(strv_add(&s->rules.items[0].names, "getuid"));
	ANOTHER(s->rules.items[0].errno_ret.value = 6);
	ANOTHER(s->rules.items[1].args.items[0].value = 8);
	ANOTHER(s->rules.items[1].args.items[0].value_two = 8);
	ANOTHER(s->rules.items[1].args.items[0].index = 2);
	ANOTHER(memcpy(s->rules.items[1].args.items[0].op, "SCMP_CMP_NE", 11));
	ANOTHER(strv_add(&s->architectures, "SCMP_ARCH_X86"));
	ANOTHER(strv_add(&s->flags, "SECCOMP_FILTER_FLAG_TSYNC"));
	ANOTHER(memcpy(s->default_action, "SCMP_ACT_TRACE", 14));
	ANOTHER((s->default_errno_ret = (struct opt_u64){ true, 4 }));
	/* Words that only move from one list to the next make another key. */
	ANOTHER((strv_add(&s->rules.items[1].names, "x"), s->rules.items[0].names.count--));
	s->rules.items[0].names.count++;
}

static void write_at(const char *path, off_t at, const void *data, size_t len)
{
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, data, len, at), len);
}

/* Spoil the file somehow; the filter must be right all the same and the file be made anew. */
static void spoilt(struct place *p, void (*spoil)(const char *path))
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	CLEAN(seccomp_filter) struct seccomp_filter again = { 0 };
	char path[128];
	ino_t before;

	get(p, &f);
	seccomp_filter_free(&f);
	assert_int_equal(files(p, path), 1);
	spoil(path);
	before = inode(path);
	get(p, &f);
	same_as_compiled(p, &f);
	assert_int_equal(files(p, path), 1);
	assert_int_not_equal(inode(path), before);
	before = inode(path);
	get(p, &again);
	assert_int_equal(inode(path), before);
}

static void spoil_truncate(const char *path)
{
	assert_int_equal(truncate(path, 60), 0);
}

static void spoil_empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void spoil_longer(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	write_at(path, st.st_size, "x", 1);
}

/* An instruction that would let everything through. */
static void spoil_program(const char *path)
{
	static const struct sock_filter allow = { 0x06, 0, 0, SECCOMP_RET_ALLOW };

	write_at(path, 32, &allow, sizeof(allow));
}

static void spoil_flags(const char *path)
{
	write_at(path, 24, "\xff", 1);
}

static void spoil_key(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	write_at(path, st.st_size - 3, "abc", 3);
}

static void spoil_owner(const char *path)
{
	assert_int_equal(chown(path, 1000, 1000), 0);
}

static void spoil_mode(const char *path)
{
	assert_int_equal(chmod(path, 0620), 0);
}

static void spoil_hard_link(const char *path)
{
	char other[160];

	snprintf(other, sizeof(other), "%.21s/linked", path);
	unlink(other);
	assert_int_equal(link(path, other), 0);
}

static void spoil_symlink(const char *path)
{
	char other[160];

	snprintf(other, sizeof(other), "%.21s/moved", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
}

static void test_a_spoilt_file_is_ignored_and_made_anew(void **state)
{
	static void (*const ways[])(const char *) = { spoil_truncate, spoil_empty, spoil_longer,
						      spoil_program,  spoil_flags, spoil_key,
						      spoil_owner,    spoil_mode,  spoil_hard_link,
						      spoil_symlink };

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		spoilt(*state, ways[i]);
}

static void test_a_folder_that_others_may_write_to_is_not_used(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct place *p = *state;
	struct strv warnings = { 0 };
	struct err err;

	assert_int_equal(mkdir(p->cache, 0777), 0);
	assert_int_equal(chmod(p->cache, 0777), 0);
	assert_int_equal(seccomp_filter_get(p->cache, &p->spec, &f, &warnings, &err), 0);
	same_as_compiled(p, &f);
	assert_int_equal(files(p, NULL), 0);
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.items[0], "others may write to it"));
	strv_free(&warnings);
}

static void test_no_folder_is_no_failure(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct place *p = *state;
	struct strv warnings = { 0 };
	struct err err;

	assert_int_equal(seccomp_filter_get("/no/such/folder", &p->spec, &f, &warnings, &err), 0);
	same_as_compiled(p, &f);
	assert_int_equal(warnings.count, 1);
	strv_free(&warnings);
	seccomp_filter_free(&f);
	assert_int_equal(seccomp_filter_get(NULL, &p->spec, &f, &warnings, &err), 0);
	assert_int_equal(warnings.count, 0);
}

static void test_at_most_64_files_and_the_oldest_goes(void **state)
{
	struct place *p = *state;
	char first[128], stale[128], fresh[128], foreign[128];
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct err err;

	for (uint64_t i = 0; i < 70; i++) {
		struct seccomp_filter f = { 0 };

		p->spec.rules.items[0].errno_ret.value = i;
		get(p, &f);
		seccomp_filter_free(&f);
		if (i == 0) {
			files(p, first);
			utimensat(AT_FDCWD, first, old, 0);
			snprintf(stale, sizeof(stale), "%s/.tmp-stale", p->cache);
			snprintf(fresh, sizeof(fresh), "%s/.tmp-fresh", p->cache);
			snprintf(foreign, sizeof(foreign), "%s/.keep", p->cache);
			assert_int_equal(file_write_atomic(AT_FDCWD, stale, 0600, "", 0, &err), 0);
			assert_int_equal(file_write_atomic(AT_FDCWD, fresh, 0600, "", 0, &err), 0);
			assert_int_equal(file_write_atomic(AT_FDCWD, foreign, 0600, "", 0, &err),
					 0);
			utimensat(AT_FDCWD, stale, old, 0);
			utimensat(AT_FDCWD, foreign, old, 0);
		}
	}
	assert_int_equal(files(p, NULL), 64);
	assert_int_equal(inode(first), 0);
	assert_int_equal(inode(stale), 0);
	assert_int_not_equal(inode(fresh), 0);
	assert_int_not_equal(inode(foreign), 0);
}

static void test_the_default_profile_is_kept_by_caps_and_words(void **state)
{
	static const char *const words[] = { NULL, "bpf", "bpf,userns", "userns,bpf,bpf" };
	struct place *p = *state;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int twice = 0; twice < 2; twice++) {
			CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
			struct strv allow = { 0 };

			if (words[i])
				strv_split(&allow, words[i], ',');
			assert_int_equal(seccomp_filter_get_default(p->cache, 5, &allow, &f, NULL,
								    &err),
					 0);
			assert_int_equal(files(p, NULL), i < 3 ? i + 1 : 3);
			strv_free(&allow);
		}
	for (int twice = 0; twice < 2; twice++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };

		assert_int_equal(seccomp_filter_get_default(p->cache, 6, NULL, &f, NULL, &err), 0);
		assert_int_equal(files(p, NULL), 4);
	}
}

static void test_what_draws_a_warning_is_not_kept(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct place *p = *state;
	struct strv warnings = { 0 };
	struct err err;

	memcpy(p->spec.rules.items[1].action, "SCMP_ACT_ALLOW", 15);
	strv_add(&p->spec.flags, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
	for (size_t i = 1; i <= 2; i++) {
		assert_int_equal(seccomp_filter_get(p->cache, &p->spec, &f, &warnings, &err), 0);
		assert_int_equal(warnings.count, i);
		seccomp_filter_free(&f);
	}
	strv_free(&warnings);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_second_time_comes_from_the_file),
		WITH_FOLDER(test_every_part_of_the_spec_is_in_the_key),
		WITH_FOLDER(test_a_spoilt_file_is_ignored_and_made_anew),
		WITH_FOLDER(test_a_folder_that_others_may_write_to_is_not_used),
		WITH_FOLDER(test_no_folder_is_no_failure),
		WITH_FOLDER(test_at_most_64_files_and_the_oldest_goes),
		WITH_FOLDER(test_the_default_profile_is_kept_by_caps_and_words),
		WITH_FOLDER(test_what_draws_a_warning_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
