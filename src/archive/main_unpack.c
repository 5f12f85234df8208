/*
 * From a tar stream to files. Every folder on the way is an fd that was reached from the top, one name
 * at a time. On the host a symlink is nowhere followed; in a container, which we can't leave, one that
 * was there before is, as tar does it (bin -> usr/bin).
 */
#include "archive/main_unpack.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int in_failed(const struct unpack *u, struct err *err)
{
	const char *words = archive_error_string(u->in);

	return err_set(err, EBADMSG, "read the archive: %s", words ? words : "no reason given");
}

/* ---- where it goes ----------------------------------------------------------------------- */

static int target_new(struct unpack *u, bool first_is_folder, struct err *err)
{
	const struct archive_request *r = u->w->request;
	CLEAN(free) char *clean = path_clean(r->path);
	const char *name;

	if (has(u->w, ARCHIVE_SLASH) && !first_is_folder)
		return err_set(err, ENOENT, "%s: no such folder to copy a file into", r->path);
	u->base = path_open_parent_in_root(u->w->root, clean, false, &name, err);
	if (u->base < 0)
		return err_set(err, ENOENT, "%s: the folder that it is to be in is not there",
			       r->path);
	u->top = xstrdup(name);
	u->base_path = xstrndup(clean, (size_t)(name - clean));
	return 0;
}

/* By the name that the file has after all symlinks: what is replaced is the file, not the link. */
static int target_file(struct unpack *u, int fd, bool first_is_folder, struct err *err)
{
	const struct archive_request *r = u->w->request;
	char path[PATH_MAX];
	const char *name;
	int rc;

	if (has(u->w, ARCHIVE_SLASH))
		return err_set(err, ENOTDIR, "%s: not a folder", r->path);
	if (first_is_folder && !has(u->w, ARCHIVE_OVERWRITE))
		return err_set(err, ENOTDIR, "%s: cannot copy a folder to a file (--overwrite)",
			       r->path);
	rc = place_path(u->w, fd, path, sizeof(path));
	if (rc < 0)
		return err_set(err, -rc, "%s: its path: %s", r->path, strerror(-rc));
	u->base = path_open_parent_in_root(u->w->root, path, false, &name, err);
	if (u->base < 0)
		return u->base;
	u->top = xstrdup(name);
	u->base_path = xstrndup(path, (size_t)(name - path));
	return 0;
}

static int target_open(struct unpack *u, bool first_is_folder, struct err *err)
{
	const struct archive_request *r = u->w->request;
	CLEAN(fd) int fd = path_open_in_root(u->w->root, r->path, O_PATH, 0, NULL);
	struct stat st;

	if (fd == -ENOENT && has(u->w, ARCHIVE_COPY))
		return target_new(u, first_is_folder, err);
	if (fd < 0)
		return err_set(err, -fd, "%s: %s", r->path, strerror(-fd));
	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s", r->path);
	if (!S_ISDIR(st.st_mode) && !has(u->w, ARCHIVE_COPY))
		return err_set(err, ENOTDIR, "%s: must be a folder, to unpack an archive in",
			       r->path);
	if (!S_ISDIR(st.st_mode))
		return target_file(u, fd, first_is_folder, err);
	u->base = take_fd(&fd);
	u->base_path = xstrdup(r->path);
	u->top = has(u->w, ARCHIVE_CONTENT) && first_is_folder ? xstrdup("") : NULL;
	return 0;
}

/* ---- on the way -------------------------------------------------------------------------- */

/* A symlink in the container's own tree, followed in its root. Not on the host. */
static int follow(const struct unpack *u, const char *so_far)
{
	CLEAN(free) char *path = NULL;

	if (has(u->w, ARCHIVE_HOST))
		return -ENOTDIR;
	path = xasprintf("%s/%s", u->base_path, so_far);
	return path_open_in_root(u->w->root, path, O_PATH | O_DIRECTORY, 0, NULL);
}

int unpack_parent(const struct unpack *u, const char *place, const char **ret_name, struct err *err)
{
	CLEAN(free) char *copy = xstrdup(place);
	CLEAN(fd) int fd = openat(u->base, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char buf[SHOWN_MAX], *at = copy, *slash;

	for (; fd >= 0 && (slash = strchr(at, '/')); at = slash + 1) {
		int next;

		*slash = '\0';
		next = openat(fd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT && mkdirat(fd, at, 0755) == 0)
			next = openat(fd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && (errno == ENOTDIR || errno == ELOOP)) {
			next = follow(u, copy);
			errno = next < 0 ? -next : 0;
		}
		if (next < 0)
			return err_sys(err, "open the folder %s", shown(copy, buf, sizeof(buf)));
		*slash = '/';
		close(fd);
		fd = next;
	}
	if (fd < 0)
		return err_sys(err, "open the folder to unpack in");
	*ret_name = place + (at - copy);
	return take_fd(&fd);
}

/* ---- the stream -------------------------------------------------------------------------- */

static int unpack_next(struct unpack *u, struct archive_entry *e, struct err *err)
{
	CLEAN(free) char *place = NULL;
	CLEAN(free) char *link = NULL;
	const char *path = archive_entry_pathname(e), *hardlink = archive_entry_hardlink(e);
	char buf[SHOWN_MAX];

	if (!path)
		return err_set(err, EBADMSG, "read the archive: an entry without a name");
	if (u->base < 0) {
		int rc = target_open(u, archive_entry_filetype(e) == AE_IFDIR, err);

		if (rc < 0)
			return rc;
	}
	if (archive_entry_place(path, u->top, &place) < 0 ||
	    (hardlink && archive_entry_place(hardlink, u->top, &link) < 0))
		return err_set(err, EBADMSG, "the archive has an entry that leads out of it: %s",
			       shown(path, buf, sizeof(buf)));
	u->w->counts.entries++;
	return unpack_entry(u, e, place, link, err);
}

static int unpack_stream(struct unpack *u, struct err *err)
{
	struct archive_entry *e;
	int rc = 0;

	for (;;) {
		int r = archive_read_next_header(u->in, &e);

		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return in_failed(u, err);
		rc = unpack_next(u, e, err);
		if (rc < 0)
			return rc;
	}
	/* An empty stream, too, wants a place that is right. */
	if (u->base < 0 && !has(u->w, ARCHIVE_COPY))
		rc = target_open(u, true, err);
	return rc < 0 ? rc : unpack_folders_end(u, err);
}

static int unpack_open(struct unpack *u, struct err *err)
{
	struct archive *in = u->in;

	/* By name, and none that is another program. */
	if (archive_read_support_format_tar(in) != ARCHIVE_OK ||
	    archive_read_support_format_empty(in) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(in) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(in) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(in) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(in) != ARCHIVE_OK ||
	    archive_read_open_fd(in, u->w->stream, 1 << 16) != ARCHIVE_OK)
		return in_failed(u, err);
	return 0;
}

int job_unpack(struct work *w, struct err *err)
{
	struct unpack u = { .w = w, .base = -1 };
	int rc;

	u.in = archive_read_new();
	if (!u.in)
		err_die("out of memory");
	rc = unpack_open(&u, err);
	if (rc == 0)
		rc = unpack_stream(&u, err);
	archive_read_free(u.in);
	unpack_folders_free(&u);
	if (u.base >= 0)
		close(u.base);
	free(u.base_path);
	free(u.top);
	return rc;
}
