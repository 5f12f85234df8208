/* --device, --device-cgroup-rule, and the devices of --privileged. */
#include "ctr/run_make.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DEPTH_MAX 8

struct access {
	bool read, write, mknod;
};

/* "rwm" in any order; false for anything else. */
static bool access_parse(const char *text, struct access *ret)
{
	*ret = (struct access){ strchr(text, 'r'), strchr(text, 'w'), strchr(text, 'm') };
	return *text && strspn(text, "rwm") == strlen(text) && strlen(text) <= 3;
}

static void rule_add(struct spec *spec, char type, int64_t major, int64_t minor,
		     const struct access *access)
{
	struct spec_device_rule *r = SPEC_ADD(&spec->lin.resources.devices);

	r->allow = true;
	r->type = type;
	if (major >= 0)
		r->major = (struct opt_i64){ true, major };
	if (minor >= 0)
		r->minor = (struct opt_i64){ true, minor };
	r->read = access->read;
	r->write = access->write;
	r->mknod = access->mknod;
}

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

static void device_add(struct spec *spec, const char *path, const struct stat *st)
{
	struct spec_device *d = SPEC_ADD(&spec->lin.devices);

	d->path = xstrdup(path);
	d->type = S_ISCHR(st->st_mode) ? 'c' : 'b';
	d->major = (int64_t)major(st->st_rdev);
	d->minor = (int64_t)minor(st->st_rdev);
	d->mode = (struct opt_u64){ true, st->st_mode & 07777 };
	d->uid = (struct opt_u64){ true, st->st_uid };
	d->gid = (struct opt_u64){ true, st->st_gid };
}

/* ---- folders of devices ------------------------------------------------------------ */

/* In every container's /dev already, made for it and not the host's. */
static const char *const own_nodes[] = {
	"/dev/null", "/dev/zero",    "/dev/full", "/dev/random", "/dev/urandom",
	"/dev/tty",  "/dev/console", "/dev/ptmx", "/dev/pts",    "/dev/shm",
	"/dev/fd",   "/dev/mqueue",  "/dev/core", "/dev/.udev",  "/dev/.lxc",
};

static bool is_own(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(own_nodes); i++)
		if (str_eq(path, own_nodes[i]))
			return true;
	return false;
}

/*
 * All device nodes below `from`, to appear below `to`. Symlinks are not followed. access NULL: no
 * rules. Returns how many.
 */
static int folder_add(struct spec *spec, const char *from, const char *to,
		      const struct access *access, int level)
{
	CLEAN(dir) DIR *dir = opendir(from);
	const struct dirent *e;
	int count = 0;

	while (dir && level < DEPTH_MAX && (e = readdir(dir))) {
		CLEAN(free) char *host = xasprintf("%s/%s", from, e->d_name);
		CLEAN(free) char *inside = xasprintf("%s/%s", to, e->d_name);
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || is_own(inside) ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			count += folder_add(spec, host, inside, access, level + 1);
		} else if (is_device(&st)) {
			device_add(spec, inside, &st);
			if (access)
				rule_add(spec, S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev),
					 minor(st.st_rdev), access);
			count++;
		}
	}
	return count;
}

/* ---- flags ------------------------------------------------------------------------- */

/* HOST, HOST:CONTAINER, HOST:rwm, HOST:CONTAINER:rwm. */
static int device_flag(const char *text, struct spec *spec, struct err *err)
{
	CLEAN(strv) struct strv part = { 0 };
	struct access access = { true, true, true };
	CLEAN(free) char *host = NULL, *inside = NULL;
	struct stat st;

	strv_split(&part, text, ':');
	if (part.count > 3 || *part.items[0] != '/')
		return err_set(err, EINVAL,
			       "--device %s: give HOST[:CONTAINER][:rwm], absolute paths", text);
	host = path_clean(part.items[0]);
	inside = path_clean(part.items[0]);
	if (part.count > 1 && *part.items[1] == '/') {
		free(inside);
		inside = path_clean(part.items[1]);
	} else if (part.count > 2) {
		return err_set(err, EINVAL,
			       "--device %s: the path in the container must be absolute", text);
	}
	if (part.count > 1 && (part.count > 2 || *part.items[1] != '/') &&
	    !access_parse(part.items[part.count - 1], &access))
		return err_set(err, EINVAL, "--device %s: \"%s\" is not made of r, w and m", text,
			       part.items[part.count - 1]);
	if (stat(host, &st) < 0)
		return err_sys(err, "--device %s", text);
	if (S_ISDIR(st.st_mode)) {
		if (!folder_add(spec, host, inside, &access, 0))
			return err_set(err, ENODEV, "--device %s: no device in that folder", text);
		return 0;
	}
	if (!is_device(&st))
		return err_set(err, ENODEV, "--device %s: not a device", text);
	device_add(spec, inside, &st);
	rule_add(spec, S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev), minor(st.st_rdev),
		 &access);
	return 0;
}

/* A device number, or -1 for *. */
static bool number_parse(const char *text, int64_t *ret)
{
	*ret = -1;
	return str_eq(text, "*") || str_to_i64(text, 0, UINT32_MAX, ret) == 0;
}

/* "c 10:229 rwm", "a *:* rwm". */
static int rule_flag(const char *text, struct spec *spec, struct err *err)
{
	CLEAN(strv) struct strv word = { 0 }, number = { 0 };
	int64_t major_number = -1, minor_number = -1;
	struct access access = { 0 };
	bool good;

	strv_split(&word, text, ' ');
	good = word.count == 3 && strlen(word.items[0]) == 1 && strchr("abc", *word.items[0]) &&
	       access_parse(word.items[2], &access);
	if (good)
		strv_split(&number, word.items[1], ':');
	good = good && number.count == 2 && number_parse(number.items[0], &major_number) &&
	       number_parse(number.items[1], &minor_number);
	if (!good)
		return err_set(
			err, EINVAL,
			"--device-cgroup-rule: \"%s\" is not like \"c 10:229 rwm\" (a, b or c; "
			"MAJOR:MINOR, * is any; of r, w, m)",
			text);
	rule_add(spec, *word.items[0], major_number, minor_number, &access);
	return 0;
}

int run_devices(const struct run_flags *f, struct run_made *m, struct err *err)
{
	static const struct access all = { true, true, true };
	int r = 0;

	/* Those of the host's kernel; in a micro-VM it has another one. */
	if (f->p.privileged && !run_wants_kernel(f)) {
		folder_add(&m->spec, "/dev", "/dev", NULL, 0);
		rule_add(&m->spec, 'a', -1, -1, &all);
	}
	for (size_t i = 0; i < f->device.count && r >= 0; i++)
		r = device_flag(f->device.items[i], &m->spec, err);
	for (size_t i = 0; i < f->device_cgroup_rule.count && r >= 0; i++)
		r = rule_flag(f->device_cgroup_rule.items[i], &m->spec, err);
	return r;
}
