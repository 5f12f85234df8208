/*
 * Compiled filters on disk, by content. A file's name is a hash of its key; the key itself, which has
 * all that the program depends on, is in the file and is compared, so a collision is a miss.
 * A file that is not ours, or short, long or damaged is a miss too, and replaced. Nothing here can fail a
 * container: without the cache it only starts a little later.
 */
#include "base/hash.h"
#include "sandbox/profile.h"
#include "sandbox/seccomp_rules.h"

#include "base/fd.h"
#include "base/file.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* To be raised whenever the same rules would give another program. */
#define GENERATOR 2

#define FILES_MAX 64
#define STALE_S 60
#define MAGIC "ctrbpf1"
#define SUFFIX ".bpf"

struct header {
	char magic[8];
	uint64_t checksum; /* of all that follows this field */
	uint32_t key_len, insn_count;
	uint32_t flags, wants_listener;
	/* the instructions, then the key */
};

#define CHECKED_FROM (offsetof(struct header, checksum) + sizeof(uint64_t))

/* Numbers have a fixed width and texts and lists begin with their length: no two specs have one key. */
static void key_number(struct str *key, uint64_t n)
{
	str_add_bytes(key, &n, sizeof(n));
}

static void key_text(struct str *key, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	key_number(key, text ? len : UINT64_MAX);
	str_add_bytes(key, text ? text : "", len);
}

static void key_strv(struct str *key, const struct strv *v)
{
	key_number(key, v->count);
	for (size_t i = 0; i < v->count; i++)
		key_text(key, v->items[i]);
}

static void key_action(struct str *key, const char *action, const struct opt_u64 *errno_ret)
{
	key_text(key, action);
	key_number(key, errno_ret->set ? errno_ret->value : UINT64_MAX);
}

/* A newer libseccomp knows more names. */
static void key_start(struct str *key, const char *kind)
{
	const struct scmp_version *v = seccomp_version();

	key_text(key, kind);
	key_number(key, GENERATOR);
	key_number(key, (uint64_t)v->major << 32 | v->minor << 16 | v->micro);
	key_number(key, seccomp_arch_of_this_machine()->token);
}

static void key_of_spec(struct str *key, const struct spec_seccomp *spec)
{
	key_start(key, "ctr seccomp spec");
	key_action(key, spec->default_action, &spec->default_errno_ret);
	key_strv(key, &spec->architectures);
	key_strv(key, &spec->flags);
	key_number(key, spec->rules.count);
	for (size_t i = 0; i < spec->rules.count; i++) {
		const struct spec_seccomp_rule *r = &spec->rules.items[i];

		key_action(key, r->action, &r->errno_ret);
		key_strv(key, &r->names);
		key_number(key, r->args.count);
		for (size_t j = 0; j < r->args.count; j++) {
			const struct spec_seccomp_arg *arg = &r->args.items[j];

			key_number(key, arg->index);
			key_number(key, arg->value);
			key_number(key, arg->value_two);
			key_text(key, arg->op);
		}
	}
}

static void key_of_default(struct str *key, uint64_t caps, const struct strv *allow)
{
	key_start(key, "ctr seccomp default");
	key_number(key, profile_default_len());
	key_number(key, profile_default_id());
	key_number(key, caps);
	/* In the table's order: neither order nor repetition makes another filter. */
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		if (allow && strv_has(allow, g->name))
			key_text(key, g->name);
}

static char *file_name(const struct str *key)
{
	return xasprintf("%016" PRIx64 "%016" PRIx64 SUFFIX, hash_bytes(key->text, key->len, 0),
			 hash_bytes(key->text, key->len, 0x5bd1e9955bd1e995));
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool trustworthy(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
	       (st->st_mode & 022) == 0 && st->st_nlink == 1;
}

static bool consistent(const char *data, size_t len, const struct str *key)
{
	struct header h;

	if (len < sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	return memcmp(h.magic, MAGIC, sizeof(h.magic)) == 0 && h.insn_count > 0 &&
	       h.insn_count <= BPF_MAXINSNS && h.key_len == key->len &&
	       len == sizeof(h) + h.insn_count * sizeof(struct sock_filter) + h.key_len &&
	       memcmp(data + len - h.key_len, key->text, h.key_len) == 0 &&
	       h.checksum == hash_bytes(data + CHECKED_FROM, len - CHECKED_FROM, 0);
}

/* True: *ret is the filter for this key. */
static bool cache_read(int dir, const char *name, const struct str *key, struct seccomp_filter *ret)
{
	CLEAN(fd) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	CLEAN(free) char *data = NULL;
	struct header h;
	struct stat st;
	size_t room = sizeof(h) + BPF_MAXINSNS * sizeof(struct sock_filter) + key->len;

	if (fd < 0 || !trustworthy(fd, &st) || st.st_size < 0 || (size_t)st.st_size > room)
		return false;
	data = xcalloc(1, (size_t)st.st_size);
	if (fd_read_all(fd, data, (size_t)st.st_size) != st.st_size ||
	    !consistent(data, (size_t)st.st_size, key))
		return false;
	memcpy(&h, data, sizeof(h));
	*ret = (struct seccomp_filter){
		.insns = xcalloc(h.insn_count, sizeof(struct sock_filter)),
		.count = h.insn_count,
		.flags = h.flags,
		.wants_listener = h.wants_listener,
	};
	memcpy(ret->insns, data + sizeof(h), h.insn_count * sizeof(struct sock_filter));
	return true;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool is_ours(const char *name)
{
	return strlen(name) == 32 + strlen(SUFFIX) && str_ends(name, SUFFIX) &&
	       strspn(name, "0123456789abcdef") == 32;
}

/* Make room for one more: what was written longest ago goes. And what a program of ours that was killed
 * left half-written. */
static void cache_thin(int dir)
{
	CLEAN(dir) DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CLEAN(free) char *oldest = NULL;
	struct timespec oldest_time = { 0 };
	const struct dirent *entry;
	size_t count = 0;

	while (d && (entry = readdir(d))) {
		struct stat st;

		if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (str_starts(entry->d_name, ".tmp-") && st.st_mtim.tv_sec + STALE_S < time(NULL))
			unlinkat(dir, entry->d_name, 0);
		if (!is_ours(entry->d_name))
			continue;
		count++;
		if (oldest && (st.st_mtim.tv_sec > oldest_time.tv_sec ||
			       (st.st_mtim.tv_sec == oldest_time.tv_sec &&
				st.st_mtim.tv_nsec >= oldest_time.tv_nsec)))
			continue;
		free(oldest);
		oldest = xstrdup(entry->d_name);
		oldest_time = st.st_mtim;
	}
	if (count >= FILES_MAX && oldest)
		unlinkat(dir, oldest, 0);
}

static int cache_write(int dir, const char *name, const struct str *key,
		       const struct seccomp_filter *f, struct err *err)
{
	CLEAN(str) struct str data = { 0 };
	struct header h = {
		.magic = MAGIC,
		.key_len = (uint32_t)key->len,
		.insn_count = (uint32_t)f->count,
		.flags = f->flags,
		.wants_listener = f->wants_listener,
	};

	str_add_bytes(&data, &h, sizeof(h));
	str_add_bytes(&data, f->insns, f->count * sizeof(*f->insns));
	str_add_bytes(&data, key->text, key->len);
	h.checksum = hash_bytes(data.text + CHECKED_FROM, data.len - CHECKED_FROM, 0);
	memcpy(data.text, &h, sizeof(h));
	cache_thin(dir);
	return file_write_atomic(dir, name, 0600, data.text, data.len, err);
}

/* The folder's fd, made if missing; it must be ours alone to write to. */
static int cache_open(const char *path, struct err *err)
{
	CLEAN(fd) int fd = -1;
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make %s", path);
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open %s", path);
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return err_set(err, EPERM, "%s: others may write to it", path);
	return take_fd(&fd);
}

static void cache_keep(const char *cache_dir, const char *name, const struct str *key,
		       const struct seccomp_filter *f, struct strv *warnings)
{
	struct err err;
	CLEAN(fd) int dir = cache_open(cache_dir, &err);

	if (dir >= 0 && cache_write(dir, name, key, f, &err) == 0)
		return;
	if (warnings)
		strv_printf(warnings, "seccomp: compiled filters are not kept: %s", err.text);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* A hit: one open by path. Whoever could put another file of our own there could as well write to
 * ours. */
static bool cache_find(const char *cache_dir, const char *name, const struct str *key,
		       struct seccomp_filter *ret)
{
	CLEAN(free) char *path = xasprintf("%s/%s", cache_dir, name);

	return cache_read(AT_FDCWD, path, key, ret);
}

int seccomp_filter_get(const char *cache_dir, const struct spec_seccomp *spec,
		       struct seccomp_filter *ret, struct strv *warnings, struct err *err)
{
	CLEAN(str) struct str key = { 0 };
	CLEAN(free) char *name = NULL;
	size_t said = warnings ? warnings->count : 0;
	int rc;

	*ret = (struct seccomp_filter){ 0 };
	if (!spec->set || !cache_dir)
		return seccomp_compile(spec, ret, warnings, err);
	key_of_spec(&key, spec);
	name = file_name(&key);
	if (cache_find(cache_dir, name, &key, ret))
		return 0;
	rc = seccomp_compile(spec, ret, warnings, err);
	/* What has something to say about it is compiled again next time, and says it again. */
	if (rc == 0 && (!warnings || warnings->count == said))
		cache_keep(cache_dir, name, &key, ret, warnings);
	return rc;
}

int seccomp_filter_get_default(const char *cache_dir, uint64_t caps, const struct strv *allow,
			       struct seccomp_filter *ret, struct strv *warnings, struct err *err)
{
	CLEAN(spec_seccomp) struct spec_seccomp spec = { 0 };
	CLEAN(str) struct str key = { 0 };
	CLEAN(free) char *name = NULL;
	int rc = allow ? seccomp_profile_allow_check(allow, err) : 0;

	*ret = (struct seccomp_filter){ 0 };
	if (rc < 0)
		return err_wrap(err, "annotations." SPEC_ANNOTATION_ALLOW ": ");
	key_of_default(&key, caps, allow);
	name = file_name(&key);
	if (cache_dir && cache_find(cache_dir, name, &key, ret))
		return 0;
	rc = seccomp_profile_default(caps, allow, &spec, err);
	if (rc == 0)
		rc = seccomp_compile(&spec, ret, warnings, err);
	if (rc == 0 && cache_dir)
		cache_keep(cache_dir, name, &key, ret, warnings);
	return rc;
}
