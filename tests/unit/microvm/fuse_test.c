/* What a guest must not get by any request, and what it may keep of ours. */
#include "base/str.h"
#include "microvm/fuse_client.h"
#include "microvm/fuse_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ROOT FUSE_ROOT_ID

static int count_entries(int folder)
{
	CLEAN(fd) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *d = fdopendir(take_fd(&fd));
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	return n - 2;
}

static void test_beginning(void **state)
{
	CLEAN(client) struct client c;
	const struct fuse_init_out *out;

	(void)state;
	client_init(&c, false, 64);
	out = c.out;
	assert_int_equal(out->major, 7);
	assert_true(out->flags & FUSE_MAX_PAGES);
	assert_false(out->flags & (FUSE_EXPORT_SUPPORT | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |
				   FUSE_WRITEBACK_CACHE | FUSE_POSIX_ACL | FUSE_SETXATTR_EXT));
	assert_int_equal(out->max_write, 1 << 20);
	assert_int_equal(client_begin(&c, 7, 30), -EPROTO);
	assert_int_equal(client_begin(&c, 6, CLIENT_MINOR), -EPROTO);
	assert_true(client_begin(&c, 8, 0) > 0);
	assert_int_equal(((const struct fuse_init_out *)c.out)->major, 7);
	assert_int_equal(ask(&c, FUSE_DESTROY, 0, NULL, 0, NULL, NULL), 0);
	assert_int_equal(ask(&c, FUSE_STATFS, ROOT, NULL, 0, NULL, NULL), -EIO);
	assert_true(client_begin(&c, 7, 31) > 0);
	assert_true(ask(&c, FUSE_STATFS, ROOT, NULL, 0, NULL, NULL) > 0);
	assert_int_equal(ask(&c, FUSE_STATFS, 2, NULL, 0, NULL, NULL), -ESTALE);
	assert_int_equal(ask(&c, FUSE_SETLKW, ROOT, NULL, 0, NULL, NULL), -ENOSYS);
	assert_int_equal(ask(&c, 0, ROOT, NULL, 0, NULL, NULL), -ENOSYS);
	assert_int_equal(ask(&c, UINT32_MAX, ROOT, NULL, 0, NULL, NULL), -ENOSYS);
}

/* Those that have a name, with that much of a struct in front of it. */
static const struct {
	uint32_t opcode;
	size_t head;
	bool two;
} named[] = {
	{ FUSE_LOOKUP, 0 },
	{ FUSE_MKNOD, sizeof(struct fuse_mknod_in) },
	{ FUSE_MKDIR, sizeof(struct fuse_mkdir_in) },
	{ FUSE_UNLINK, 0 },
	{ FUSE_RMDIR, 0 },
	{ FUSE_CREATE, sizeof(struct fuse_create_in) },
	{ FUSE_RENAME, sizeof(struct fuse_rename_in), true },
	{ FUSE_RENAME2, sizeof(struct fuse_rename2_in), true },
	{ FUSE_LINK, sizeof(struct fuse_link_in) },
	{ FUSE_SYMLINK, 0, true },
};

static void test_name_is_one_part_of_a_path(void **state)
{
	CLEAN(client) struct client c;
	/* Of each the first 8 bytes are the folder where one is named: the root. */
	const uint64_t head[8] = { ROOT };
	char long_name[301] = "", most[256] = "";
	const char *const names[] = { "", ".", "..", "/", "a/b", "../secret", "/etc/passwd", "a/" };

	(void)state;
	client_init(&c, false, 64);
	memset(long_name, 'x', 300);
	memset(most, 'x', 255);
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		for (size_t j = 0; j < ARRAY_LEN(names); j++) {
			assert_int_equal(ask(&c, named[i].opcode, ROOT, head, named[i].head,
					     names[j], "good"),
					 -EINVAL);
			/* A symlink's second text may be anything. */
			if (named[i].two && named[i].opcode != FUSE_SYMLINK)
				assert_int_equal(ask(&c, named[i].opcode, ROOT, head, named[i].head,
						     "good", names[j]),
						 -EINVAL);
		}
		assert_int_equal(ask(&c, named[i].opcode, ROOT, head, named[i].head, long_name,
				     "good"),
				 -ENAMETOOLONG);
		/* Without an end, and not there at all. */
		assert_int_equal(client_send(&c, named[i].opcode, ROOT, head, named[i].head, "abc",
					     3),
				 -EINVAL);
		assert_int_equal(client_send(&c, named[i].opcode, ROOT, head, named[i].head, NULL,
					     0),
				 -EINVAL);
		if (named[i].head)
			assert_int_equal(client_send(&c, named[i].opcode, ROOT, head,
						     named[i].head - 1, NULL, 0),
					 -EINVAL);
	}
	assert_int_equal(ask(&c, FUSE_LOOKUP, ROOT, NULL, 0, most, NULL), -ENOENT);
	assert_int_equal(count_entries(c.share), 0);
	assert_int_equal(count_entries(c.folder), 2);
	assert_host_file(c.folder, "secret", "secret");
}

/* What isn't a regular file is never opened, whatever the guest believes it to be: the pipe would wait for ever. */
static void test_only_regular_files_are_opened(void **state)
{
	CLEAN(client) struct client c;
	static const char *const names[] = { "out", "fifo", "loop" };
	struct fuse_open_in open_in = { .flags = O_RDWR | O_TRUNC };
	struct fuse_create_in create_in = { .flags = O_WRONLY | O_TRUNC, .mode = 0600 };
	struct fuse_setattr_in size_in = { .valid = FATTR_SIZE };

	(void)state;
	client_init(&c, false, 64);
	assert_int_equal(ask(&c, FUSE_OPEN, ROOT, &(struct fuse_open_in){ .flags = O_RDONLY },
			     sizeof(open_in), NULL, NULL),
			 -EISDIR);
	assert_int_equal(symlinkat("../secret", c.share, "out"), 0);
	assert_int_equal(symlinkat("loop", c.share, "loop"), 0);
	assert_int_equal(mkfifoat(c.share, "fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint64_t node = look(&c, ROOT, names[i]);

		assert_true(node);
		assert_int_equal(ask(&c, FUSE_OPEN, node, &open_in, sizeof(open_in), NULL, NULL),
				 -ENXIO);
		assert_int_equal(ask(&c, FUSE_CREATE, ROOT, &create_in, sizeof(create_in), names[i],
				     NULL),
				 -ENXIO);
		assert_int_equal(ask(&c, FUSE_SETATTR, node, &size_in, sizeof(size_in), NULL, NULL),
				 -EINVAL);
		assert_int_equal(ask(&c, FUSE_LOOKUP, node, NULL, 0, "x", NULL), -ENOTDIR);
		assert_int_equal(ask(&c, FUSE_OPENDIR, node, &open_in, sizeof(open_in), NULL, NULL),
				 -ENOTDIR);
	}
	assert_host_file(c.folder, "secret", "secret");
}

static void test_nodes_are_bounded_and_forgotten(void **state)
{
	CLEAN(client) struct client c;
	uint64_t nodes[5], again;
	char name[8] = "a";

	(void)state;
	client_init(&c, false, 8); /* the root and five more */
	for (size_t i = 0; i < ARRAY_LEN(nodes) + 1; i++, name[0]++)
		host_file(&c, name, "");
	name[0] = 'a';
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++, name[0]++) {
		nodes[i] = look(&c, ROOT, name);
		assert_true(nodes[i]);
	}
	assert_int_equal(ask(&c, FUSE_LOOKUP, ROOT, NULL, 0, "f", NULL), -ENFILE);
	/* One that is known needs no more room. */
	assert_int_equal(look(&c, ROOT, "a"), nodes[0]);
	forget(&c, nodes[0], 1);
	assert_int_equal(ask(&c, FUSE_LOOKUP, ROOT, NULL, 0, "f", NULL), -ENFILE);
	/* More than there were. */
	forget(&c, nodes[0], UINT64_MAX);
	assert_int_equal(ask(&c, FUSE_STATFS, nodes[0], NULL, 0, NULL, NULL), -ESTALE);
	again = look(&c, ROOT, "f");
	assert_true(again && again != nodes[0]);
	assert_int_equal(ask(&c, FUSE_STATFS, nodes[0], NULL, 0, NULL, NULL), -ESTALE);
	forget(&c, nodes[0], 1);
	assert_true(ask(&c, FUSE_STATFS, again, NULL, 0, NULL, NULL) > 0);
	/* The root stays, and what was never there can't go. */
	forget(&c, ROOT, UINT64_MAX);
	forget(&c, 0, 1);
	forget(&c, UINT64_MAX, 1);
	assert_true(ask(&c, FUSE_STATFS, ROOT, NULL, 0, NULL, NULL) > 0);
	fuse_server_reset(c.f);
	assert_true(client_begin(&c, 7, CLIENT_MINOR) > 0);
	assert_int_equal(ask(&c, FUSE_STATFS, again, NULL, 0, NULL, NULL), -ESTALE);
}

/* The flags in smaps of the mapping that has this address: "rd wr mr mw me ac nh ". */
static void flags_at(const void *address, char ret[256])
{
	CLEAN(file) FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long begin, end;
	bool here = false;
	char line[512];

	*ret = '\0';
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			here = (uintptr_t)address >= begin && (uintptr_t)address < end;
		else if (here)
			(void)sscanf(line, "VmFlags:%255[^\n]", ret);
	}
}

static void test_large_table_has_no_huge_pages(void **state)
{
	const size_t count = 4 << 20;
	uint64_t *table = fuse_table(count, sizeof(*table));
	char flags[256];

	(void)state;
	for (size_t at = 0; at < count; at += count / 4) {
		flags_at(&table[at], flags);
		assert_non_null(strstr(flags, " nh"));
		assert_int_equal(table[at], 0);
	}
	fuse_table_free(table, count, sizeof(*table));
}

static void test_many_are_forgotten_at_once(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_batch_forget_in in = { .count = UINT32_MAX };
	struct fuse_forget_one ones[3] = { { 0 } };

	(void)state;
	client_init(&c, false, 64);
	host_file(&c, "a", "");
	host_file(&c, "b", "");
	ones[0] = (struct fuse_forget_one){ look(&c, ROOT, "a"), 1 };
	ones[1] = (struct fuse_forget_one){ 12345, 1 };
	ones[2] = (struct fuse_forget_one){ look(&c, ROOT, "b"), 1 };
	/* It says that there are more, and the last one is cut. */
	assert_int_equal(client_send(&c, FUSE_BATCH_FORGET, 0, &in, sizeof(in), ones,
				     sizeof(ones) - 1),
			 0);
	assert_int_equal(ask(&c, FUSE_STATFS, ones[0].nodeid, NULL, 0, NULL, NULL), -ESTALE);
	assert_true(ask(&c, FUSE_STATFS, ones[2].nodeid, NULL, 0, NULL, NULL) > 0);
}

static void test_open_files_are_bounded(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_release_in release = { 0 };
	struct fuse_create_in create = { .flags = O_WRONLY, .mode = 0600 };
	struct fuse_read_in read_in = { .size = 100 };
	const struct fuse_open_out *out = NULL;

	(void)state;
	client_init(&c, false, 8); /* two */
	for (int i = 0; i < 2; i++)
		assert_true(ask(&c, FUSE_OPENDIR, ROOT, &in, sizeof(in), NULL, NULL) > 0);
	out = c.out;
	release.fh = read_in.fh = out->fh;
	assert_int_equal(ask(&c, FUSE_OPENDIR, ROOT, &in, sizeof(in), NULL, NULL), -ENFILE);
	assert_int_equal(ask(&c, FUSE_CREATE, ROOT, &create, sizeof(create), "x", NULL), -ENFILE);
	/* A folder isn't read as a file is, nor closed as one. */
	assert_int_equal(ask(&c, FUSE_READ, ROOT, &read_in, sizeof(read_in), NULL, NULL), -EBADF);
	assert_int_equal(ask(&c, FUSE_RELEASE, 99, &release, sizeof(release), NULL, NULL), 0);
	assert_int_equal(ask(&c, FUSE_OPENDIR, ROOT, &in, sizeof(in), NULL, NULL), -ENFILE);
	assert_int_equal(ask(&c, FUSE_RELEASEDIR, 99, &release, sizeof(release), NULL, NULL), 0);
	assert_int_equal(ask(&c, FUSE_READDIR, ROOT, &read_in, sizeof(read_in), NULL, NULL),
			 -EBADF);
	assert_true(ask(&c, FUSE_OPENDIR, ROOT, &in, sizeof(in), NULL, NULL) > 0);
	/* The new one has the old one's place, but not its number. */
	assert_int_equal(ask(&c, FUSE_RELEASEDIR, 99, &release, sizeof(release), NULL, NULL), 0);
	assert_int_equal(ask(&c, FUSE_OPENDIR, ROOT, &in, sizeof(in), NULL, NULL), -ENFILE);
}

static void test_reply_without_room_changes_nothing(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_mkdir_in in = { .mode = 0755 };

	(void)state;
	client_init(&c, false, 64);
	c.room = sizeof(struct fuse_entry_out) - 1;
	assert_int_equal(ask(&c, FUSE_MKDIR, ROOT, &in, sizeof(in), "new", NULL), -EINVAL);
	assert_int_equal(count_entries(c.share), 0);
	c.room++;
	assert_int_equal(ask(&c, FUSE_MKDIR, ROOT, &in, sizeof(in), "new", NULL), c.room);
}

static void test_request_that_cannot_be_answered_is_an_offence(void **state)
{
	static const struct {
		uint32_t len, readable, writable;
		const char *rule; /* NULL: none */
	} cases[] = {
		{ 40, 40, 16, NULL },
		{ 40, 39, 16, "begins with its header" },
		{ 39, 40, 16, "begins with its header" },
		{ 41, 40, 16, "begins with its header" },
		{ UINT32_MAX, 40, 16, "begins with its header" },
		{ 40, 0, 16, "begins with its header" },
		{ 40, 40, 15, "has room for the header" },
		{ 40, 40, 0, "has room for the header" },
	};
	CLEAN(client) struct client c;

	(void)state;
	client_init(&c, false, 64);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fuse_in_header head = { .len = cases[i].len,
					       .opcode = FUSE_READLINK,
					       .nodeid = ROOT };
		struct chain chain = { .readable = 1,
				       .count = 2,
				       .readable_bytes = cases[i].readable,
				       .writable_bytes = cases[i].writable,
				       .pieces = { { &head, cases[i].readable },
						   { c.reply, cases[i].writable } } };
		const char *rule = "";

		assert_int_equal(fuse_serve(c.f, &chain, &rule), cases[i].rule ? -EPROTO : 16);
		if (cases[i].rule)
			assert_non_null(strstr(rule, cases[i].rule));
	}
}

static void test_readonly(void **state)
{
	static const uint32_t changes[] = {
		FUSE_SETATTR,     FUSE_SYMLINK, FUSE_MKNOD,           FUSE_MKDIR,   FUSE_UNLINK,
		FUSE_RMDIR,       FUSE_RENAME,  FUSE_RENAME2,         FUSE_LINK,    FUSE_WRITE,
		FUSE_SETXATTR,    FUSE_CREATE,  FUSE_COPY_FILE_RANGE, FUSE_TMPFILE, FUSE_FALLOCATE,
		FUSE_REMOVEXATTR,
	};
	static const uint32_t flags[] = { O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_ACCMODE };
	CLEAN(client) struct client c;
	struct fuse_open_in in = { 0 };
	uint64_t node;

	(void)state;
	client_init(&c, true, 64);
	host_file(&c, "file", "text");
	node = look(&c, ROOT, "file");
	assert_true(node);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		assert_int_equal(ask(&c, changes[i], ROOT, NULL, 0, "file", "new"), -EROFS);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		in.flags = flags[i];
		assert_int_equal(ask(&c, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL), -EROFS);
	}
	in.flags = O_RDONLY;
	assert_true(ask(&c, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL) > 0);
	assert_host_file(c.share, "file", "text");
	/* That there is no such file is something to remember, too. */
	assert_int_equal(look(&c, ROOT, "none"), 0);
	assert_int_equal(ask(&c, FUSE_LOOKUP, ROOT, NULL, 0, "none", NULL),
			 sizeof(struct fuse_entry_out));
}

static void test_what_is_no_folder_or_no_proc(void **state)
{
	struct fuse_server *f = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(fuse_server_make(open("/dev/null", O_PATH), "/proc/self/fd", false, 64, &f,
					  &err),
			 -ENOTDIR);
	assert_non_null(strstr(err.text, "share a folder"));
	assert_int_equal(fuse_server_make(open("/", O_PATH), "/tmp", false, 64, &f, &err),
			 -ENOTSUP);
	assert_non_null(strstr(err.text, "is not in a proc filesystem"));
	assert_int_equal(fuse_server_make(open("/", O_PATH), "/none", false, 64, &f, &err),
			 -ENOENT);
	assert_null(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_name_is_one_part_of_a_path),
		cmocka_unit_test(test_only_regular_files_are_opened),
		cmocka_unit_test(test_nodes_are_bounded_and_forgotten),
		cmocka_unit_test(test_large_table_has_no_huge_pages),
		cmocka_unit_test(test_many_are_forgotten_at_once),
		cmocka_unit_test(test_open_files_are_bounded),
		cmocka_unit_test(test_reply_without_room_changes_nothing),
		cmocka_unit_test(test_request_that_cannot_be_answered_is_an_offence),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_what_is_no_folder_or_no_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
