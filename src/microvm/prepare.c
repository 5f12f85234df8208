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
#include "microvm/prepare_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUEST "ctr-guest"
#define GUEST_MAX (64U << 20)
#define VERSION_MAX 64

/* All that counts of what it is made from. */
static int identify(const struct prepare *p, int guest, struct cache_source *ret, struct err *err)
{
	struct stat st;

	if (stat(ret->kernel, &st) < 0)
		return err_sys(err, "look at the kernel %s", ret->kernel);
	ret->kernel_identity = cache_identity(0, &st);
	if (fstat(guest, &st) < 0)
		return err_sys(err, "look at " GUEST);
	ret->identity = cache_identity(ret->kernel_identity, &st);
	if (!p->modules)
		return 0;
	if (stat(p->modules, &st) < 0)
		return err_sys(err, "look at the modules %s", p->modules);
	ret->identity = cache_identity(ret->identity, &st);
	return 0;
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

static int make(const struct prepare *p, const struct cache *c, const struct cache_source *source,
		int guest, char **ret, struct err *err)
{
	CLEAN(kernel) struct kernel k = { 0 };
	CLEAN(str) struct str archive = { 0 };
	int rc = kernel_read(source->kernel, KERNEL_PVH, &k, err);

	if (rc == 0)
		rc = initramfs(p, &k, guest, &archive, err);
	if (rc == 0) {
		const struct cache_file files[] = {
			{ PREPARE_KERNEL, k.data, k.len },
			{ PREPARE_INITRD, archive.text, archive.len },
		};
		uint64_t hash = hash_bytes(k.data, k.len, 0);

		hash = hash_bytes(archive.text, archive.len, hash);
		rc = cache_keep(c, source, hash, files, ARRAY_LEN(files), ret, err);
	}
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
	CLEAN(cache) struct cache cache = CACHE_NONE;
	CLEAN(fd) int guest = open_guest(err);
	struct cache_source source = { .kernel = p->kernel };
	int rc = guest < 0 ? guest : 0;

	if (rc == 0 && !source.kernel) {
		rc = kernel_find("/boot", &found, err);
		source.kernel = found;
	}
	if (rc == 0)
		rc = cache_open(p->cache, &cache, err);
	if (rc == 0)
		rc = identify(p, guest, &source, err);
	if (rc < 0)
		return rc;
	*ret = cache_find(&cache, source.identity);
	return *ret ? 0 : make(p, &cache, &source, guest, ret, err);
}
