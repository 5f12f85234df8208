#include "microvm/prepare.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/helper.h"
#include "base/str.h"
#include "microvm/cpio.h"
#include "microvm/kernel.h"
#include "microvm/kernel_find.h"
#include "microvm/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST "ctr-guest"
#define GUEST_MAX (64U << 20)
#define VERSION_MAX 64

/* A file that was changed has another number, size or time of change, which nobody can set back. */
static uint64_t hash_stat(uint64_t hash, const struct stat *st)
{
	const uint64_t parts[] = { st->st_dev, st->st_ino, (uint64_t)st->st_size,
				   (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec };

	return hash_bytes(parts, sizeof(parts), hash);
}

/* The name in the cache; NULL with words. */
static char *key(const struct prepare *p, int guest, const char *kernel, struct err *err)
{
	struct stat st = { 0 };
	uint64_t hash = 0;
	int rc = 0;

	if (stat(kernel, &st) < 0)
		rc = err_sys(err, "look at the kernel %s", kernel);
	hash = hash_stat(hash, &st);
	if (rc == 0 && fstat(guest, &st) < 0)
		rc = err_sys(err, "look at " GUEST);
	hash = hash_stat(hash, &st);
	if (rc == 0 && p->modules && stat(p->modules, &st) < 0)
		rc = err_sys(err, "look at the modules %s", p->modules);
	if (p->modules)
		hash = hash_stat(hash, &st);
	return rc < 0 ? NULL : xasprintf("%s/%016llx", p->cache, (unsigned long long)hash);
}

/* Of "Linux version 6.12.117+deb12-amd64 (...": it is in every kernel. */
static int version(const struct kernel *k, char ret[VERSION_MAX], struct err *err)
{
	static const char mark[] = "Linux version ";
	const char *at = k->data, *end = k->data + k->len;

	while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL) {
		size_t n = 0;

		at += sizeof(mark) - 1;
		while (n < VERSION_MAX - 1 && at + n < end && at[n] > ' ' && at[n] != '/')
			n++;
		if (n && at[0] >= '0' && at[0] <= '9') {
			memcpy(ret, at, n);
			ret[n] = '\0';
			return 0;
		}
	}
	return err_set(err, ENOEXEC, "the kernel doesn't say which version it is");
}

static int initramfs(const struct prepare *p, const struct kernel *k, int guest, struct str *ret,
		     struct err *err)
{
	CLEAN(free) char *init = NULL;
	CLEAN(free) char *folder = NULL;
	char name[VERSION_MAX];
	size_t len;
	int rc = version(k, name, err);

	if (rc == 0)
		rc = file_read_fd(guest, GUEST, GUEST_MAX, &init, &len, err);
	if (rc < 0)
		return rc;
	folder = p->modules ? xstrdup(p->modules) : xasprintf("/lib/modules/%s", name);
	cpio_add(ret, "init", S_IFREG | 0755, init, len);
	cpio_add(ret, "new", S_IFDIR | 0755, "", 0);
	rc = modules_add(folder, ret, err);
	cpio_end(ret);
	return rc;
}

static int fill(const struct prepare *p, const char *kernel, int guest, int dir, struct err *err)
{
	CLEAN(kernel) struct kernel k = { 0 };
	CLEAN(str) struct str archive = { 0 };
	int rc = kernel_read(kernel, KERNEL_PVH, &k, err);

	if (rc == 0)
		rc = initramfs(p, &k, guest, &archive, err);
	if (rc == 0)
		rc = file_write_atomic(dir, PREPARE_KERNEL, 0644, k.data, k.len, err);
	return rc < 0 ?
		       rc :
		       file_write_atomic(dir, PREPARE_INITRD, 0644, archive.text, archive.len, err);
}

/* Beside its place, then renamed: whoever finds it finds all of it. Two that make it at once both succeed. */
static int make(const struct prepare *p, const char *kernel, int guest, const char *place,
		struct err *err)
{
	CLEAN(free) char *beside = xasprintf("%s/.tmp-XXXXXX", p->cache);
	CLEAN(fd) int dir = -1;
	struct err ignored;
	int rc;

	if (!mkdtemp(beside) || chmod(beside, 0755) < 0)
		return err_sys(err, "make a folder in the cache %s", p->cache);
	dir = open(beside, O_DIRECTORY | O_CLOEXEC);
	rc = dir < 0 ? err_sys(err, "open %s", beside) : fill(p, kernel, guest, dir, err);
	if (rc == 0 && rename(beside, place) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		rc = err_sys(err, "put %s into its place", beside);
	(void)!file_remove_tree(AT_FDCWD, beside, &ignored);
	return rc;
}

static int open_guest(struct err *err)
{
	CLEAN(fd) int helper = helper_open(GUEST, err);
	CLEAN(free) char *path = xasprintf("/proc/self/fd/%d", helper);
	int fd;

	if (helper < 0)
		return helper;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open " GUEST) : fd;
}

int prepare_guest(const struct prepare *p, char **ret, struct err *err)
{
	CLEAN(free) char *found = NULL;
	CLEAN(free) char *place = NULL;
	CLEAN(fd) int guest = open_guest(err);
	const char *kernel = p->kernel;
	int rc = guest < 0 ? guest : 0;

	if (rc == 0 && !kernel) {
		rc = kernel_find("/boot", &found, err);
		kernel = found;
	}
	if (rc == 0)
		rc = file_mkdir_p(p->cache, 0755, err);
	if (rc < 0)
		return rc;
	place = key(p, guest, kernel, err);
	if (!place)
		return -err->code;
	if (access(place, F_OK) < 0)
		rc = make(p, kernel, guest, place, err);
	if (rc == 0)
		*ret = take_ptr(place);
	return rc;
}
