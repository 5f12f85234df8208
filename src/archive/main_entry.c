/* One entry of a tar stream becomes a file. */
#include "archive/main_unpack.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What goes onto a file once it is there. */
struct meta {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct timespec mtime;
	bool has_mtime;
};

static struct meta meta_of(const struct unpack *u, struct archive_entry *e)
{
	struct meta m = {
		.uid = (uid_t)archive_entry_uid(e),
		.gid = (gid_t)archive_entry_gid(e),
		.mode = archive_entry_mode(e) & 07777,
		.mtime = { archive_entry_mtime(e), archive_entry_mtime_nsec(e) },
		.has_mtime = archive_entry_mtime_is_set(e) != 0,
	};

	/*
	 * A container's setuid file would be one of whoever copies it out, with all their rights; and one
	 * that changes hands would be another's than whom it was meant for.
	 */
	if ((m.mode & 06000) && archive_entry_filetype(e) != AE_IFDIR &&
	    (has(u->w, ARCHIVE_HOST) || (!has(u->w, ARCHIVE_OWNERS) && (m.uid || m.gid)))) {
		m.mode &= 01777;
		u->w->counts.bits++;
	}
	return m;
}

static struct timespec mtime_or_omit(const struct meta *m)
{
	return m->has_mtime ? m->mtime : (struct timespec){ .tv_nsec = UTIME_OMIT };
}

/* Only what root may do: others copy what they can, as cp does. */
static int own(struct unpack *u, int dir, const char *name, const struct meta *m, struct err *err)
{
	if (!has(u->w, ARCHIVE_OWNERS))
		return 0;
	if (fchownat(dir, name, m->uid, m->gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == EPERM || errno == EINVAL) {
		u->w->counts.owners++;
		return 0;
	}
	return err_sys(err, "give a file to its owner");
}

static void set_xattrs(struct unpack *u, struct archive_entry *e, int fd)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		bool capability = str_eq(name, "security.capability");

		if (!xattr_wanted(name))
			continue;
		if (capability && has(u->w, ARCHIVE_HOST))
			u->w->counts.bits++;
		else if (fsetxattr(fd, name, value, size, 0) < 0)
			u->w->counts.xattrs++;
	}
}

/* Owner first, as a change of owner takes setuid bits and capabilities away. */
static int finish(struct unpack *u, struct archive_entry *e, int fd, struct err *err)
{
	const struct meta m = meta_of(u, e);
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime_or_omit(&m) };
	int rc = own(u, fd, "", &m, err);

	if (rc < 0)
		return rc;
	if (fchmod(fd, m.mode) < 0)
		return err_sys(err, "set the mode of a file");
	set_xattrs(u, e, fd);
	(void)!futimens(fd, times);
	return 0;
}

/* ---- making room ------------------------------------------------------------------------- */

/* What stands at the name gives way, as far as that was allowed. */
static int make_room(const struct unpack *u, int dir, const char *name, bool folder,
		     struct err *err)
{
	char buf[SHOWN_MAX];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 :
					 err_sys(err, "look at %s", shown(name, buf, sizeof(buf)));
	if (folder && S_ISDIR(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode) != folder && !has(u->w, ARCHIVE_OVERWRITE))
		return err_set(err, folder ? ENOTDIR : EISDIR,
			       folder ? "cannot overwrite non-directory \"%s\" with a directory "
					"(--overwrite)" :
					"cannot overwrite directory \"%s\" with a non-directory "
					"(--overwrite)",
			       shown(name, buf, sizeof(buf)));
	if (S_ISDIR(st.st_mode))
		return file_remove_tree(dir, name, err);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT && errno != EBUSY)
		return err_sys(err, "remove %s", shown(name, buf, sizeof(buf)));
	return 0;
}

/* ---- kinds ------------------------------------------------------------------------------- */

static int write_blocks(struct unpack *u, int fd, struct err *err)
{
	const void *block;
	la_int64_t at;
	size_t len;
	int r;

	while ((r = archive_read_data_block(u->in, &block, &len, &at)) == ARCHIVE_OK) {
		const char *from = block;

		while (len > 0) {
			ssize_t n = pwrite(fd, from, len, at);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return err_sys(err, "write a file");
			from += n;
			at += n;
			len -= (size_t)n;
			u->w->counts.bytes += (uint64_t)n;
		}
	}
	if (r != ARCHIVE_EOF)
		return err_set(err, EBADMSG, "read the archive: %s",
			       archive_error_string(u->in) ? archive_error_string(u->in) :
							     "cut off");
	return 0;
}

static int make_file(struct unpack *u, struct archive_entry *e, int dir, const char *name,
		     struct err *err)
{
	CLEAN(fd) int fd = -1;
	char buf[SHOWN_MAX];
	struct stat st;
	int rc = make_room(u, dir, name, false, err);

	if (rc < 0)
		return rc;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* A file that is mounted can't be replaced; it is written anew. */
	if (fd < 0 && errno == EEXIST) {
		CLEAN(fd) int node = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (node >= 0 && fstat(node, &st) == 0 && S_ISREG(st.st_mode))
			fd = openat(dir, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) < 0))
			return err_set(err, EBUSY, "write %s: it is no regular file any more",
				       shown(name, buf, sizeof(buf)));
	}
	if (fd < 0)
		return err_sys(err, "make %s", shown(name, buf, sizeof(buf)));
	rc = write_blocks(u, fd, err);
	/* A hole at the end is in no block. */
	if (rc == 0 && fstat(fd, &st) == 0 && st.st_size < archive_entry_size(e) &&
	    ftruncate(fd, archive_entry_size(e)) < 0)
		rc = err_sys(err, "set the size of %s", shown(name, buf, sizeof(buf)));
	return rc < 0 ? err_wrap(err, "%s: ", shown(name, buf, sizeof(buf))) :
			finish(u, e, fd, err);
}

static void folder_later(struct unpack *u, const char *place, const struct stat *st,
			 const struct meta *m)
{
	if (u->folder_count == u->folder_room) {
		u->folder_room = u->folder_room ? u->folder_room * 2 : 64;
		u->folders = xrealloc(u->folders, u->folder_room, sizeof(*u->folders));
	}
	u->folders[u->folder_count++] = (struct folder_end){
		.place = xstrdup(place),
		.dev = st->st_dev,
		.ino = st->st_ino,
		.mode = m->mode,
		.mtime = mtime_or_omit(m),
	};
}

/* One that is there stays whose it is, but for -a. */
static int make_folder(struct unpack *u, struct archive_entry *e, int dir, const char *name,
		       const char *place, struct err *err)
{
	const struct meta m = meta_of(u, e);
	CLEAN(fd) int fd = -1;
	char buf[SHOWN_MAX];
	struct stat st;
	bool made;
	int rc = *place ? make_room(u, dir, name, true, err) : 0;

	if (rc < 0)
		return rc;
	made = *place && mkdirat(dir, name, 0700) == 0;
	if (*place && !made && errno != EEXIST)
		return err_sys(err, "make the folder %s", shown(name, buf, sizeof(buf)));
	if (!made && !(*place ? has(u->w, ARCHIVE_OWNERS) : has(u->w, ARCHIVE_TOP)))
		return 0;
	fd = openat(dir, *place ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open the folder %s", shown(name, buf, sizeof(buf)));
	rc = own(u, fd, "", &m, err);
	set_xattrs(u, e, fd);
	folder_later(u, place, &st, &m);
	return rc;
}

static int make_link(struct unpack *u, int dir, const char *name, const char *link, struct err *err)
{
	CLEAN(fd) int from = -1;
	const char *target;
	char buf[SHOWN_MAX];
	int rc;

	from = unpack_parent(u, link, &target, err);
	if (from < 0)
		return from;
	rc = make_room(u, dir, name, false, err);
	if (rc == 0 && linkat(from, target, dir, name, 0) < 0)
		rc = err_sys(err, "make %s another name of a file", shown(name, buf, sizeof(buf)));
	return rc;
}

/* Symlinks, pipes, devices: made under their name, never opened. */
static int make_node(struct unpack *u, struct archive_entry *e, int dir, const char *name,
		     struct err *err)
{
	const struct meta m = meta_of(u, e);
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime_or_omit(&m) };
	mode_t kind = archive_entry_filetype(e);
	bool link = kind == AE_IFLNK, device = kind == AE_IFCHR || kind == AE_IFBLK;
	char buf[SHOWN_MAX];
	int rc;

	if (device && has(u->w, ARCHIVE_HOST)) {
		u->w->counts.devices++;
		return 0;
	}
	rc = make_room(u, dir, name, false, err);
	if (rc < 0)
		return rc;
	if (link ? symlinkat(archive_entry_symlink(e) ? archive_entry_symlink(e) : "", dir, name) :
		   mknodat(dir, name, kind | (m.mode & 0777), archive_entry_rdev(e))) {
		if (!device || errno != EPERM)
			return err_sys(err, "make %s", shown(name, buf, sizeof(buf)));
		/* In a user namespace nobody makes devices. */
		u->w->counts.devices++;
		return 0;
	}
	rc = own(u, dir, name, &m, err);
	(void)!utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
	return rc;
}

int unpack_entry(struct unpack *u, struct archive_entry *e, const char *place, const char *link,
		 struct err *err)
{
	CLEAN(fd) int dir = -1;
	const char *name;
	char buf[SHOWN_MAX];

	dir = unpack_parent(u, place, &name, err);
	if (dir < 0)
		return dir;
	if (link)
		return make_link(u, dir, name, link, err);
	if (!*place && archive_entry_filetype(e) != AE_IFDIR)
		return err_set(err, EBADMSG, "the archive has a file without a name");
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return make_folder(u, e, dir, name, place, err);
	case AE_IFREG:
		return make_file(u, e, dir, name, err);
	case AE_IFLNK:
	case AE_IFIFO:
	case AE_IFCHR:
	case AE_IFBLK:
		return make_node(u, e, dir, name, err);
	default:
		return err_set(err, EBADMSG, "the archive has an entry of no known kind: %s",
			       shown(place, buf, sizeof(buf)));
	}
}

/* ---- folders, at the end ----------------------------------------------------------------- */

/* The innermost come first in time, as each of them is a change of the one that it is in. */
int unpack_folders_end(struct unpack *u, struct err *err)
{
	for (size_t i = u->folder_count; i-- > 0;) {
		const struct folder_end *f = &u->folders[i];
		const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, f->mtime };
		CLEAN(fd) int dir = -1;
		CLEAN(fd) int fd = -1;
		const char *name;
		struct stat st;

		dir = unpack_parent(u, f->place, &name, err);
		if (dir < 0)
			return dir;
		fd = openat(dir, *f->place ? name : ".",
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* Somebody has moved it, and put another in its place: that one is not ours. */
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != f->dev || st.st_ino != f->ino)
			continue;
		if (fchmod(fd, f->mode) < 0)
			return err_sys(err, "set the mode of a folder");
		(void)!futimens(fd, times);
	}
	return 0;
}

void unpack_folders_free(struct unpack *u)
{
	for (size_t i = 0; i < u->folder_count; i++)
		free(u->folders[i].place);
	free(u->folders);
}
