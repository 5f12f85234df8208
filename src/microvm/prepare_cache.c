#include "microvm/prepare_cache.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define NOTE ".note"
#define NOTE_MAX 8192
#define TEMPORARY ".tmp-"
#define ALIKE_MAX 8 /* folders with one hash */

/* In seconds: how old a use may be before it is written down again; what isn't used any more; what is being made. */
#define USED_AGAIN_S 86400
#define UNUSED_S (30L * 86400)
#define NEW_S 3600

uint64_t cache_identity(uint64_t before, const struct stat *st)
{
	const uint64_t parts[] = { st->st_dev, st->st_ino, (uint64_t)st->st_size,
				   (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec };

	return hash_bytes(parts, sizeof(parts), before);
}

/* ---- the folder of all ------------------------------------------------------------------ */

int cache_open(const char *path, struct cache *ret, struct err *err)
{
	CLEAN(cache) struct cache c = { .path = path, .dir = -1 };
	int rc = file_mkdir_p(path, 0755, err);

	if (rc < 0)
		return rc;
	c.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.dir < 0 || flock(c.dir, LOCK_SH) < 0)
		return err_sys(err, "open the cache %s", path);
	*ret = c;
	c.dir = -1;
	return 0;
}

void cache_close(struct cache *c)
{
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

/* ---- notes -------------------------------------------------------------------------------- */

/* "FOLDER KERNEL'S-IDENTITY KERNEL", the last one a path. */
struct note {
	char *text; /* the others are in it */
	const char *folder, *kernel;
	uint64_t kernel_identity;
	time_t used;
};

static void note_free(struct note *n)
{
	free(n->text);
}
CLEAN_DEFINE(note, struct note, note_free)

static bool note_read(const struct cache *c, const char *name, struct note *ret)
{
	CLEAN(fd) int fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct err ignored;
	struct stat st;
	char *at;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    file_read_fd(fd, name, NOTE_MAX, &ret->text, NULL, &ignored) < 0)
		return false;
	ret->used = st.st_mtim.tv_sec;
	ret->text[strcspn(ret->text, "\n")] = '\0';
	ret->folder = ret->text;
	at = strchr(ret->text, ' ');
	if (!at || strchr(ret->text, '/') < at || *ret->folder == '.')
		return false;
	*at++ = '\0';
	ret->kernel_identity = strtoull(at, &at, 16);
	ret->kernel = *at == ' ' ? at + 1 : "";
	return *ret->folder && *ret->kernel;
}

static int note_write(const struct cache *c, const struct cache_source *source, const char *folder,
		      struct err *err)
{
	CLEAN(free) char *name = xasprintf("%016llx" NOTE, (unsigned long long)source->identity);
	CLEAN(free) char *kernel = realpath(source->kernel, NULL);
	CLEAN(free)
	char *text = xasprintf("%s %016llx %s\n", folder,
			       (unsigned long long)source->kernel_identity,
			       kernel ? kernel : source->kernel);

	return file_write_atomic(c->dir, name, 0644, text, strlen(text), err);
}

/* ---- what isn't wanted any more -------------------------------------------------------------- */

static bool is_older(const struct cache *c, const char *name, time_t seconds)
{
	struct stat st;

	return fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       time(NULL) - st.st_mtim.tv_sec > seconds;
}

static bool is_wanted(const struct note *n)
{
	struct stat st;

	if (time(NULL) - n->used > UNUSED_S)
		return false;
	return stat(n->kernel, &st) == 0 && cache_identity(0, &st) == n->kernel_identity;
}

/* Sixteen digits, and `behind` them, or a dot and a digit: where somebody has other things, too, they stay. */
static bool is_ours(const char *name, const char *behind)
{
	return strspn(name, "0123456789abcdef") == 16 &&
	       (behind ? str_eq(name + 16, behind) :
			 !name[16] || (name[16] == '.' && strspn(name + 17, "01234567") == 1 &&
				       !name[18]));
}

static void list(const struct cache *c, struct strv *ret)
{
	CLEAN(dir) DIR *dir = opendir(c->path);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (is_ours(e->d_name, NOTE) || is_ours(e->d_name, NULL) ||
		    str_starts(e->d_name, TEMPORARY))
			strv_add(ret, e->d_name);
}

static void drop(const struct cache *c, const char *name)
{
	struct err ignored;

	if (unlinkat(c->dir, name, 0) < 0 && errno == EISDIR)
		(void)!file_remove_tree(c->dir, name, &ignored);
}

/*
 * Notes first, then the folders that no note is for, but those that somebody is just making. Nobody looks a folder up
 * meanwhile; who has done so before has used its note now.
 */
static void prune_locked(const struct cache *c)
{
	CLEAN(strv) struct strv all = { 0 };
	CLEAN(strv) struct strv wanted = { 0 };

	list(c, &all);
	for (size_t i = 0; i < all.count; i++) {
		CLEAN(note) struct note n = { 0 };

		if (!is_ours(all.items[i], NOTE))
			continue;
		if (note_read(c, all.items[i], &n) && is_wanted(&n))
			strv_add(&wanted, n.folder);
		else
			drop(c, all.items[i]);
	}
	for (size_t i = 0; i < all.count; i++)
		if (!is_ours(all.items[i], NOTE) && !strv_has(&wanted, all.items[i]) &&
		    is_older(c, all.items[i], NEW_S))
			drop(c, all.items[i]);
}

static void prune(const struct cache *c)
{
	if (flock(c->dir, LOCK_EX | LOCK_NB) == 0)
		prune_locked(c);
	/* It's gone, too, where the other one wasn't to be had. */
	(void)flock(c->dir, LOCK_SH);
}

/* ---- what is there ----------------------------------------------------------------------------- */

/* Not each time: who only looks should not have to write. */
static void use(const struct cache *c, const char *note, const char *folder)
{
	if (!is_older(c, note, USED_AGAIN_S))
		return;
	(void)utimensat(c->dir, folder, NULL, AT_SYMLINK_NOFOLLOW);
	(void)utimensat(c->dir, note, NULL, AT_SYMLINK_NOFOLLOW);
	prune(c);
}

char *cache_find(const struct cache *c, uint64_t identity)
{
	CLEAN(free) char *name = xasprintf("%016llx" NOTE, (unsigned long long)identity);
	CLEAN(note) struct note n = { 0 };

	if (!note_read(c, name, &n) || faccessat(c->dir, n.folder, F_OK, 0) < 0)
		return NULL;
	use(c, name, n.folder);
	return xasprintf("%s/%s", c->path, n.folder);
}

static bool has(int dir, const struct cache_file *f)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	struct stat st;
	size_t len;

	return fstatat(dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == f->len &&
	       file_read(dir, f->name, f->len + 1, &text, &len, &ignored) == 0 && len == f->len &&
	       memcmp(text, f->data, len) == 0;
}

static bool has_all(int dir, const struct cache_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!has(dir, &files[i]))
			return false;
	return true;
}

/* Beside its place, then renamed: whoever finds it finds all of it. */
static int make(const struct cache *c, const char *name, const struct cache_file *files,
		size_t count, struct err *err)
{
	CLEAN(free) char *beside = xasprintf("%s/" TEMPORARY "XXXXXX", c->path);
	CLEAN(fd) int dir = -1;
	struct err ignored;
	int rc = 0;

	if (!mkdtemp(beside) || chmod(beside, 0755) < 0)
		return err_sys(err, "make a folder in the cache %s", c->path);
	dir = open(beside, O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		rc = err_sys(err, "open %s", beside);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = file_write_atomic(dir, files[i].name, 0644, files[i].data, files[i].len, err);
	if (rc == 0 && renameat(AT_FDCWD, beside, c->dir, name) < 0)
		rc = err_sys(err, "put %s into its place", beside);
	if (rc < 0)
		(void)!file_remove_tree(AT_FDCWD, beside, &ignored);
	return rc;
}

/* 1: there is such a folder now; 0: the name is taken by other files. */
static int try_name(const struct cache *c, const char *name, const struct cache_file *files,
		    size_t count, struct err *err)
{
	CLEAN(fd) int dir = openat(c->dir, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (dir >= 0)
		return has_all(dir, files, count);
	if (errno != ENOENT)
		return 0;
	rc = make(c, name, files, count, err);
	if (rc == 0)
		return 1;
	/* Somebody else has been quicker. */
	if (rc != -EEXIST && rc != -ENOTEMPTY)
		return rc;
	dir = openat(c->dir, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir >= 0 && has_all(dir, files, count);
}

int cache_keep(const struct cache *c, const struct cache_source *source, uint64_t hash,
	       const struct cache_file *files, size_t count, char **ret, struct err *err)
{
	for (unsigned int i = 0; i < ALIKE_MAX; i++) {
		CLEAN(free) char *name = xasprintf("%016llx.%u", (unsigned long long)hash, i);
		int rc = try_name(c, name, files, count, err);

		if (rc > 0)
			rc = note_write(c, source, name, err);
		else if (rc == 0)
			continue;
		if (rc < 0)
			return rc;
		(void)utimensat(c->dir, name, NULL, AT_SYMLINK_NOFOLLOW);
		prune(c);
		*ret = xasprintf("%s/%s", c->path, name);
		return 0;
	}
	return err_set(err, EEXIST,
		       "the cache %s has %d folders of other files by the name that this kernel's "
		       "would have (%016llx): remove them",
		       c->path, ALIKE_MAX, (unsigned long long)hash);
}
