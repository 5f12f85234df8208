#include "microvm/modules.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "microvm/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_MAX (16U << 20)   /* bytes of modules.dep; Debian's has 0.6 MiB */
#define MODULE_MAX (64U << 20) /* bytes of a module */
#define XZ_MEMORY_MAX (128U << 20)

/* What ctr-guest and the devices that we give want. What a kernel has neither built in nor as a module, it lacks. */
static const char *const wanted[] = {
	"virtio_pci",     "virtiofs",   "vmw_vsock_virtio_transport",
	"virtio_net",     "virtio_blk", "virtio_rng",
	"virtio_balloon", "overlay",
};

/* The kernel asks for it by what it does, not by its name, when a file system wants it; a newer one has it built in. */
#define CHECKSUMS "crc32c_generic"

struct lists {
	const char *folder;
	char *dep, *builtin; /* modules.dep, modules.builtin */
	struct strv loaded;  /* paths that are in already */
	struct str load;     /* modules/load */
};

/* "kernel/fs/fuse/virtiofs.ko.xz" is "virtiofs", also where a '-' is written for a '_'. */
static bool is_module(const char *path, size_t len, const char *name)
{
	const char *base = path + len, *end;
	size_t n = strlen(name);

	while (base > path && base[-1] != '/')
		base--;
	end = memchr(base, '.', (size_t)(path + len - base));
	if (!end || (size_t)(end - base) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((base[i] == '-' ? '_' : base[i]) != name[i])
			return false;
	return true;
}

/* The line of a module in modules.dep or modules.builtin: its own path, up to `stop`, then what it needs. */
static const char *find_line(const char *text, const char *name, char stop)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), path;
		const char *end = memchr(line, stop, len);

		path = end ? (size_t)(end - line) : len;
		if (is_module(line, path, name))
			return line;
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static int unpack(const char *packed, size_t len, const char *path, struct str *ret,
		  struct err *err)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret rc = lzma_stream_decoder(&s, XZ_MEMORY_MAX, 0);
	uint8_t bytes[65536];

	s.next_in = (const uint8_t *)packed;
	s.avail_in = len;
	while (rc == LZMA_OK && ret->len <= MODULE_MAX) {
		s.next_out = bytes;
		s.avail_out = sizeof(bytes);
		rc = lzma_code(&s, LZMA_FINISH);
		str_add_bytes(ret, bytes, sizeof(bytes) - s.avail_out);
	}
	lzma_end(&s);
	return rc == LZMA_STREAM_END ? 0 :
				       err_set(err, ENOEXEC, "%s can't be unpacked by xz", path);
}

static int add_file(struct lists *l, const char *path, struct str *archive, struct err *err)
{
	CLEAN(free) char *file = xasprintf("%s/%s", l->folder, path);
	CLEAN(free) char *data = NULL;
	CLEAN(free)
	char *name = xasprintf("modules/%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	CLEAN(str) struct str plain = { 0 };
	size_t len;
	int rc = file_read(AT_FDCWD, file, MODULE_MAX, &data, &len, err);

	if (rc < 0)
		return rc;
	if (str_ends(name, ".xz")) {
		name[strlen(name) - 3] = '\0';
		rc = unpack(data, len, file, &plain, err);
	} else if (!str_ends(name, ".ko")) {
		rc = err_set(err, ENOTSUP,
			     "%s is packed in a way that ctr-vm can't unpack; xz it can", file);
	} else {
		str_add_bytes(&plain, data, len);
	}
	if (rc < 0)
		return rc;
	cpio_add(archive, name, S_IFREG | 0644, plain.text, plain.len);
	str_printf(&l->load, "%s\n", name + strlen("modules/"));
	strv_add(&l->loaded, path);
	return 0;
}

/* A line of modules.dep names all that a module needs, also by way of others; the last is to be loaded first. */
static int add_line(struct lists *l, const char *line, struct str *archive, struct err *err)
{
	CLEAN(free) char *copy = xstrndup(line, strcspn(line, "\n"));
	CLEAN(strv) struct strv paths = { 0 };
	int rc = 0;

	copy[strcspn(copy, ":")] = ' ';
	strv_split(&paths, copy, ' ');
	for (size_t i = paths.count; i-- > 0 && rc == 0;)
		if (*paths.items[i] && !strv_has(&l->loaded, paths.items[i]))
			rc = add_file(l, paths.items[i], archive, err);
	return rc;
}

static int add_one(struct lists *l, const char *name, struct str *archive, struct err *err)
{
	const char *line = find_line(l->dep, name, ':');

	if (!line && !find_line(l->builtin, name, '\n'))
		return err_set(err, ENOENT,
			       "%s has no module %s, which the guest needs, nor is it built in",
			       l->folder, name);
	return line ? add_line(l, line, archive, err) : 0;
}

static int add_all(struct lists *l, const char *more, struct str *archive, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(wanted); i++)
		rc = add_one(l, wanted[i], archive, err);
	if (rc == 0 && more && find_line(l->dep, CHECKSUMS, ':'))
		rc = add_one(l, CHECKSUMS, archive, err);
	return rc == 0 && more ? add_one(l, more, archive, err) : rc;
}

int modules_add(const char *folder, const char *more, struct str *archive, struct err *err)
{
	CLEAN(free) char *dep_path = xasprintf("%s/modules.dep", folder);
	CLEAN(free) char *builtin_path = xasprintf("%s/modules.builtin", folder);
	struct lists l = { .folder = folder };
	int rc;

	if (access(folder, F_OK) < 0)
		return 0;
	rc = file_read(AT_FDCWD, dep_path, LIST_MAX, &l.dep, NULL, err);
	if (rc == 0)
		rc = file_read(AT_FDCWD, builtin_path, LIST_MAX, &l.builtin, NULL, err);
	if (rc == 0) {
		cpio_add(archive, "modules", S_IFDIR | 0755, "", 0);
		rc = add_all(&l, more, archive, err);
	}
	if (rc == 0)
		cpio_add(archive, "modules/load", S_IFREG | 0644, l.load.text, l.load.len);
	free(l.dep);
	free(l.builtin);
	strv_free(&l.loaded);
	str_free(&l.load);
	return rc;
}
