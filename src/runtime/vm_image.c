/*
 * A root that is a file system in a file or on a block device, and no folder: a disk of the guest's. We look at what
 * kind it is, and at nothing else in it; whoever made it may have meant harm, and the guest's kernel is what it meets.
 */
#include "runtime/vm.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 2048
#define SECTOR_BYTES 512

/* The marks of file systems, as they are on a disk. */
static const struct kind {
	const char *type;
	size_t at;
	const char *mark;
	size_t len;
	bool writable;
} kinds[] = {
	{ "erofs", 1024, "\xe2\xe1\xf5\xe0", 4, false },
	{ "squashfs", 0, "hsqs", 4, false },
	{ "ext4", 1080, "\x53\xef", 2, true },
};

static const struct kind *kind_of(const char head[HEAD_BYTES])
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (memcmp(head + kinds[i].at, kinds[i].mark, kinds[i].len) == 0)
			return &kinds[i];
	return NULL;
}

bool vm_root_is_image(const struct spec *whole, const char *bundle)
{
	CLEAN(free) char *path = spec_root(whole, bundle);
	struct stat st;

	return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* What is open is the file that was looked at, by whatever name. */
static int open_writable(const char *path, int *fd, struct err *err)
{
	CLEAN(free) char *same = xasprintf("/proc/self/fd/%d", *fd);
	int writable = open(same, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (writable < 0)
		return err_sys(err,
			       "root.path: open the image %s for writing (--overlay and "
			       "--read-only only read it)",
			       path);
	close(*fd);
	*fd = writable;
	return 0;
}

static int lock(const char *path, int fd, bool readonly, struct err *err)
{
	if (flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(err, "root.path: lock the image %s (flock)", path);
	return err_set(err, EBUSY,
		       "root.path: the image %s is somebody else's root now, or is locked; several "
		       "containers may have it if none writes to it (--overlay, --read-only)",
		       path);
}

/* NULL, with words: none that a guest can have as its root. */
static const struct kind *look_at(const char *path, int fd, struct err *err)
{
	const struct kind *kind;
	char head[HEAD_BYTES] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0) {
		err_sys(err, "root.path: read the image %s", path);
		return NULL;
	}
	kind = kind_of(head);
	if (!kind)
		err_set(err, EINVAL,
			"root.path: %s is no image of a file system that a container can have as "
			"its root: EROFS, squashfs and ext4 are, as they are on a disk (raw) and "
			"without a partition table",
			path);
	return kind;
}

static bool may_write(const struct spec *whole, const struct kind *kind)
{
	return kind->writable && !whole->root_readonly &&
	       !spec_annotation(whole, SPEC_ANNOTATION_ROOTFS);
}

bool vm_image_writes(const struct spec *whole, const char *bundle)
{
	CLEAN(free) char *path = spec_root(whole, bundle);
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct err ignored;
	const struct kind *kind = fd < 0 ? NULL : look_at(path, fd, &ignored);

	return kind && may_write(whole, kind);
}

int vm_image_open(const struct spec *whole, const char *bundle, struct vm *vm, struct err *err)
{
	CLEAN(free) char *path = spec_root(whole, bundle);
	CLEAN(fd) int fd = -1;
	const struct kind *kind;
	struct stat st;
	int rc = 0;

	if (!vm_root_is_image(whole, bundle))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "root.path: open the image %s", path);
	if (S_ISREG(st.st_mode) && st.st_size % SECTOR_BYTES)
		return err_set(err, EINVAL,
			       "root.path: the size of the image %s, %lld bytes, is not a multiple "
			       "of %d: is it whole?",
			       path, (long long)st.st_size, SECTOR_BYTES);
	kind = look_at(path, fd, err);
	if (!kind)
		return -err->code;
	vm->image = kind->type;
	vm->image_readonly = !may_write(whole, kind);
	if (!vm->image_readonly)
		rc = open_writable(path, &fd, err);
	if (rc == 0)
		rc = lock(path, fd, vm->image_readonly, err);
	vm->fds[VM_IMAGE] = take_fd(&fd);
	return rc;
}
