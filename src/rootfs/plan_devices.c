/* Which nodes /dev gets. */
#include "base/path.h"
#include "rootfs/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the standard promises to every container. */
static const struct {
	const char *path;
	unsigned int major, minor;
} defaults[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

#define MAJOR_MAX ((1 << 12) - 1) /* as the kernel's MKDEV */
#define MINOR_MAX ((1 << 20) - 1)

static const struct {
	char letter;
	mode_t type;
} types[] = { { 'c', S_IFCHR }, { 'u', S_IFCHR }, { 'b', S_IFBLK }, { 'p', S_IFIFO } };

static int numbers_check(const struct spec_device *from, struct err *err)
{
	if (from->type == 'p')
		return 0;
	if (from->major < 0 || from->major > MAJOR_MAX)
		return err_set(err, ERANGE, "major %lld is not in 0..%d", (long long)from->major,
			       MAJOR_MAX);
	if (from->minor < 0 || from->minor > MINOR_MAX)
		return err_set(err, ERANGE, "minor %lld is not in 0..%d", (long long)from->minor,
			       MINOR_MAX);
	if (from->mode.set && from->mode.value > 07777)
		return err_set(err, ERANGE, "fileMode %llo is no mode of a file",
			       (unsigned long long)from->mode.value);
	if ((from->uid.set && from->uid.value >= UINT32_MAX) ||
	    (from->gid.set && from->gid.value >= UINT32_MAX))
		return err_set(err, ERANGE, "uid and gid must be below 4294967295");
	return 0;
}

/* In a user namespace nobody can make a node that works: the host's own is bound. */
static int host_node_check(const struct device_plan *d, struct err *err)
{
	struct stat st;

	if (stat(d->path, &st) < 0)
		return err_sys(err, "in a user namespace a device is bound from the host: %s",
			       d->path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != d->rdev)
		return err_set(
			err, ENODEV,
			"in a user namespace a device is bound from the host, and the host's %s is "
			"not %u:%u",
			d->path, major(d->rdev), minor(d->rdev));
	return 0;
}

static int device_from_spec(const struct spec_device *from, bool userns, struct device_plan *ret,
			    struct err *err)
{
	mode_t type = 0;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].letter == from->type)
			type = types[i].type;
	if (!type)
		return err_set(err, EINVAL, "type must be \"c\", \"b\", \"u\" or \"p\"");
	if (!from->path || from->path[0] != '/')
		return err_set(err, EINVAL, "path must be absolute");
	rc = numbers_check(from, err);
	if (rc < 0)
		return rc;
	ret->path = path_clean(from->path);
	if (str_eq(ret->path, "/"))
		return err_set(err, EINVAL, "path must name a file");
	ret->mode = type | (from->mode.set ? (mode_t)from->mode.value : 0666);
	ret->rdev = from->type == 'p' ?
			    0 :
			    makedev((unsigned int)from->major, (unsigned int)from->minor);
	ret->uid = (uid_t)from->uid.value;
	ret->gid = (gid_t)from->gid.value;
	return userns && type != S_IFIFO ? host_node_check(ret, err) : 0;
}

static bool has_device(const struct rootfs_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->devices.count; i++)
		if (str_eq(plan->devices.items[i].path, path))
			return true;
	return false;
}

int plan_devices(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const struct spec_linux *lin = &in->spec->lin;

	/* A /dev that is bound in comes with its nodes, and they aren't ours to change. */
	plan->make_dev = true;
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (plan->mounts.items[i].kind == MOUNT_BIND &&
		    str_eq(plan->mounts.items[i].destination, "/dev"))
			plan->make_dev = false;
	for (size_t i = 0; i < lin->devices.count; i++) {
		const struct spec_device *from = &lin->devices.items[i];
		struct device_plan *d = SPEC_ADD(&plan->devices);
		int rc;

		d->key = xasprintf("linux.devices[%zu] (%s)", i,
				   from->path ? from->path : "no path");
		rc = device_from_spec(from, plan->userns, d, err);
		if (rc < 0)
			return err_wrap(err, "%s: ", d->key);
	}
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		struct device_plan *d;

		if (has_device(plan, defaults[i].path))
			continue;
		d = SPEC_ADD(&plan->devices);
		d->key = xasprintf("the default device %s", defaults[i].path);
		d->path = xstrdup(defaults[i].path);
		d->mode = S_IFCHR | 0666;
		d->rdev = makedev(defaults[i].major, defaults[i].minor);
	}
	return 0;
}
