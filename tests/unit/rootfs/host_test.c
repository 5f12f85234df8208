/* The source "host": programs run, secrets and people are not there. */
#include "rootfs/world.h"

#include "base/process.h"
#include "rootfs/accounts.h"
#include "rootfs/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int host(void **state)
{
	struct world *w;

	if (world_make(state) < 0)
		return -1;
	w = *state;
	strv_add(&w->spec.annotations, SPEC_ANNOTATION_ROOTFS "=host");
	w->spec.hostname = xstrdup("box");
	return 0;
}

static const char *const secret_names[] = {
	"shadow*",  "gshadow*", "passwd-",       "group-",      "sub[ug]id*", "sudoers*",
	"*_key",    "id_rsa*",  "*.key",         "krb5.keytab", "ssh",        "private",
	".ssh",     ".netrc",   ".bash_history", "*.pem.bak",   "gitconfig",  "npmrc",
	"pip.conf", "wgetrc",   "environment",   "profile.d",   "docker",     "NetworkManager",
	"crontab",  "security", "default",
};

static int seen_files, seen_folders;

static int look_at(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	const char *text;

	/* Programs are what it is for. */
	if (kind == FTW_D && at->level == 1 &&
	    (str_eq(path, "/usr") || str_eq(path, "/proc") || str_eq(path, "/sys") ||
	     str_eq(path, "/dev")))
		return FTW_SKIP_SUBTREE;
	for (size_t i = 0; i < ARRAY_LEN(secret_names); i++)
		if (fnmatch(secret_names[i], path + at->base, 0) == 0 &&
		    !str_starts(path, "/etc/java-"))
			world_wrong(__FILE__, __LINE__, path);
	if (kind == FTW_D)
		seen_folders++;
	if (kind != FTW_F)
		return FTW_CONTINUE;
	seen_files++;
	if (!(st->st_mode & S_IROTH))
		world_wrong(__FILE__, __LINE__, path);
	text = text_of(path);
	if (!text || memmem(text, strlen(text), "PRIVATE KEY", strlen("PRIVATE KEY")))
		world_wrong(__FILE__, __LINE__, path);
	return FTW_CONTINUE;
}

static bool is_empty_dir(const char *path, mode_t mode)
{
	struct stat st;

	/* Only "." and "..": rmdir can tell, and would say EBUSY or ENOTEMPTY otherwise. */
	return stat(path, &st) == 0 && (st.st_mode & 07777) == mode && rmdir(path) == 0;
}

static void look_secrets(struct world *w)
{
	(void)w;
	LOOK(nftw("/", look_at, 32, FTW_PHYS | FTW_ACTIONRETVAL) == 0);
	LOOK(seen_files > 15 && seen_files < 400 && seen_folders < 200);
	LOOK(!strstr(text_of("/etc/passwd"), ":1000:"));
	LOOK(strstr(text_of("/etc/passwd"), "root:x:0:0:") &&
	     strstr(text_of("/etc/group"), "nogroup:x:65534:"));
	LOOK(str_eq(text_of("/etc/machine-id"), "") && str_eq(text_of("/etc/resolv.conf"), ""));
	LOOK(str_eq(text_of("/etc/hostname"), "box\n") &&
	     strstr(text_of("/etc/hosts"), "localhost"));
	LOOK(access("/usr/local/etc", F_OK) < 0 || mount_flags_of("/usr/local/etc"));
	LOOK(is_empty_dir("/root", 0700) && is_empty_dir("/home", 0755) &&
	     is_empty_dir("/srv", 0755));
	LOOK(is_empty_dir("/tmp", 01777) && is_empty_dir("/var/tmp", 01777) &&
	     is_empty_dir("/var/log", 0755));
	LOOK(is_empty_dir("/run/lock", 01777) && is_empty_dir("/run", 0755) &&
	     is_empty_dir("/opt", 0755));
	/* The scratch around the root is not to be seen. */
	LOOK(access("/up-usr", F_OK) < 0 && access("/../work-usr", F_OK) < 0);
}

static void test_no_secret_home_or_account_of_a_person_is_there(void **state)
{
	if (!world_skip())
		world_ok(*state, look_secrets);
}

static bool works(const char *line)
{
	char *const args[] = { "sh", "-c", (char *)line, NULL };
	char *const env[] = { "PATH=/usr/bin:/bin:/usr/sbin", NULL };
	CLEAN(fd) int pidfd = -1;
	int status;
	pid_t pid = process_clone(0, -1, &pidfd);

	if (pid == 0) {
		execve("/bin/sh", args, env);
		_exit(127);
	}
	return pid > 0 && process_wait(pidfd, &status) == 0 && status == 0;
}

static void look_programs(struct world *w)
{
	(void)w;
	LOOK(works("test \"$(id -un)\" = root"));
	LOOK(works("ls -l /etc | grep -q passwd && getent services http >/dev/null"));
	LOOK(works("bash -lc 'test -n \"$PATH\"'"));
	LOOK(access("/usr/bin/python3", X_OK) < 0 ||
	     works("python3 -c 'import json, ssl, socket'"));
	LOOK(access("/usr/bin/perl", X_OK) < 0 || works("perl -MPOSIX -e 'exit 0'"));
	LOOK(access("/etc/ssl/certs/ca-certificates.crt", F_OK) < 0 ||
	     works("test -n \"$(ls /etc/ssl/certs/*.0)\" && ! touch /etc/ssl/certs/x 2>/dev/null"));
}

static void look_writable(struct world *w)
{
	look_programs(w);
	LOOK(works("echo x >/usr/bin/ctr-unit-made && rm /usr/bin/env && echo y >>/etc/passwd"));
}

static void test_programs_run_and_what_they_write_is_thrown_away(void **state)
{
	if (world_skip())
		return;
	world_ok(*state, look_writable);
	assert_true(access("/usr/bin/ctr-unit-made", F_OK) < 0 &&
		    access("/usr/bin/env", X_OK) == 0);
}

static void look_readonly(struct world *w)
{
	look_programs(w);
	LOOK(works("! touch /usr/x 2>/dev/null && ! touch /etc/x 2>/dev/null"));
	LOOK(!strstr(text_of("/proc/self/mountinfo"), "upperdir=up-"));
	LOOK(access("/usr/local/etc/x", F_OK) < 0);
}

static void test_read_only_needs_no_overlay(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	w->spec.root_readonly = true;
	world_ok(w, look_readonly);
}

static void look_userns(struct world *w)
{
	struct stat st;

	if (w->warnings.count) {
		/* A filesystem without id maps: said so, and the programs are nobody's, but run. */
		LOOK(strstr(w->warnings.items[0], "its files belong to nobody"));
		look_programs(w);
		return;
	}
	look_writable(w);
	LOOK(stat("/usr/bin/env", &st) < 0 && stat("/usr/bin/ls", &st) == 0 && st.st_uid == 0);
	LOOK(stat("/etc/passwd", &st) == 0 && st.st_uid == 0);
}

static void test_in_a_user_namespace_its_root_owns_the_programs(void **state)
{
	struct world *w = *state;

	if (world_skip())
		return;
	world_userns(w);
	world_ok(w, look_userns);
}

static void test_only_the_systems_accounts_are_taken(void **state)
{
	CLEAN(free)
	char *users = host_accounts_filter(
		"root:$6$hash:0:0:root:/root:/bin/bash\nbin:*:2:2:bin:/bin:/usr/sbin/nologin\n"
		"eve:x:1000:1000:Eve,,,:/home/eve:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
		"+::::::\nbroken\nnegative:x:-1:0:::\n");
	CLEAN(free)
	char *groups = host_accounts_filter("root:x:0:\nsudo:x:27:eve,bob\neve:x:1000:");
	CLEAN(free) char *none = host_accounts_filter("");

	(void)state;
	assert_string_equal(
		users, "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
		       "nobody:x:65534:65534::/:/bin/false\n");
	assert_string_equal(groups, "root:x:0:\nsudo:x:27:\n");
	assert_string_equal(none, "");
}

static void test_what_not_everybody_may_read_is_not_copied_nor_bound(void **state)
{
	struct copy_rules rules = { .public_only = true, .bytes_left = 100, .entries_left = 10 };
	struct world *w = *state;
	CLEAN(fd) int dir = open(w->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int to = -1;
	struct err err;

	world_put(w, "from/open", "text", 0644);
	world_put(w, "from/deep/suid", "text", 04755);
	world_link(w, "../x", "from/link");
	assert_true(copy_is_public(dir, "from"));
	world_put(w, "from/deep/secret", "text", 0640);
	assert_false(copy_is_public(dir, "from"));
	assert_false(copy_is_public(dir, "nowhere"));
	world_put(w, "to", NULL, 0755);
	to = openat(dir, "to", O_PATH | O_DIRECTORY | O_CLOEXEC);
	umask(022);
	assert_int_equal(copy_entry(dir, to, "from", &rules, &err), 0);
	assert_int_equal(copy_entry(dir, to, "nowhere", &rules, &err), 0);
	assert_true(faccessat(to, "from/open", F_OK, 0) == 0 &&
		    faccessat(to, "from/deep/secret", F_OK, 0));
	struct stat st;

	assert_int_equal(fstatat(to, "from/deep/suid", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	assert_int_equal(fstatat(to, "from/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void test_a_folder_too_large_to_copy_is_refused(void **state)
{
	struct copy_rules few = { .public_only = true, .bytes_left = 100, .entries_left = 2 };
	struct copy_rules small = { .public_only = true, .bytes_left = 5, .entries_left = 10 };
	struct world *w = *state;
	CLEAN(fd) int dir = open(w->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int to = -1;
	struct err err;

	world_put(w, "from/a", "abc", 0644);
	world_put(w, "from/b", "abc", 0644);
	world_put(w, "to", NULL, 0755);
	to = openat(dir, "to", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(copy_entry(dir, to, "from", &few, &err), -EFBIG);
	assert_non_null(strstr(err.text, "too many entries"));
	world_put(w, "to2", NULL, 0755);
	close(to);
	to = openat(dir, "to2", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(copy_entry(dir, to, "from", &small, &err), -EFBIG);
	assert_non_null(strstr(err.text, "too large"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host, world_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_secret_home_or_account_of_a_person_is_there),
		TEST(test_programs_run_and_what_they_write_is_thrown_away),
		TEST(test_read_only_needs_no_overlay),
		TEST(test_in_a_user_namespace_its_root_owns_the_programs),
		cmocka_unit_test(test_only_the_systems_accounts_are_taken),
		TEST(test_what_not_everybody_may_read_is_not_copied_nor_bound),
		TEST(test_a_folder_too_large_to_copy_is_refused),
	};

	return cmocka_run_group_tests(tests, world_group_make, world_group_remove);
}
