/*
 * A guest's kernel, which may do anything: requests for a folder of the host. The folder is a filesystem of its own
 * that nobody else sees, of a few pages; so it's known what a way out of it would be. Half way another server may go on
 * from what the first one has written down, which may have been changed, or be all the input. Wants to be root.
 *
 * max: 2048
 */
#include "fuzz.h"

#include "base/str.h"
#include "microvm/fuse_parts.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define FDS 32

/* One request: its header's and a bit of help, so that the input needn't find numbers that the server gives. */
struct step {
	uint8_t opcode, node, handle, flags;
	uint16_t room;
	uint8_t len, user;
} __attribute__((packed));

/* The first byte: of the server, and of how it begins; above, how many changes there are. */
enum { READONLY = 1, UNBEGUN = 2, GOES_ON = 4, TABLE = 8, CHANGED = 16 };
#define CHANGES_MAX 16

enum { LIES_LENGTH = 1, ANY_NODE = 2, HAS_HANDLE = 4, IN_PIECES = 8 };

static int make_folder(void)
{
	CLEAN(fd) int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int root;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "100", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fuzz_broken("make a filesystem: %s", strerror(errno));
	root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (root < 0 || mkdirat(root, "d", 0777) < 0 || mknodat(root, "f", S_IFREG | 0666, 0) < 0 ||
	    mknodat(root, "p", S_IFIFO | 0666, 0) < 0 || symlinkat("/etc/passwd", root, "l") < 0 ||
	    symlinkat("../..", root, "u") < 0)
		fuzz_broken("fill a filesystem: %s", strerror(errno));
	return root;
}

static uint64_t number_of(const struct fuse_server *f, const struct step *s)
{
	return s->flags & ANY_NODE ? s->node :
				     fuse_node_id(&f->nodes, &f->nodes.at[s->node % f->nodes.used]);
}

/* Nothing that the guest knows or has open is anywhere else, or a thing that waits. */
static void check(const struct fuse_server *f)
{
	const struct fuse_node *root = &f->nodes.at[0];
	struct stat st, of_root;

	if (fstat(root->fd, &of_root) < 0 || root->fd != f->root)
		fuzz_broken("the root is gone");
	for (uint32_t i = 1; i < f->nodes.used; i++) {
		const struct fuse_node *n = &f->nodes.at[i];

		if (n->fd >= 0 && (n->key.device != root->key.device || !n->lookups))
			fuzz_broken("a node outside, or one that is forgotten");
	}
	for (uint32_t i = 0; i < f->handles.used; i++) {
		const struct fuse_handle *h = &f->handles.at[i];

		if (h->fd < 0)
			continue;
		if (fstat(h->fd, &st) < 0 || st.st_dev != of_root.st_dev)
			fuzz_broken("a file outside is open");
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
			fuzz_broken("something is open that is no file");
	}
	if (geteuid() != f->rights.uid && f->begun)
		fuzz_broken("somebody else");
}

/* In memory of exactly that size, so that one byte too far is seen; perhaps as two pieces each. */
static void request(struct fuse_server *f, const struct step *s, const uint8_t *data, size_t len)
{
	struct fuse_in_header head = { .len = (uint32_t)(sizeof(head) + len),
				       .opcode = s->opcode,
				       .unique = 5,
				       .nodeid = number_of(f, s),
				       .uid = s->user,
				       .gid = s->user };
	char *in = xcalloc(1, head.len), *out = xcalloc(1, s->room + 1U);
	struct chain c = { .readable_bytes = head.len, .writable_bytes = s->room };
	const char *rule = NULL;
	uint64_t fh =
		s->handle |
		(uint64_t)(s->handle < f->handles.used ? f->handles.at[s->handle].sequence : 0)
			<< 32;
	size_t cut = s->flags & IN_PIECES ? s->handle % head.len : 0;
	int64_t n;

	memcpy(in + sizeof(head), data, len);
	if (s->flags & HAS_HANDLE && len >= sizeof(fh))
		memcpy(in + sizeof(head), &fh, sizeof(fh));
	if (s->flags & LIES_LENGTH)
		head.len ^= s->room;
	memcpy(in, &head, sizeof(head));
	if (cut)
		c.pieces[c.count++] = (struct iovec){ in, cut };
	c.pieces[c.count++] = (struct iovec){ in + cut, c.readable_bytes - cut };
	c.readable = c.count;
	cut = cut % (s->room + 1U);
	if (cut)
		c.pieces[c.count++] = (struct iovec){ out, cut };
	c.pieces[c.count++] = (struct iovec){ out + cut, s->room - cut };
	n = fuse_serve(f, &c, &rule);
	if (n > s->room || (n < 0 && (n != -EPROTO || !rule)))
		fuzz_broken("%lld bytes of %u", (long long)n, s->room);
	free(in);
	free(out);
}

/* What a server has written down, changed. */
struct change {
	uint16_t at;
	uint8_t value;
} __attribute__((packed));

static struct fuse_server *serve(int root, uint8_t flags)
{
	struct fuse_server *f = NULL;
	struct err err = { 0 };

	if (fuse_server_make(root, "/proc/self/fd", flags & READONLY, FDS, &f, &err) < 0)
		fuzz_broken("%s", err.text);
	return f;
}

static uint32_t live_handles(const struct fuse_server *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->handles.used; i++)
		n += f->handles.at[i].fd >= 0;
	return n;
}

/* The server that goes on; what was not changed has all that was open, and nothing that was not known. */
static struct fuse_server *go_on(struct fuse_server *f, uint8_t flags, const struct change *changes,
				 size_t count)
{
	CLEAN(str) struct str saved = { 0 };
	struct fuse_server *g;
	struct err err = { 0 };
	int rc = fuse_server_save(f, &saved, &err);

	fuzz_check(rc, &err);
	if (rc < 0)
		return f;
	for (size_t i = 0; i < count; i++)
		saved.text[changes[i].at % saved.len] = (char)changes[i].value;
	g = serve(fcntl(f->root, F_DUPFD_CLOEXEC, 3), flags);
	rc = fuse_server_load(g, saved.text, saved.len, &err);
	fuzz_check(rc, &err);
	if (!count && rc < 0)
		fuzz_broken("what was saved is refused: %s", err.text);
	if (!count && (live_handles(f) != live_handles(g) || g->nodes.live > f->nodes.live ||
		       g->begun != f->begun))
		fuzz_broken("%u are open and %u known, and were %u and %u", live_handles(g),
			    g->nodes.live, live_handles(f), f->nodes.live);
	check(g);
	fuse_server_free(f);
	return g;
}

static void load_table(struct fuse_server *f, const uint8_t *data, size_t size)
{
	char *table = xcalloc(1, size);
	struct err err = { 0 };
	int rc;

	memcpy(table, data, size);
	rc = fuse_server_load(f, table, size, &err);
	fuzz_check(rc, &err);
	free(table);
	check(f);
}

static size_t take(const uint8_t **data, size_t *size, size_t wanted)
{
	size_t n = wanted < *size ? wanted : *size;

	*data += n;
	*size -= n;
	return n;
}

static void requests(struct fuse_server *f, const uint8_t *data, size_t size)
{
	struct step s;

	while (size >= sizeof(s)) {
		const uint8_t *at;
		size_t len;

		memcpy(&s, data, sizeof(s));
		(void)take(&data, &size, sizeof(s));
		at = data;
		len = take(&data, &size, s.len);
		request(f, &s, at, len);
		check(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuse_init_in init = { .major = 7, .minor = 38 };
	const struct step first = { .opcode = FUSE_INIT, .room = 200 };
	struct fuse_server *f;
	struct change changes[CHANGES_MAX] = { 0 };
	size_t count = 0;
	uint8_t flags;

	if (size < 1)
		return -1;
	flags = *data++;
	size--;
	f = serve(make_folder(), flags);
	if (flags & TABLE) {
		load_table(f, data, size);
	} else {
		if (!(flags & UNBEGUN))
			request(f, &first, (const uint8_t *)&init, sizeof(init));
		if (flags & GOES_ON) {
			count = flags / CHANGED;
			memcpy(changes, data,
			       count * sizeof(*changes) < size ? count * sizeof(*changes) : size);
			(void)take(&data, &size, count * sizeof(*changes));
			requests(f, data, size / 2);
			(void)take(&data, &size, size / 2);
			f = go_on(f, flags, changes, count);
		}
		requests(f, data, size);
	}
	fuse_server_free(f);
	return 0;
}
