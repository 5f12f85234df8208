#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/given.h"
#include "wire/frame.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define MINOR 38     /* of the protocol, 7.38: what is known here */
#define MINOR_MIN 31 /* kernels since 5.4, the first with virtio-fs */
#define TIMEOUT_READONLY_S 10
#define ZEROES 128 /* behind a request */

/* Beside what all have: only what the kernel keeps to itself without our doing, as locks are. */
#define FEATURES                                                                               \
	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK |            \
	 FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | \
	 FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2 | FUSE_INIT_EXT)
#define FEATURES_READONLY FUSE_CACHE_SYMLINKS

uint32_t fuse_features(const struct fuse_server *f)
{
	return FEATURES | (f->readonly ? FEATURES_READONLY : 0);
}

static int64_t do_init(struct fuse_server *f, struct fuse_request *r)
{
	const struct fuse_init_in *in = r->args;
	struct fuse_init_out *out = r->out;
	int rc;

	*out = (struct fuse_init_out){ .major = FUSE_KERNEL_VERSION, .minor = MINOR };
	/* A newer one asks again, by the version that it was told. */
	if (in->major > FUSE_KERNEL_VERSION)
		return sizeof(*out);
	if (in->major < FUSE_KERNEL_VERSION || in->minor < MINOR_MIN)
		return -EPROTO;
	fuse_server_reset(f);
	rc = fuse_rights_take(&f->rights);
	if (rc < 0)
		return rc;
	f->begun = true;
	out->max_readahead = in->max_readahead;
	out->flags = f->flags = in->flags & fuse_features(f);
	out->max_background = 64;
	out->congestion_threshold = 48;
	out->max_write = FUSE_DATA_MAX;
	out->max_pages = FUSE_DATA_MAX / 4096;
	out->time_gran = 1;
	return sizeof(*out);
}

static int64_t do_destroy(struct fuse_server *f, struct fuse_request *r)
{
	(void)r;
	fuse_server_reset(f);
	return 0;
}

enum {
	CHANGES = 1,  /* refused where all is readonly */
	NODELESS = 2, /* it isn't about a file, or only about what is open */
	SILENT = 4,   /* there is no answer */
	DATA = 8,     /* bytes follow that stay where they are */
	FIRST = 16,   /* before all others */
};

#define IN(name) sizeof(struct fuse_##name##_in)
#define ENTRY sizeof(struct fuse_entry_out)
#define OPENED sizeof(struct fuse_open_out)
#define ATTR sizeof(struct fuse_attr_out)

/*
 * One row per request that is answered; others are -ENOSYS, upon which the guest's kernel does without them or
 * does it itself: locks, access(), and flush, which at each close() would only ask whether a close has failed.
 */
static const struct row {
	fuse_handler *run;
	const char *texts; /* behind its struct: n: a name in a folder; t: any */
	uint16_t in, out;  /* bytes of the struct, and room for the answer's first ones */
	unsigned int flags;
} rows[] = {
	[FUSE_LOOKUP] = { fuse_do_lookup, "n", 0, ENTRY },
	[FUSE_FORGET] = { fuse_do_forget, "", IN(forget), 0, NODELESS | SILENT },
	[FUSE_GETATTR] = { fuse_do_getattr, "", IN(getattr), ATTR },
	[FUSE_SETATTR] = { fuse_do_setattr, "", IN(setattr), ATTR, CHANGES },
	[FUSE_READLINK] = { fuse_do_readlink, "", 0, 0 },
	[FUSE_SYMLINK] = { fuse_do_symlink, "nt", 0, ENTRY, CHANGES },
	[FUSE_MKNOD] = { fuse_do_mknod, "n", IN(mknod), ENTRY, CHANGES },
	[FUSE_MKDIR] = { fuse_do_mkdir, "n", IN(mkdir), ENTRY, CHANGES },
	[FUSE_UNLINK] = { fuse_do_unlink, "n", 0, 0, CHANGES },
	[FUSE_RMDIR] = { fuse_do_rmdir, "n", 0, 0, CHANGES },
	[FUSE_RENAME] = { fuse_do_rename, "nn", IN(rename), 0, CHANGES },
	[FUSE_LINK] = { fuse_do_link, "n", IN(link), ENTRY, CHANGES },
	[FUSE_OPEN] = { fuse_do_open, "", IN(open), OPENED },
	[FUSE_READ] = { fuse_do_read, "", IN(read), 0 },
	[FUSE_WRITE] = { fuse_do_write, "", IN(write), sizeof(struct fuse_write_out),
			 CHANGES | DATA },
	[FUSE_STATFS] = { fuse_do_statfs, "", 0, sizeof(struct fuse_statfs_out) },
	[FUSE_RELEASE] = { fuse_do_release, "", IN(release), 0, NODELESS },
	[FUSE_FSYNC] = { fuse_do_fsync, "", IN(fsync), 0 },
	[FUSE_SETXATTR] = { fuse_do_setxattr, "t", FUSE_COMPAT_SETXATTR_IN_SIZE, 0, CHANGES },
	[FUSE_GETXATTR] = { fuse_do_getxattr, "t", IN(getxattr), 0 },
	[FUSE_LISTXATTR] = { fuse_do_listxattr, "", IN(getxattr), 0 },
	[FUSE_REMOVEXATTR] = { fuse_do_removexattr, "t", 0, 0, CHANGES },
	[FUSE_INIT] = { do_init, "", 16, sizeof(struct fuse_init_out), NODELESS | FIRST },
	[FUSE_OPENDIR] = { fuse_do_opendir, "", IN(open), OPENED },
	[FUSE_READDIR] = { fuse_do_readdir, "", IN(read), 0 },
	[FUSE_RELEASEDIR] = { fuse_do_releasedir, "", IN(release), 0, NODELESS },
	[FUSE_FSYNCDIR] = { fuse_do_fsyncdir, "", IN(fsync), 0 },
	[FUSE_CREATE] = { fuse_do_create, "n", IN(create), ENTRY + OPENED, CHANGES },
	[FUSE_DESTROY] = { do_destroy, "", 0, 0, NODELESS },
	[FUSE_BATCH_FORGET] = { fuse_do_batch_forget, "", IN(batch_forget), 0, NODELESS | SILENT },
	[FUSE_FALLOCATE] = { fuse_do_fallocate, "", IN(fallocate), 0, CHANGES },
	[FUSE_READDIRPLUS] = { fuse_do_readdirplus, "", IN(read), 0 },
	[FUSE_RENAME2] = { fuse_do_rename2, "nn", IN(rename2), 0, CHANGES },
	[FUSE_LSEEK] = { fuse_do_lseek, "", IN(lseek), sizeof(struct fuse_lseek_out) },
	[FUSE_COPY_FILE_RANGE] = { fuse_do_copy, "", IN(copy_file_range),
				   sizeof(struct fuse_write_out), CHANGES },
	[FUSE_SYNCFS] = { fuse_do_syncfs, "", IN(syncfs), 0 },
	[FUSE_TMPFILE] = { fuse_do_tmpfile, "t", IN(create), ENTRY + OPENED, CHANGES },
};

/* The texts, each with its end; the rest is what follows them. */
static int take_texts(struct fuse_request *r, const struct row *row, const char *at, size_t left)
{
	for (size_t i = 0; row->texts[i]; i++) {
		const char *end = memchr(at, '\0', left);

		if (!end)
			return -EINVAL;
		if (row->texts[i] == 'n' && !fuse_is_name(at))
			return end - at > NAME_MAX ? -ENAMETOOLONG : -EINVAL;
		r->texts[i] = at;
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	r->rest = at;
	r->rest_bytes = left;
	return 0;
}

static int take(struct fuse_server *f, struct fuse_request *r, const struct row *row)
{
	size_t len = r->head.len - sizeof(r->head);

	if (row->flags & DATA && len > row->in)
		len = row->in;
	if (len < row->in || len > sizeof(f->in) - ZEROES || r->room < row->out)
		return -EINVAL;
	/* Once; from here on only the copy counts. */
	len = chain_read(r->chain, sizeof(r->head), f->in, len);
	memset(f->in + len, 0, ZEROES);
	r->args = f->in;
	r->out = f->out;
	return take_texts(r, row, f->in + row->in, len - row->in);
}

static int64_t run(struct fuse_server *f, struct fuse_request *r)
{
	const struct row *row = r->head.opcode < ARRAY_LEN(rows) ? &rows[r->head.opcode] : NULL;
	int rc;

	if (!row || !row->run)
		return -ENOSYS;
	if (!f->begun && !(row->flags & FIRST))
		return -EIO;
	if (f->readonly && (row->flags & CHANGES))
		return -EROFS;
	rc = take(f, r, row);
	if (rc < 0)
		return rc;
	r->node = row->flags & NODELESS ? NULL : fuse_node_find(&f->nodes, r->head.nodeid);
	if (!r->node && !(row->flags & NODELESS))
		return -ESTALE;
	return row->run(f, r);
}

static bool is_silent(uint32_t opcode)
{
	return opcode < ARRAY_LEN(rows) && (rows[opcode].flags & SILENT);
}

int64_t fuse_serve(struct fuse_server *f, const struct chain *c, const char **ret_rule)
{
	struct fuse_request r = { .chain = c };
	struct fuse_out_header head = { .len = sizeof(head) };
	int64_t n;

	if (chain_read(c, 0, &r.head, sizeof(r.head)) != sizeof(r.head) ||
	    r.head.len < sizeof(r.head) || r.head.len > c->readable_bytes) {
		*ret_rule =
			"a request for files begins with its header, and has the length that it says";
		return -EPROTO;
	}
	if (is_silent(r.head.opcode)) {
		(void)run(f, &r);
		return 0;
	}
	if (c->writable_bytes < sizeof(head)) {
		*ret_rule = "a request for files has room for the header of its answer";
		return -EPROTO;
	}
	r.room = c->writable_bytes - sizeof(head);
	if (r.room > FUSE_SMALL_MAX)
		r.room = FUSE_SMALL_MAX;
	n = run(f, &r);
	/* Out of fds is what a table is that is full; and only a number that the guest knows is an error. */
	if (n < 0)
		head.error = n == -EMFILE ? -ENFILE : n < -511 ? -EIO : (int32_t)n;
	else if (r.head.opcode != FUSE_READ)
		n = (int64_t)chain_write(c, sizeof(head), f->out, (size_t)n);
	head.len += n < 0 ? 0 : (uint32_t)n;
	head.unique = r.head.unique;
	return chain_write(c, 0, &head, sizeof(head)) == sizeof(head) ? head.len : 0;
}

/* It must be the kernel's: what is opened there is said by a number. */
static int open_fds(const char *path, struct err *err)
{
	CLEAN(fd) int fd = given_open(path, O_PATH | O_DIRECTORY);
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return err_sys(err, "open %s, by which shared files are opened", path);
	if (st.f_type != PROC_SUPER_MAGIC)
		return err_set(err, ENOTSUP,
			       "%s, by which shared files are opened, is not in a proc filesystem",
			       path);
	return take_fd(&fd);
}

int fuse_server_make(int root, const char *fds, bool readonly, unsigned int fds_max,
		     struct fuse_server **ret, struct err *err)
{
	CLEAN(fd) int own = root;
	CLEAN(fd) int proc = open_fds(fds, err);
	struct fuse_server *f;
	int rc;

	if (proc < 0)
		return proc;
	f = xcalloc(1, sizeof(*f));
	/* A file that is open is one that is known as well. */
	rc = fuse_nodes_make(&f->nodes, fds_max - fds_max / 4, own, err);
	if (rc < 0) {
		free(f);
		return rc;
	}
	fuse_handles_make(&f->handles, fds_max / 4);
	f->root = take_fd(&own);
	f->proc = take_fd(&proc);
	f->readonly = readonly;
	f->timeout_s = readonly ? TIMEOUT_READONLY_S : WIRE_BELIEVED_S;
	*ret = f;
	return 0;
}

void fuse_server_reset(struct fuse_server *f)
{
	fuse_handles_close_all(&f->handles);
	fuse_nodes_forget_all(&f->nodes);
	f->begun = false;
}

void fuse_server_free(struct fuse_server *f)
{
	if (!f)
		return;
	fuse_handles_free(&f->handles);
	fuse_nodes_free(&f->nodes);
	close(f->root);
	close(f->proc);
	free(f);
}
