/* What a guest knows and has open, carried to another server of the same folder, or of what has become of it. */
#include "base/str.h"
#include "microvm/fuse_client.h"
#include "microvm/fuse_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ROOT FUSE_ROOT_ID
#define FDS 1000

static int server(struct client *c, bool readonly, unsigned int fds, struct fuse_server **ret,
		  struct err *err)
{
	return fuse_server_make(openat(c->folder, "share", O_PATH | O_CLOEXEC), "/proc/self/fd",
				readonly, fds, ret, err);
}

static void save(struct client *c, struct str *ret)
{
	struct err err = { 0 };

	assert_int_equal(fuse_server_save(c->f, ret, &err), 0);
}

/* The first server is gone, as its launcher is. */
static void load(struct client *c, const struct str *saved)
{
	struct err err = { 0 };

	fuse_server_free(c->f);
	assert_int_equal(server(c, false, FDS, &c->f, &err), 0);
	if (fuse_server_load(c->f, saved->text, saved->len, &err) < 0)
		fail_msg("%s", err.text);
}

static void go_on(struct client *c)
{
	CLEAN(str) struct str saved = { 0 };

	save(c, &saved);
	load(c, &saved);
}

static void refused(struct client *c, const char *words)
{
	CLEAN(str) struct str saved = { 0 };
	struct err err = { 0 };

	assert_int_equal(fuse_server_save(c->f, &saved, &err), -EBUSY);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static uint64_t opened(struct client *c, uint64_t node, uint32_t flags)
{
	struct fuse_open_in in = { .flags = flags };

	assert_true(ask(c, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL) > 0);
	return ((const struct fuse_open_out *)c->out)->fh;
}

static uint64_t opened_folder(struct client *c, uint64_t node)
{
	struct fuse_open_in in = { .flags = O_RDONLY };

	assert_true(ask(c, FUSE_OPENDIR, node, &in, sizeof(in), NULL, NULL) > 0);
	return ((const struct fuse_open_out *)c->out)->fh;
}

static int put(struct client *c, uint64_t node, uint64_t fh, uint64_t offset, const char *text)
{
	struct fuse_write_in in = { .fh = fh, .offset = offset, .size = (uint32_t)strlen(text) };

	return client_send(c, FUSE_WRITE, node, &in, sizeof(in), text, strlen(text));
}

static int get(struct client *c, uint64_t node, uint64_t fh, char ret[100])
{
	struct fuse_read_in in = { .fh = fh, .size = 99 };
	int n = ask(c, FUSE_READ, node, &in, sizeof(in), NULL, NULL);

	memset(ret, 0, 100);
	if (n > 0)
		memcpy(ret, c->out, (size_t)n);
	return n;
}

static int inode_of(struct client *c, uint64_t node, uint64_t *ret)
{
	struct fuse_getattr_in in = { 0 };
	int n = ask(c, FUSE_GETATTR, node, &in, sizeof(in), NULL, NULL);

	*ret = n > 0 ? ((const struct fuse_attr_out *)c->out)->attr.ino : 0;
	return n < 0 ? n : 0;
}

static bool is_stale(struct client *c, uint64_t node)
{
	uint64_t inode;

	return inode_of(c, node, &inode) == -ESTALE;
}

/* The next entry of a folder behind `*offset`, "" at its end. */
static void next_entry(struct client *c, uint64_t node, uint64_t fh, uint64_t *offset,
		       char ret[256])
{
	struct fuse_read_in in = { .fh = fh, .offset = *offset, .size = 4096 };
	const struct fuse_dirent *d;

	*ret = '\0';
	if (ask(c, FUSE_READDIR, node, &in, sizeof(in), NULL, NULL) <= 0)
		return;
	d = c->out;
	*offset = d->off;
	snprintf(ret, 256, "%.*s", (int)d->namelen, d->name);
}

static void test_numbers_are_those_of_before(void **state)
{
	CLEAN(client) struct client c;
	uint64_t d, e, file, fh, dir, offset = 0, inode, now;
	char first[256], wanted[256], name[256], text[100];

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "d", 0755), 0);
	assert_int_equal(mkdirat(c.share, "d/e", 0755), 0);
	host_file(&c, "d/e/file", "some text");
	assert_int_equal(symlinkat("../secret", c.share, "link"), 0);
	d = look(&c, ROOT, "d");
	e = look(&c, d, "e");
	file = look(&c, e, "file");
	assert_true(look(&c, ROOT, "link"));
	assert_int_equal(inode_of(&c, file, &inode), 0);
	fh = opened(&c, file, O_RDWR);
	dir = opened_folder(&c, d);
	next_entry(&c, d, dir, &offset, first);
	now = offset;
	next_entry(&c, d, dir, &now, wanted);
	go_on(&c);
	assert_int_equal(inode_of(&c, file, &now), 0);
	assert_int_equal(now, inode);
	assert_int_equal(put(&c, file, fh, 5, "word"), sizeof(struct fuse_write_out));
	assert_int_equal(get(&c, file, fh, text), 9);
	assert_string_equal(text, "some word");
	assert_host_file(c.share, "d/e/file", "some word");
	/* From where the guest was, to one that it had before. */
	next_entry(&c, d, dir, &offset, name);
	assert_string_equal(name, wanted);
	offset = 0;
	next_entry(&c, d, dir, &offset, name);
	assert_string_equal(name, first);
	assert_int_equal(look(&c, ROOT, "d"), d);
	assert_int_equal(look(&c, d, "e"), e);
	assert_int_equal(look(&c, e, "file"), file);
	/* They are each other's still: not closed as the other's. */
	assert_int_equal(ask(&c, FUSE_READLINK, look(&c, ROOT, "link"), NULL, 0, NULL, NULL), 9);
	assert_int_equal(ask(&c, FUSE_RELEASE, file, &(struct fuse_release_in){ .fh = fh },
			     sizeof(struct fuse_release_in), NULL, NULL),
			 0);
	assert_int_equal(get(&c, file, fh, text), -EBADF);
}

static void test_as_often_as_wanted(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, fh;
	char text[100];

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "file", "text");
	node = look(&c, ROOT, "file");
	fh = opened(&c, node, O_RDONLY);
	for (int i = 0; i < 5; i++)
		go_on(&c);
	assert_int_equal(get(&c, node, fh, text), 4);
	assert_int_equal(put(&c, node, fh, 0, "x"), -EBADF);
}

static void test_forgotten_as_often_as_looked_up(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, other;

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "file", "");
	host_file(&c, "other", "");
	node = look(&c, ROOT, "file");
	for (int i = 0; i < 3; i++)
		assert_int_equal(look(&c, ROOT, "file"), node);
	forget(&c, look(&c, ROOT, "other"), 1);
	go_on(&c);
	forget(&c, node, 3);
	assert_false(is_stale(&c, node));
	forget(&c, node, 1);
	assert_true(is_stale(&c, node));
	/* Places are used again; numbers are not, those of before included. */
	other = look(&c, ROOT, "other");
	assert_true(other && other != node);
}

static void test_flags_of_what_is_open(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, append, truncated, written;
	struct fuse_create_in create = { .flags = O_WRONLY | O_EXCL, .mode = 0600 };
	char text[100];

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "file", "long text");
	node = look(&c, ROOT, "file");
	truncated = opened(&c, node, O_WRONLY | O_TRUNC);
	append = opened(&c, node, O_RDWR | O_APPEND);
	assert_true(put(&c, node, truncated, 0, "text") > 0);
	assert_true(ask(&c, FUSE_CREATE, ROOT, &create, sizeof(create), "new", NULL) > 0);
	written = ((const struct fuse_open_out *)((const struct fuse_entry_out *)c.out + 1))->fh;
	go_on(&c);
	/* It is not truncated again, nor made. */
	assert_host_file(c.share, "file", "text");
	assert_true(put(&c, node, append, 0, " more") > 0);
	assert_true(put(&c, node, truncated, 0, "T") > 0);
	assert_host_file(c.share, "file", "Text more");
	assert_int_equal(get(&c, node, truncated, text), -EBADF);
	assert_true(put(&c, look(&c, ROOT, "new"), written, 0, "made") > 0);
	assert_host_file(c.share, "new", "made");
}

/* Whoever has renamed it: the guest, and somebody on the host behind our back. */
static void test_renamed_before(void **state)
{
	CLEAN(client) struct client c;
	uint64_t a, b, d, fa, fb, to;
	struct fuse_rename_in rename = { 0 };

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "d", 0755), 0);
	assert_int_equal(mkdirat(c.share, "to", 0755), 0);
	host_file(&c, "a", "a");
	host_file(&c, "d/b", "b");
	a = look(&c, ROOT, "a");
	d = look(&c, ROOT, "d");
	to = look(&c, ROOT, "to");
	b = look(&c, d, "b");
	fa = opened(&c, a, O_WRONLY);
	fb = opened(&c, b, O_WRONLY);
	rename.newdir = d;
	assert_int_equal(ask(&c, FUSE_RENAME, ROOT, &rename, sizeof(rename), "a", "c"), 0);
	rename.newdir = to;
	assert_int_equal(ask(&c, FUSE_RENAME, ROOT, &rename, sizeof(rename), "d", "e"), 0);
	assert_int_equal(renameat(c.share, "to/e/b", c.share, "moved"), 0);
	/* What has its name now is not it. */
	host_file(&c, "a", "another");
	go_on(&c);
	assert_true(put(&c, a, fa, 0, "A") > 0);
	assert_true(put(&c, b, fb, 0, "B") > 0);
	assert_host_file(c.share, "to/e/c", "A");
	assert_host_file(c.share, "moved", "B");
	assert_host_file(c.share, "a", "another");
	assert_int_equal(look(&c, to, "e"), d);
}

static void test_names_that_look_like_something_else(void **state)
{
	static const char *const names[] = { "x (deleted)", "x",  "a\nb",     "a\\012b",
					     " ",           "a-", "\xff\xfe", "\x01" };
	CLEAN(client) struct client c;
	uint64_t d, nodes[ARRAY_LEN(names)], fhs[ARRAY_LEN(names)];
	char path[64];

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "a", 0755), 0);
	d = look(&c, ROOT, "a");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "a/%s", names[i]);
		host_file(&c, names[i], "");
		host_file(&c, path, "");
		assert_true(look(&c, ROOT, names[i]));
		nodes[i] = look(&c, d, names[i]);
		fhs[i] = opened(&c, nodes[i], O_WRONLY);
	}
	go_on(&c);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "a/%s", names[i]);
		assert_true(put(&c, nodes[i], fhs[i], 0, path) > 0);
		assert_host_file(c.share, path, path);
		assert_host_file(c.share, names[i], "");
	}
}

/* Nothing of it is refused, and nothing is followed out. */
static void test_gone_or_something_else_since(void **state)
{
	static const char *const names[] = { "gone", "fifo", "link", "folder", "in/file" };
	CLEAN(client) struct client c;
	CLEAN(str) struct str saved = { 0 };
	uint64_t in, stays, fh, nodes[ARRAY_LEN(names)], fhs[ARRAY_LEN(names)];
	char text[100];

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "in", 0755), 0);
	in = look(&c, ROOT, "in");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool inside = strchr(names[i], '/');

		host_file(&c, names[i], "text");
		nodes[i] = look(&c, inside ? in : ROOT, inside ? names[i] + 3 : names[i]);
		fhs[i] = opened(&c, nodes[i], O_RDWR);
	}
	host_file(&c, "stays", "it");
	stays = look(&c, ROOT, "stays");
	fh = opened(&c, stays, O_RDWR);
	save(&c, &saved);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(unlinkat(c.share, names[i], 0), 0);
	assert_int_equal(mkfifoat(c.share, "fifo", 0600), 0);
	assert_int_equal(symlinkat("../secret", c.share, "link"), 0);
	assert_int_equal(mkdirat(c.share, "folder", 0700), 0);
	/* Such a folder is out there, too. */
	assert_int_equal(unlinkat(c.share, "in", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(c.folder, "out", 0755), 0);
	host_file(&c, "../out/file", "out");
	assert_int_equal(symlinkat("../out", c.share, "in"), 0);
	load(&c, &saved);
	assert_true(is_stale(&c, in));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(is_stale(&c, nodes[i]));
		assert_int_equal(get(&c, nodes[i], fhs[i], text), -ESTALE);
		/* Nor by another file's number. */
		assert_int_equal(put(&c, stays, fhs[i], 0, "x"), -EBADF);
		forget(&c, nodes[i], 1);
	}
	assert_int_equal(get(&c, stays, fh, text), 2);
	assert_host_file(c.folder, "out/file", "out");
	assert_host_file(c.folder, "secret", "secret");
	/* The guest looks for it anew, and gets another number. */
	for (size_t i = 0; i < 4; i++) {
		uint64_t again = look(&c, ROOT, names[i]);

		assert_true(i == 0 ? again == 0 : again && again != nodes[i]);
	}
}

/* Folders in folders, whose names sort around the slash; each file of them has what is its own. */
static void test_many(void **state)
{
	static const char *const names[] = { "a", "a-", "a.b", "a b", "b" };
	CLEAN(client) struct client c;
	uint64_t folders[25], nodes[125], fhs[125];
	char path[64];

	(void)state;
	client_init(&c, false, FDS);
	for (size_t i = 0; i < 25; i++) {
		snprintf(path, sizeof(path), "%s", names[i / 5]);
		if (i % 5 == 0)
			assert_int_equal(mkdirat(c.share, path, 0755), 0);
		snprintf(path, sizeof(path), "%s/%s", names[i / 5], names[i % 5]);
		assert_int_equal(mkdirat(c.share, path, 0755), 0);
		folders[i] = look(&c, look(&c, ROOT, names[i / 5]), names[i % 5]);
	}
	for (size_t i = 0; i < 125; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", names[i / 25], names[i / 5 % 5],
			 names[i % 5]);
		host_file(&c, path, "");
		nodes[i] = look(&c, folders[i / 5], names[i % 5]);
		fhs[i] = opened(&c, nodes[i], O_WRONLY);
	}
	go_on(&c);
	for (size_t i = 0; i < 125; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", names[i / 25], names[i / 5 % 5],
			 names[i % 5]);
		assert_true(put(&c, nodes[i], fhs[i], 0, path) > 0);
		assert_host_file(c.share, path, path);
		assert_int_equal(look(&c, folders[i / 5], names[i % 5]), nodes[i]);
	}
}

static void test_what_has_no_name_and_is_open_is_refused(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_release_in release = { 0 };
	uint64_t node, file;

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "d", 0755), 0);
	host_file(&c, "d/file", "");
	node = look(&c, look(&c, ROOT, "d"), "file");
	release.fh = opened(&c, node, O_RDONLY);
	assert_int_equal(unlinkat(c.share, "d/file", 0), 0);
	refused(&c, "has no name in the folder any more: d/file; let it close it");
	/* Another one in its place isn't it, either. */
	host_file(&c, "d/file", "");
	refused(&c, "any more: d/file;");
	assert_int_equal(ask(&c, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL), 0);
	/* Nobody has it open: it is gone. */
	go_on(&c);
	assert_true(is_stale(&c, node));

	if (ask(&c, FUSE_TMPFILE, ROOT, &create, sizeof(create), "", NULL) >= 0) {
		const struct fuse_entry_out *out = c.out;

		release.fh = ((const struct fuse_open_out *)(out + 1))->fh;
		node = out->nodeid;
		refused(&c, "any more: #");
		assert_int_equal(ask(&c, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL),
				 0);
	}
	/* Out of the folder, where it has a name. */
	host_file(&c, "file", "");
	file = look(&c, ROOT, "file");
	release.fh = opened(&c, file, O_RDONLY);
	assert_int_equal(renameat(c.share, "file", c.folder, "file"), 0);
	refused(&c, "/file; let it close it first");
	/* And back in by another one. */
	assert_int_equal(renameat(c.folder, "file", c.share, "back"), 0);
	go_on(&c);
	assert_int_equal(look(&c, ROOT, "back"), file);
	/* What no kernel does. */
	forget(&c, file, 2);
	refused(&c, "that it has forgotten");
}

static void test_a_link_is_found_by_the_name_that_is_left(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, fh;

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "a", "");
	assert_int_equal(linkat(c.share, "a", c.share, "b", 0), 0);
	node = look(&c, ROOT, "a");
	fh = opened(&c, node, O_WRONLY);
	assert_int_equal(look(&c, ROOT, "b"), node);
	assert_int_equal(ask(&c, FUSE_UNLINK, ROOT, NULL, 0, "a", NULL), 0);
	go_on(&c);
	assert_true(put(&c, node, fh, 0, "by b") > 0);
	assert_host_file(c.share, "b", "by b");
}

/* One file is one file to the guest. */
static void test_two_files_that_are_one_since(void **state)
{
	CLEAN(client) struct client c;
	CLEAN(str) struct str saved = { 0 };
	uint64_t a, b;

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "a", "");
	host_file(&c, "b", "");
	a = look(&c, ROOT, "a");
	b = look(&c, ROOT, "b");
	save(&c, &saved);
	assert_int_equal(unlinkat(c.share, "b", 0), 0);
	assert_int_equal(linkat(c.share, "a", c.share, "b", 0), 0);
	load(&c, &saved);
	assert_false(is_stale(&c, a));
	assert_true(is_stale(&c, b));
	assert_int_equal(look(&c, ROOT, "b"), a);
}

/* Linux knows each folder that it knows something in; a guest needn't. Two are on the way to two files. */
static void test_folders_that_are_not_known(void **state)
{
	CLEAN(client) struct client c;
	uint64_t d, e, f, g, other, fh;

	(void)state;
	client_init(&c, false, FDS);
	assert_int_equal(mkdirat(c.share, "d", 0755), 0);
	assert_int_equal(mkdirat(c.share, "d/e", 0755), 0);
	host_file(&c, "d/e/f", "");
	host_file(&c, "d/e/g", "");
	host_file(&c, "d-", "");
	d = look(&c, ROOT, "d");
	e = look(&c, d, "e");
	f = look(&c, e, "f");
	g = look(&c, e, "g");
	other = look(&c, ROOT, "d-");
	fh = opened(&c, g, O_WRONLY);
	forget(&c, d, 1);
	forget(&c, e, 1);
	go_on(&c);
	assert_true(is_stale(&c, d) && is_stale(&c, e));
	assert_false(is_stale(&c, f) || is_stale(&c, other));
	assert_true(put(&c, g, fh, 0, "g") > 0);
	assert_host_file(c.share, "d/e/g", "g");
	assert_int_equal(look(&c, look(&c, look(&c, ROOT, "d"), "e"), "f"), f);
}

/* The first files of two filesystems have one number, which the guest is not told. */
static void test_filesystems_are_told_apart_as_before(void **state)
{
	static const char *const folders[] = { "t1", "t2", "t3" };
	CLEAN(client) struct client c;
	uint64_t nodes[3], inodes[3], inode;
	char path[16], mnt[128];
	bool mounted = true;

	(void)state;
	client_init(&c, false, FDS);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/f", folders[i]);
		assert_int_equal(mkdirat(c.share, folders[i], 0755), 0);
		snprintf(mnt, sizeof(mnt), "%s/share/%s", c.path, folders[i]);
		mounted = mounted && mount("tmpfs", mnt, "tmpfs", 0, NULL) == 0;
		host_file(&c, path, "");
	}
	/* In the other order than paths have. */
	for (size_t i = 3; i-- > 0;) {
		nodes[i] = look(&c, look(&c, ROOT, folders[i]), "f");
		assert_int_equal(inode_of(&c, nodes[i], &inodes[i]), 0);
	}
	go_on(&c);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(inode_of(&c, nodes[i], &inode), 0);
		assert_int_equal(inode, inodes[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		snprintf(mnt, sizeof(mnt), "%s/share/%s", c.path, folders[i]);
		(void)umount2(mnt, MNT_DETACH);
	}
	if (!mounted)
		skip();
}

static void test_what_a_server_is_not(void **state)
{
	CLEAN(client) struct client c;
	CLEAN(str) struct str saved = { 0 };
	struct fuse_server *f = NULL;
	struct err err = { 0 };

	(void)state;
	client_init(&c, false, FDS);
	for (char name[2] = "a"; *name < 'k'; name[0]++) {
		host_file(&c, name, "");
		(void)opened(&c, look(&c, ROOT, name), O_RDONLY);
	}
	save(&c, &saved);
	assert_int_equal(server(&c, true, FDS, &f, &err), 0);
	assert_int_equal(fuse_server_load(f, saved.text, saved.len, &err), -ENOTSUP);
	assert_string_equal(err.text,
			    "the folder was shared for writing, and is not any more: give "
			    "the same flags as at first");
	fuse_server_free(f);
	assert_int_equal(server(&c, false, 12, &f, &err), 0);
	assert_int_equal(fuse_server_load(f, saved.text, saved.len, &err), -ENFILE);
	assert_string_equal(err.text, "the guest knew up to 11 files and had up to 10 open; this "
				      "launcher may have 9 and 3: raise its limit of open files "
				      "(RLIMIT_NOFILE)");
	fuse_server_free(f);
}

static void test_one_that_has_not_begun(void **state)
{
	CLEAN(client) struct client c;

	(void)state;
	client_init(&c, false, FDS);
	host_file(&c, "file", "");
	assert_true(look(&c, ROOT, "file"));
	assert_int_equal(ask(&c, FUSE_DESTROY, 0, NULL, 0, NULL, NULL), 0);
	go_on(&c);
	assert_int_equal(ask(&c, FUSE_STATFS, ROOT, NULL, 0, NULL, NULL), -EIO);
	assert_true(client_begin(&c, 7, CLIENT_MINOR) > 0);
	assert_true(look(&c, ROOT, "file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_those_of_before),
		cmocka_unit_test(test_as_often_as_wanted),
		cmocka_unit_test(test_forgotten_as_often_as_looked_up),
		cmocka_unit_test(test_flags_of_what_is_open),
		cmocka_unit_test(test_renamed_before),
		cmocka_unit_test(test_names_that_look_like_something_else),
		cmocka_unit_test(test_gone_or_something_else_since),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_what_has_no_name_and_is_open_is_refused),
		cmocka_unit_test(test_a_link_is_found_by_the_name_that_is_left),
		cmocka_unit_test(test_two_files_that_are_one_since),
		cmocka_unit_test(test_folders_that_are_not_known),
		cmocka_unit_test(test_filesystems_are_told_apart_as_before),
		cmocka_unit_test(test_what_a_server_is_not),
		cmocka_unit_test(test_one_that_has_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
