#include "microvm/prepare.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/helper.h"
#include "base/str.h"
#include "microvm/cpio.h"
#include "microvm/emulator.h"
#include "microvm/kernel.h"
#include "microvm/kernel_find.h"
#include "microvm/modules.h"
#include "microvm/prepare_cache.h"
#include "microvm/usable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define GUEST "ctr-guest"
#define GUEST_MAX (64U << 20)
#define VERSION_MAX 64
#define KVM_DEVICE "/dev/kvm"

/* The kernel as it was given. */
struct source {
	struct cache_source cached; /* its path is there */
	const struct emulator_kind *kind;
	bool foreign; /* for another kind of processor than ours */
};

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
	if (p->module)
		ret->identity = hash_bytes(p->module, strlen(p->module), ret->identity);
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

/* DIR/boot/KERNEL: DIR may be an unpacked package, and nothing of it be installed. */
static char *modules_folder(const struct prepare *p, const char *kernel, const char *name)
{
	CLEAN(free) char *folder = xstrdup(kernel);
	char *slash = strrchr(folder, '/');
	char *beside;

	if (p->modules)
		return xstrdup(p->modules);
	if (slash)
		*slash = '\0';
	if (slash && str_ends(folder, "/boot")) {
		folder[strlen(folder) - strlen("/boot")] = '\0';
		beside = xasprintf("%s/lib/modules/%s", folder, name);
		if (access(beside, F_OK) == 0)
			return beside;
		free(beside);
	}
	return xasprintf("/lib/modules/%s", name);
}

static int initramfs(const struct prepare *p, const char *kernel, const struct kernel *k, int guest,
		     struct str *ret, struct err *err)
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
	folder = modules_folder(p, kernel, name);
	cpio_add(ret, "init", S_IFREG | 0755, init, len);
	cpio_add(ret, "new", S_IFDIR | 0755, "", 0);
	rc = modules_add(folder, p->module, ret, err);
	cpio_end(ret);
	return rc;
}

/* One for another processor is an emulator's to understand. */
static int read_kernel(const struct source *s, struct kernel *ret, struct err *err)
{
	const char *path = s->cached.kernel;

	return s->foreign ? file_read(AT_FDCWD, path, KERNEL_FILE_MAX, &ret->data, &ret->len, err) :
			    kernel_read(path, KERNEL_PVH, ret, err);
}

static int make(const struct prepare *p, const struct cache *c, const struct source *s, int guest,
		char **ret, struct err *err)
{
	CLEAN(kernel) struct kernel k = { 0 };
	CLEAN(str) struct str archive = { 0 };
	int rc = read_kernel(s, &k, err);

	if (rc == 0)
		rc = initramfs(p, s->cached.kernel, &k, guest, &archive, err);
	if (rc == 0) {
		const struct cache_file files[] = {
			{ PREPARE_KERNEL, k.data, k.len },
			{ PREPARE_INITRD, archive.text, archive.len },
		};
		uint64_t hash = hash_bytes(k.data, k.len, 0);

		hash = hash_bytes(archive.text, archive.len, hash);
		rc = cache_keep(c, &s->cached, hash, files, ARRAY_LEN(files), ret, err);
	}
	return rc;
}

static int open_guest(const struct source *s, struct err *err)
{
	CLEAN(free)
	char *name = s->foreign ? xasprintf(GUEST "-%s", s->kind->machine) : xstrdup(GUEST);
	CLEAN(fd) int helper = helper_open(name, err);
	CLEAN(free) char *path = xasprintf("/proc/self/fd/%d", helper);
	int fd;

	if (helper < 0 && s->foreign)
		return err_wrap(
			err,
			"a kernel for %s wants an init for it, which is built by itself (make guest-arm64)",
			s->kind->machine);
	if (helper < 0)
		return helper;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open %s", name) : fd;
}

/* ---- the whole of it ------------------------------------------------------------------- */

static int look_at(struct source *s, struct err *err)
{
	CLEAN(fd) int fd = open(s->cached.kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct utsname here;
	char head[64];
	ssize_t n;

	if (fd < 0 || uname(&here) < 0)
		return err_sys(err, "open the kernel %s", s->cached.kernel);
	n = read(fd, head, sizeof(head));
	if (n < 0)
		return err_sys(err, "read the kernel %s", s->cached.kernel);
	s->kind = emulator_kind_of(head, (size_t)n);
	s->foreign = !str_eq(s->kind->machine, here.machine);
	return 0;
}

static int check(const struct prepare *p, const struct source *s, struct err *err)
{
	if (s->foreign && p->what != PREPARE_FOR_EMULATOR)
		return err_set(err, ENOTSUP,
			       "the kernel %s is for %s, which KVM doesn't run here; --isolation "
			       "emulated does",
			       s->cached.kernel, s->kind->machine);
	if (p->what == PREPARE_FOR_EMULATOR)
		return emulator_check(s->kind, p->nested, err);
	return p->what == PREPARE_FOR_KVM ? usable_kvm(KVM_DEVICE, p->nested, err) : 0;
}

int prepare_guest(const struct prepare *p, char **ret, struct err *err)
{
	CLEAN(free) char *found = NULL;
	CLEAN(cache) struct cache cache = CACHE_NONE;
	CLEAN(fd) int guest = -1;
	struct source s = { .cached.kernel = p->kernel };
	int rc = 0;

	if (!p->kernel) {
		rc = kernel_find("/boot", &found, err);
		s.cached.kernel = found;
	}
	if (rc == 0)
		rc = look_at(&s, err);
	if (rc == 0)
		rc = check(p, &s, err);
	if (rc == 0)
		rc = guest = open_guest(&s, err);
	if (rc >= 0)
		rc = cache_open(p->cache, &cache, err);
	if (rc == 0)
		rc = identify(p, guest, &s.cached, err);
	if (rc < 0)
		return rc;
	*ret = cache_find(&cache, s.cached.identity);
	return *ret ? 0 : make(p, &cache, &s, guest, ret, err);
}
