/* What a guest does with files, as far as it takes no guest: owners, names, folders, data, attributes. */
#include "base/str.h"
#include "microvm/fuse_client.h"

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
#define FILES 100

static uint64_t create(struct client *c, const char *name, uint32_t flags, uint32_t mode,
		       uint32_t mask, uint64_t *ret_node)
{
	struct fuse_create_in in = { .flags = flags, .mode = mode, .umask = mask };
	const struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} *out = NULL;

	assert_int_equal(ask(c, FUSE_CREATE, ROOT, &in, sizeof(in), name, NULL), sizeof(*out));
	out = c->out;
	if (ret_node)
		*ret_node = out->entry.nodeid;
	return out->open.fh;
}

static int put(struct client *c, uint64_t node, uint64_t fh, uint64_t offset, const char *text,
	       uint32_t flags)
{
	struct fuse_write_in in = {
		.fh = fh, .offset = offset, .size = (uint32_t)strlen(text), .write_flags = flags
	};
	int rc = client_send(c, FUSE_WRITE, node, &in, sizeof(in), text, strlen(text));

	return rc < 0 ? rc : (int)((const struct fuse_write_out *)c->out)->size;
}

static int take(struct client *c, uint64_t node, uint64_t fh, uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };

	return ask(c, FUSE_READ, node, &in, sizeof(in), NULL, NULL);
}

static void test_file_is_its_makers_from_the_beginning(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_mkdir_in dir = { .mode = 02777, .umask = 027 };
	struct fuse_mknod_in node = { .mode = S_IFREG | 0666, .umask = 0 };
	struct stat st;

	(void)state;
	client_init(&c, false, 64);
	if (geteuid() == 0) {
		c.uid = 1234;
		c.gid = 5678;
	}
	create(&c, "file", O_RDWR, 06777, 022, NULL);
	assert_true(ask(&c, FUSE_MKDIR, ROOT, &dir, sizeof(dir), "dir", NULL) > 0);
	assert_true(ask(&c, FUSE_MKNOD, ROOT, &node, sizeof(node), "node", NULL) > 0);
	assert_true(ask(&c, FUSE_SYMLINK, ROOT, NULL, 0, "link", "../secret") > 0);
	assert_int_equal(fstatat(c.share, "file", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 06755);
	assert_int_equal(st.st_uid, c.uid);
	assert_int_equal(st.st_gid, c.gid);
	assert_int_equal(fstatat(c.share, "dir", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(st.st_uid, c.uid);
	assert_int_equal(fstatat(c.share, "node", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0666);
	assert_int_equal(st.st_uid, c.uid);
	assert_int_equal(fstatat(c.share, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_gid, c.gid);
	/* And the next one is the server's own again. */
	c.uid = geteuid();
	c.gid = getegid();
	create(&c, "own", O_RDWR, 0600, 0, NULL);
	assert_int_equal(fstatat(c.share, "own", &st, 0), 0);
	assert_int_equal(st.st_uid, c.uid);
}

static void test_writing_takes_set_id_bits_away_when_the_guest_says_so(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, fh;
	struct fuse_setattr_in mode = { .valid = FATTR_MODE, .mode = 06755 },
			       size = { .valid = FATTR_SIZE | FATTR_KILL_SUIDGID, .size = 3 };
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip(); /* nobody but root keeps them ever */
	client_init(&c, false, 64);
	fh = create(&c, "file", O_RDWR, 06755, 0, &node);
	assert_int_equal(put(&c, node, fh, 0, "root", 0), 4);
	assert_int_equal(fstatat(c.share, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
	assert_int_equal(put(&c, node, fh, 0, "user", FUSE_WRITE_KILL_SUIDGID), 4);
	assert_int_equal(fstatat(c.share, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_true(ask(&c, FUSE_SETATTR, node, &mode, sizeof(mode), NULL, NULL) > 0);
	assert_true(ask(&c, FUSE_SETATTR, node, &size, sizeof(size), NULL, NULL) > 0);
	assert_int_equal(fstatat(c.share, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_size, 3);
	/* The right to keep them is there again. */
	assert_true(ask(&c, FUSE_SETATTR, node, &mode, sizeof(mode), NULL, NULL) > 0);
	assert_int_equal(put(&c, node, fh, 0, "root", 0), 4);
	assert_int_equal(fstatat(c.share, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
}

static void test_data(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, fh, added;
	struct fuse_write_in more = { .size = 5 };
	struct fuse_lseek_in seek = { .whence = SEEK_HOLE };
	struct fuse_copy_file_range_in copy = { .off_out = 10, .len = UINT64_MAX };

	(void)state;
	client_init(&c, false, 64);
	more.fh = seek.fh = copy.fh_in = fh = create(&c, "file", O_RDWR, 0600, 0, &node);
	assert_int_equal(put(&c, node, fh, 2, "hello", 0), 5);
	assert_int_equal(take(&c, node, fh, 0, 100), 7);
	assert_memory_equal(c.out, "\0\0hello", 7);
	assert_int_equal(take(&c, node, fh, 6, 100), 1);
	assert_int_equal(take(&c, node, fh, 7, 100), 0);
	assert_int_equal(take(&c, node, fh, UINT64_MAX, 100), -EINVAL);
	/* No more than there is room for, whatever it asks for. */
	c.room = 3;
	assert_int_equal(take(&c, node, fh, 2, UINT32_MAX), 3);
	assert_memory_equal(c.out, "hel\x77", 4);
	c.room = 1000;
	/* More than it sends. */
	assert_int_equal(client_send(&c, FUSE_WRITE, node, &more, sizeof(more), "four", 4),
			 -EINVAL);
	assert_int_equal(put(&c, node, fh + 1, 0, "x", 0), -EBADF);
	assert_true(ask(&c, FUSE_LSEEK, node, &seek, sizeof(seek), NULL, NULL) > 0);
	assert_int_equal(((const struct fuse_lseek_out *)c.out)->offset, 7);
	seek.whence = SEEK_CUR;
	assert_int_equal(ask(&c, FUSE_LSEEK, node, &seek, sizeof(seek), NULL, NULL), -EINVAL);
	copy.fh_out = added = create(&c, "added", O_RDWR | O_EXCL, 0600, 0, NULL);
	assert_true(ask(&c, FUSE_COPY_FILE_RANGE, node, &copy, sizeof(copy), NULL, NULL) > 0);
	assert_int_equal(take(&c, node, added, 10, 100), 7);
	/* At the end, wherever the guest thinks that is. */
	added = create(&c, "file", O_WRONLY | O_APPEND, 0600, 0, NULL);
	assert_int_equal(put(&c, node, added, 0, "!", 0), 1);
	assert_int_equal(take(&c, node, fh, 2, 100), 6);
	assert_memory_equal(c.out, "hello!", 6);
}

static void test_file_without_a_name_and_with_another(void **state)
{
	CLEAN(client) struct client c;
	struct fuse_rename2_in swap = { .newdir = ROOT, .flags = RENAME_EXCHANGE };
	struct fuse_link_in link = { 0 };
	struct fuse_create_in tmp = { .flags = O_RDWR, .mode = 0600 };
	uint64_t node, fh, links;

	(void)state;
	client_init(&c, false, 64);
	fh = create(&c, "a", O_RDWR, 0600, 0, &node);
	assert_int_equal(put(&c, node, fh, 0, "one", 0), 3);
	host_file(&c, "b", "two");
	assert_int_equal(ask(&c, FUSE_RENAME2, ROOT, &swap, sizeof(swap), "a", "b"), 0);
	assert_host_file(c.share, "b", "one");
	assert_host_file(c.share, "a", "two");
	swap.flags = RENAME_NOREPLACE;
	assert_int_equal(ask(&c, FUSE_RENAME2, ROOT, &swap, sizeof(swap), "a", "b"), -EEXIST);
	swap.flags = 8;
	assert_int_equal(ask(&c, FUSE_RENAME2, ROOT, &swap, sizeof(swap), "a", "b"), -EINVAL);
	/* By what it is, not by the name that it was found by. */
	link.oldnodeid = node;
	assert_true(ask(&c, FUSE_LINK, ROOT, &link, sizeof(link), "c", NULL) > 0);
	assert_int_equal(((const struct fuse_entry_out *)c.out)->nodeid, node);
	assert_host_file(c.share, "c", "one");
	assert_int_equal(ask(&c, FUSE_UNLINK, ROOT, NULL, 0, "b", NULL), 0);
	assert_int_equal(ask(&c, FUSE_UNLINK, ROOT, NULL, 0, "c", NULL), 0);
	assert_true(ask(&c, FUSE_GETATTR, node, &(struct fuse_getattr_in){ 0 },
			sizeof(struct fuse_getattr_in), NULL, NULL) > 0);
	links = ((const struct fuse_attr_out *)c.out)->attr.nlink;
	assert_int_equal(links, 0);
	assert_int_equal(take(&c, node, fh, 0, 100), 3);
	/* Never one, until it gets one. */
	if (ask(&c, FUSE_TMPFILE, ROOT, &tmp, sizeof(tmp), "/", NULL) == -EOPNOTSUPP)
		return;
	link.oldnodeid = ((const struct fuse_entry_out *)c.out)->nodeid;
	assert_true(ask(&c, FUSE_LINK, ROOT, &link, sizeof(link), "late", NULL) > 0);
	assert_host_file(c.share, "late", "");
}

/* The entries of a reply: how many, each marked in `seen`; where the next ones are; of how many there is more. */
static int entries(const char *at, int len, bool plus, unsigned char seen[FILES], uint64_t *offset,
		   int *told)
{
	int count = 0;

	while (len > 0) {
		const struct fuse_entry_out *entry = (const void *)at;
		const struct fuse_dirent *d = (const void *)(at + (plus ? sizeof(*entry) : 0));
		size_t bytes = (plus ? sizeof(*entry) : 0) + FUSE_DIRENT_SIZE(d);
		char name[16] = "";
		int number;

		assert_in_range(d->namelen, 1, sizeof(name) - 1);
		memcpy(name, d->name, d->namelen);
		if (sscanf(name, "file-%d", &number) == 1)
			seen[number]++;
		else
			assert_int_equal(name[0], '.');
		if (plus && entry->nodeid) {
			assert_int_not_equal(name[0], '.');
			++*told;
		}
		*offset = d->off;
		at += bytes;
		len -= (int)bytes;
		count++;
	}
	assert_int_equal(len, 0);
	return count;
}

static void list(struct client *c, bool plus, uint32_t size, int told)
{
	struct fuse_open_in open_in = { 0 };
	struct fuse_read_in in = { .size = size };
	unsigned char seen[FILES] = { 0 };
	int n, count = 0, more = 0;

	assert_true(ask(c, FUSE_OPENDIR, ROOT, &open_in, sizeof(open_in), NULL, NULL) > 0);
	in.fh = ((const struct fuse_open_out *)c->out)->fh;
	while ((n = ask(c, plus ? FUSE_READDIRPLUS : FUSE_READDIR, ROOT, &in, sizeof(in), NULL,
			NULL)) > 0) {
		assert_true(n <= (int)size);
		count += entries(c->out, n, plus, seen, &in.offset, &more);
	}
	assert_int_equal(n, 0);
	assert_int_equal(count, FILES + 2);
	assert_int_equal(more, told);
	for (int i = 0; i < FILES; i++)
		assert_int_equal(seen[i], 1);
	in.size = 8;
	in.offset = 0;
	assert_int_equal(ask(c, FUSE_READDIR, ROOT, &in, sizeof(in), NULL, NULL), -EINVAL);
	assert_int_equal(ask(c, FUSE_RELEASEDIR, ROOT, &(struct fuse_release_in){ .fh = in.fh },
			     sizeof(struct fuse_release_in), NULL, NULL),
			 0);
}

static void fill(struct client *c)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		host_file(c, name, "");
	}
}

static void test_folder_in_pieces_of_any_size(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node;

	(void)state;
	client_init(&c, false, 400);
	fill(&c);
	list(&c, false, 4096, 0);
	list(&c, false, 65536, 0);
	list(&c, false, 40, 0);
	node = look(&c, ROOT, "file-7");
	list(&c, true, 4096, FILES);
	list(&c, true, 170, FILES);
	/* Told of it three times. */
	forget(&c, node, 2);
	assert_true(ask(&c, FUSE_STATFS, node, NULL, 0, NULL, NULL) > 0);
	forget(&c, node, 1);
	assert_int_equal(ask(&c, FUSE_STATFS, node, NULL, 0, NULL, NULL), -ESTALE);
}

/* A folder must not use all up that there is for files which somebody wants. */
static void test_listing_leaves_room(void **state)
{
	CLEAN(client) struct client c;

	(void)state;
	client_init(&c, false, 16); /* twelve nodes */
	fill(&c);
	list(&c, true, 4096, 9);
	assert_true(ask(&c, FUSE_MKDIR, ROOT, &(struct fuse_mkdir_in){ .mode = 0700 },
			sizeof(struct fuse_mkdir_in), "new", NULL) > 0);
}

static int set_attribute(struct client *c, uint64_t node, const char *name, const char *value)
{
	char data[256];
	const struct {
		uint32_t size, flags;
	} in = { .size = (uint32_t)strlen(value) };
	int len = snprintf(data, sizeof(data), "%s%c%s", name, 0, value);

	return client_send(c, FUSE_SETXATTR, node, &in, sizeof(in), data, (size_t)len);
}

static int get_attribute(struct client *c, uint64_t node, const char *name, uint32_t size)
{
	struct fuse_getxattr_in in = { .size = size };

	return ask(c, name ? FUSE_GETXATTR : FUSE_LISTXATTR, node, &in, sizeof(in), name, NULL);
}

static void test_extended_attributes(void **state)
{
	CLEAN(client) struct client c;
	uint64_t node, link;
	struct fuse_setxattr_in lie = { .size = 70000 };

	(void)state;
	if (geteuid() != 0)
		skip(); /* not every /tmp has other ones */
	client_init(&c, false, 64);
	host_file(&c, "file", "");
	node = look(&c, ROOT, "file");
	assert_int_equal(set_attribute(&c, node, "trusted.one", "value"), 0);
	assert_int_equal(set_attribute(&c, node, "trusted.two", ""), 0);
	assert_int_equal(get_attribute(&c, node, "trusted.one", 0),
			 sizeof(struct fuse_getxattr_out));
	assert_int_equal(((const struct fuse_getxattr_out *)c.out)->size, 5);
	assert_int_equal(get_attribute(&c, node, "trusted.one", 100), 5);
	assert_memory_equal(c.out, "value", 5);
	assert_int_equal(get_attribute(&c, node, "trusted.one", 4), -ERANGE);
	c.room = 4;
	assert_int_equal(get_attribute(&c, node, "trusted.one", 100), -ERANGE);
	c.room = 1000;
	assert_int_equal(get_attribute(&c, node, NULL, 100), 24);
	assert_int_equal(ask(&c, FUSE_REMOVEXATTR, node, NULL, 0, "trusted.one", NULL), 0);
	assert_int_equal(get_attribute(&c, node, "trusted.one", 100), -ENODATA);
	assert_int_equal(get_attribute(&c, node, NULL, 100), 12);
	assert_string_equal(c.out, "trusted.two");
	assert_int_equal(set_attribute(&c, node, "system.posix_acl_access", "x"), -EOPNOTSUPP);
	assert_int_equal(get_attribute(&c, node, "system.posix_acl_access", 100), -EOPNOTSUPP);
	assert_int_equal(client_send(&c, FUSE_SETXATTR, node, &lie, FUSE_COMPAT_SETXATTR_IN_SIZE,
				     "trusted.x\0y", 11),
			 -EINVAL);
	assert_int_equal(symlinkat("file", c.share, "link"), 0);
	link = look(&c, ROOT, "link");
	assert_int_equal(get_attribute(&c, link, NULL, 0), sizeof(struct fuse_getxattr_out));
	assert_int_equal(get_attribute(&c, link, "trusted.two", 100), -ENODATA);
	assert_int_equal(set_attribute(&c, link, "trusted.two", ""), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_is_its_makers_from_the_beginning),
		cmocka_unit_test(test_writing_takes_set_id_bits_away_when_the_guest_says_so),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_file_without_a_name_and_with_another),
		cmocka_unit_test(test_folder_in_pieces_of_any_size),
		cmocka_unit_test(test_listing_leaves_room),
		cmocka_unit_test(test_extended_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
