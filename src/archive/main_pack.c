/*
 * From files to a tar stream. Each name is looked up once, to an O_PATH fd that follows no symlink; what
 * that is says the fd, and what is read is what was looked at. So whoever moves things about in there
 * meanwhile decides what of theirs is in the stream, and never leads it elsewhere.
 */
#include "archive/main.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTR_MAX 65536
#define EXTENTS_MAX 10000

struct pack {
	struct work *w;
	struct archive *out;
	struct links *links;
	char buf[1 << 16];
};

/* What of the top folder the source `host` is made of; rootfs/host.c mounts it. */
static bool is_programs(const char *path)
{
	static const char *const dirs[] = {
		"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"
	};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (str_eq(path, dirs[i]))
			return true;
	return str_starts(path, "etc/");
}

/* Where it is, below the top: names in the stream have the top's in front, if that has one. */
static const char *below_top(const struct pack *p, const char *path)
{
	size_t len = strlen(p->w->request->name);

	return len ? path + len + 1 : path;
}

/* What is mounted below is left out, or is the kernel's own: the place alone goes into the stream. */
static bool is_closed(const struct pack *p, int fd, uint64_t parent, const char *path)
{
	if (has(p->w, ARCHIVE_ONE_FS)) {
		if (place_mount(fd) == parent)
			return false;
		return !has(p->w, ARCHIVE_PROGRAMS) || !is_programs(below_top(p, path));
	}
	return place_mount(fd) != parent && place_is_pseudo(fd);
}

static int out_failed(const struct pack *p, struct err *err)
{
	const char *words = archive_error_string(p->out);
	int code = archive_errno(p->out);

	return err_set(err, code > 0 ? code : EIO, "write the archive: %s%s%s",
		       words ? words : "no reason given", code > 0 ? ": " : "",
		       code > 0 ? strerror(code) : "");
}

/* fd: for reading. What can't be read is none. */
static void add_xattrs(struct archive_entry *e, int fd)
{
	CLEAN(free) char *names = xcalloc(XATTR_MAX, 1);
	CLEAN(free) char *value = xcalloc(XATTR_MAX, 1);
	ssize_t len = flistxattr(fd, names, XATTR_MAX), size;

	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		if (!xattr_wanted(name))
			continue;
		size = fgetxattr(fd, name, value, XATTR_MAX);
		if (size >= 0)
			archive_entry_xattr_add_entry(e, name, value, (size_t)size);
	}
}

/* ---- regular files ----------------------------------------------------------------------- */

/* The parts that are not holes; none: it is all data. Returns how many. */
static int add_extents(struct archive_entry *e, int fd, off_t size)
{
	off_t data = 0, hole;
	int count = 0;

	while (data < size && (data = lseek(fd, data, SEEK_DATA)) >= 0 && data < size) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size || count == EXTENTS_MAX)
			hole = size;
		archive_entry_sparse_add_entry(e, data, hole - data);
		count++;
		data = hole;
	}
	return count;
}

/* The stream was promised `len` bytes; a file that has become shorter is filled up with zeros. */
static int write_part(struct pack *p, int fd, off_t at, off_t len, bool *changed, struct err *err)
{
	while (len > 0) {
		size_t want = len < (off_t)sizeof(p->buf) ? (size_t)len : sizeof(p->buf);
		ssize_t n = pread(fd, p->buf, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read a file of the archive");
		if (n == 0) {
			memset(p->buf, 0, want);
			n = (ssize_t)want;
			*changed = true;
		}
		if (archive_write_data(p->out, p->buf, (size_t)n) != n)
			return out_failed(p, err);
		at += n;
		len -= n;
		p->w->counts.bytes += (uint64_t)n;
	}
	return 0;
}

static int write_extents(struct pack *p, struct archive_entry *e, int fd, struct err *err)
{
	bool changed = false;
	la_int64_t at, len;
	int rc = 0;

	if (archive_entry_sparse_reset(e) == 0)
		rc = write_part(p, fd, 0, archive_entry_size(e), &changed, err);
	/* Between the parts the writer wants the bytes of the holes, and leaves them out. */
	for (off_t done = 0; rc == 0 && archive_entry_sparse_next(e, &at, &len) == ARCHIVE_OK;
	     done = at + len) {
		off_t skip = at - done;

		memset(p->buf, 0, sizeof(p->buf));
		while (skip > 0) {
			size_t n = skip < (off_t)sizeof(p->buf) ? (size_t)skip : sizeof(p->buf);

			if (archive_write_data(p->out, p->buf, n) < 0)
				return out_failed(p, err);
			skip -= (off_t)n;
		}
		rc = write_part(p, fd, at, len, &changed, err);
	}
	p->w->counts.changed += changed;
	return rc;
}

static int pack_file(struct pack *p, struct archive_entry *e, int node, const struct stat *st,
		     bool closed, struct err *err)
{
	CLEAN(fd) int fd = closed ? -1 : place_reopen(p->w, node);
	struct stat now = *st;

	if (!closed && fd < 0)
		return err_set(err, -fd, "open %s: %s", archive_entry_pathname(e), strerror(-fd));
	if (fd >= 0 && fstat(fd, &now) < 0)
		return err_sys(err, "look at a file");
	archive_entry_set_size(e, closed ? 0 : now.st_size);
	if (fd >= 0)
		add_xattrs(e, fd);
	if (fd >= 0 && now.st_size > 0 && (off_t)now.st_blocks * 512 < now.st_size)
		if (add_extents(e, fd, now.st_size) == 0)
			archive_entry_sparse_add_entry(e, now.st_size, 0);
	if (archive_write_header(p->out, e) < ARCHIVE_WARN)
		return out_failed(p, err);
	return fd < 0 ? 0 : write_extents(p, e, fd, err);
}

/* ---- anything ---------------------------------------------------------------------------- */

static int pack_node(struct pack *p, int node, uint64_t parent, const char *path, int depth,
		     struct err *err);

static int pack_children(struct pack *p, int dir, const char *path, int depth, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	uint64_t mount = place_mount(dir);
	int rc = place_names(dir, &names, err);

	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP, "more than %d folders deep", DEPTH_MAX);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		CLEAN(free)
		char *child = xasprintf("%s%s%s", path, *path ? "/" : "", names.items[i]);
		CLEAN(fd) int fd = openat(dir, names.items[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
		char buf[SHOWN_MAX];

		/* Gone since we read the folder: so it isn't there. */
		if (fd < 0 && errno != ENOENT)
			rc = err_sys(err, "open %s", shown(child, buf, sizeof(buf)));
		else if (fd >= 0)
			rc = pack_node(p, fd, mount, child, depth + 1, err);
	}
	return rc;
}

static int pack_folder(struct pack *p, struct archive_entry *e, int node, const char *path,
		       bool closed, int depth, struct err *err)
{
	CLEAN(fd) int fd = openat(node, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(free) char *name = xasprintf("%s/", path);
	char buf[SHOWN_MAX];

	if (fd < 0)
		return err_sys(err, "open %s", shown(path, buf, sizeof(buf)));
	add_xattrs(e, fd);
	archive_entry_copy_pathname(e, name);
	/* A top without a name is not in the stream itself. */
	if (*path && archive_write_header(p->out, e) < ARCHIVE_WARN)
		return out_failed(p, err);
	return closed ? 0 : pack_children(p, fd, path, depth, err);
}

static int pack_plain(struct pack *p, struct archive_entry *e, int node, const struct stat *st,
		      struct err *err)
{
	char target[PATH_MAX];
	ssize_t len;

	if (S_ISSOCK(st->st_mode)) {
		p->w->counts.sockets++;
		return 0;
	}
	if (has(p->w, ARCHIVE_HOST) && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))) {
		p->w->counts.devices++;
		return 0;
	}
	if (S_ISLNK(st->st_mode)) {
		len = readlinkat(node, "", target, sizeof(target) - 1);
		if (len < 0)
			return err_sys(err, "read a symlink");
		target[len] = '\0';
		archive_entry_copy_symlink(e, target);
	}
	return archive_write_header(p->out, e) < ARCHIVE_WARN ? out_failed(p, err) : 0;
}

static int pack_entry(struct pack *p, struct archive_entry *e, int node, const struct stat *st,
		      bool closed, const char *path, int depth, struct err *err)
{
	const char *first = NULL;

	archive_entry_copy_stat(e, st);
	archive_entry_copy_pathname(e, path);
	archive_entry_unset_atime(e);
	archive_entry_unset_ctime(e);
	archive_entry_unset_birthtime(e);
	p->w->counts.entries++;
	if (S_ISDIR(st->st_mode))
		return pack_folder(p, e, node, path, closed, depth, err);
	/* Not those that may be left out: a second name would be one of nothing. */
	if (st->st_nlink > 1 && !S_ISSOCK(st->st_mode) && !S_ISCHR(st->st_mode) &&
	    !S_ISBLK(st->st_mode))
		first = links_seen(&p->links, st, path);
	if (first) {
		archive_entry_copy_hardlink(e, first);
		archive_entry_set_size(e, 0);
		return archive_write_header(p->out, e) < ARCHIVE_WARN ? out_failed(p, err) : 0;
	}
	if (S_ISREG(st->st_mode))
		return pack_file(p, e, node, st, closed, err);
	return pack_plain(p, e, node, st, err);
}

static int pack_node(struct pack *p, int node, uint64_t parent, const char *path, int depth,
		     struct err *err)
{
	bool closed = depth > 0 && is_closed(p, node, parent, path);
	struct archive_entry *e;
	struct stat st;
	int rc;

	if (fstat(node, &st) < 0)
		return err_sys(err, "look at a file");
	e = archive_entry_new();
	if (!e)
		err_die("out of memory");
	rc = pack_entry(p, e, node, &st, closed, path, depth, err);
	archive_entry_free(e);
	return rc;
}

static int pack_stream(struct pack *p, int top, struct err *err)
{
	int rc;

	/* Long names, large ids and times, attributes, holes. Names that are no UTF-8 go as bytes. */
	if (archive_write_set_format_pax_restricted(p->out) != ARCHIVE_OK ||
	    archive_write_open_fd(p->out, p->w->stream) != ARCHIVE_OK)
		return out_failed(p, err);
	rc = pack_node(p, top, 0, p->w->request->name, 0, err);
	if (rc == 0 && archive_write_close(p->out) != ARCHIVE_OK)
		rc = out_failed(p, err);
	/* Else free would put the mark of a good end behind half of it. */
	if (rc < 0)
		archive_write_fail(p->out);
	return rc;
}

int job_pack(struct work *w, struct err *err)
{
	const struct archive_request *r = w->request;
	CLEAN(fd)
	int top = path_open_in_root(w->root, r->path,
				    O_PATH | (has(w, ARCHIVE_FOLLOW) ? 0 : O_NOFOLLOW), 0, NULL);
	struct pack *p;
	int rc;

	if (top < 0)
		return err_set(err, -top, "%s: %s", r->path, strerror(-top));
	p = xcalloc(1, sizeof(*p));
	p->w = w;
	p->out = archive_write_new();
	if (!p->out)
		err_die("out of memory");
	rc = pack_stream(p, top, err);
	archive_write_free(p->out);
	links_free(&p->links);
	free(p);
	return rc;
}
