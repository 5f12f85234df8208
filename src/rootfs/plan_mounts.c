/* What becomes of each entry of mounts. */
#include "base/path.h"
#include "rootfs/mnt.h"
#include "rootfs/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DATA_MAX 4095 /* mount(2) takes one page, with its NUL */

/*
 * Files of /proc that a container may be shown another version of (lxcfs does). All else there is
 * the kernel's word, which a volume must not forge.
 */
static const char *const proc_files[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/net/dev",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

static int plan_destination(const struct plan_input *in, const struct spec_mount *from, size_t i,
			    struct mount_plan *m, struct err *err)
{
	if (!from->destination || !*from->destination)
		return err_set(err, EINVAL, "mounts[%zu].destination: missing", i);
	m->destination = path_clean(from->destination);
	if (from->destination[0] != '/')
		strv_take(in->warnings,
			  xasprintf("mounts[%zu].destination: \"%s\" is relative; taken as %s", i,
				    from->destination, m->destination));
	m->key = xasprintf("mounts[%zu] (%s)", i, m->destination);
	if (str_eq(m->destination, "/"))
		return err_set(
			err, EINVAL,
			"mounts[%zu].destination: / is the root itself; root.path says what that is",
			i);
	return 0;
}

static bool is_proc(const char *path)
{
	struct statfs fs;

	return path && statfs(path, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int check_below_proc(const struct mount_plan *m, size_t i, struct err *err)
{
	if (str_eq(m->destination, "/proc")) {
		if (m->kind == MOUNT_REMOUNT || (m->kind == MOUNT_NEW && str_eq(m->type, "proc")) ||
		    (m->kind == MOUNT_BIND && is_proc(m->source)))
			return 0;
		return err_set(
			err, EINVAL,
			"mounts[%zu].destination: only a proc filesystem may be mounted on /proc: "
			"anything else could forge what the kernel says",
			i);
	}
	if (!str_starts(m->destination, "/proc/") || m->kind == MOUNT_REMOUNT)
		return 0;
	for (size_t j = 0; m->kind == MOUNT_BIND && j < ARRAY_LEN(proc_files); j++)
		if (str_eq(m->destination, proc_files[j]))
			return 0;
	return err_set(
		err, EINVAL,
		"mounts[%zu].destination: %s: below /proc only a few files may be covered (cpuinfo, "
		"meminfo, stat, uptime ...): anything else could forge what the kernel says",
		i, m->destination);
}

static int plan_idmap(const struct plan_input *in, const struct spec_mount *from, size_t i,
		      struct rootfs_plan *plan, struct mount_plan *m, struct err *err)
{
	bool has_maps = from->uid_maps.count || from->gid_maps.count;

	(void)in;
	if (has_maps && m->opt.idmap == IDMAP_NONE)
		m->opt.idmap = IDMAP_TOP; /* maps alone mean the same, as runc has it */
	if (m->opt.idmap == IDMAP_NONE)
		return 0;
	if (m->kind != MOUNT_BIND)
		return err_set(err, EINVAL, "mounts[%zu].options: idmap is for bind mounts only",
			       i);
	if (!from->uid_maps.count != !from->gid_maps.count)
		return err_set(err, EINVAL, "mounts[%zu].%s: missing; idmap needs maps of both", i,
			       from->uid_maps.count ? "gidMappings" : "uidMappings");
	if (!has_maps && !plan->userns_path && !(plan->uid_maps.count && plan->gid_maps.count))
		return err_set(
			err, EINVAL,
			"mounts[%zu].options: idmap needs uidMappings and gidMappings, as there is no "
			"user namespace whose maps could be taken",
			i);
	plan_copy_maps(&m->uid_maps, &from->uid_maps);
	plan_copy_maps(&m->gid_maps, &from->gid_maps);
	return 0;
}

static int plan_symlink(struct mount_plan *m, size_t i, struct err *err)
{
	char text[PATH_MAX];
	ssize_t len = readlink(m->source, text, sizeof(text) - 1);

	if (len < 0)
		return err_sys(err, "mounts[%zu].source: read the symlink %s", i, m->source);
	free(m->source);
	m->source = xstrndup(text, (size_t)len);
	m->kind = MOUNT_SYMLINK;
	return 0;
}

/* The length of "/proc/PID/root" in front of a path; 0: it is another kind of path. */
static size_t of_process(const char *source, pid_t *ret)
{
	static const char head[] = "/proc/", tail[] = "/root";
	CLEAN(free) char *number = NULL;
	uint64_t pid = 0;
	size_t digits;

	if (!str_starts(source, head))
		return 0;
	digits = strspn(source + strlen(head), "0123456789");
	number = xstrndup(source + strlen(head), digits);
	source += strlen(head) + digits;
	if (str_to_u64(number, 1, INT_MAX, &pid) < 0 || !str_starts(source, tail) ||
	    (source[strlen(tail)] && source[strlen(tail)] != '/'))
		return 0;
	*ret = (pid_t)pid;
	return strlen(head) + digits + strlen(tail);
}

/*
 * /proc/PID/root/PATH: a path in the root of that process. A path of ours would not lead there: the
 * symlink's text is "/".
 */
static int plan_of_process(const char *source, size_t i, struct mount_plan *m, struct stat *ret,
			   struct err *err)
{
	CLEAN(free) char *top = NULL;
	CLEAN(fd) int root = -1;
	CLEAN(fd) int at = -1;
	size_t len = of_process(source, &m->source_pid);

	if (!len)
		return 0;
	top = xstrndup(source, len);
	root = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "mounts[%zu].source: %s", i, top);
	m->source = xstrdup(source[len] ? source + len : "/");
	at = path_open_in_root(root, m->source, O_PATH, 0, err);
	if (at < 0)
		return err_wrap(err, "mounts[%zu].source: in %s: ", i, top);
	return fstat(at, ret) < 0 ? err_sys(err, "mounts[%zu].source: %s", i, source) : 1;
}

static int plan_bind(const struct plan_input *in, const struct spec_mount *from, size_t i,
		     struct mount_plan *m, struct err *err)
{
	bool nofollow = m->opt.copy_symlink || m->opt.src_nofollow;
	struct stat st;
	int rc;

	m->kind = MOUNT_BIND;
	m->opt.bind = true;
	m->opt.bind_rec = m->opt.bind_rec || str_eq(from->type, "rbind");
	if (!from->source || !*from->source)
		return err_set(err, EINVAL, "mounts[%zu].source: missing; a bind mount needs one",
			       i);
	rc = plan_of_process(from->source, i, m, &st, err);
	if (rc < 0)
		return rc;
	m->is_dir = rc > 0 && S_ISDIR(st.st_mode);
	if (rc > 0)
		return 0;
	rc = plan_host_path(in, from->source, &m->source, err);
	if (rc < 0)
		return err_wrap(err, "mounts[%zu].source: ", i);
	if ((nofollow ? lstat(m->source, &st) : stat(m->source, &st)) < 0)
		return err_sys(err, "mounts[%zu].source: %s", i, m->source);
	if (m->opt.copy_symlink && S_ISLNK(st.st_mode))
		return plan_symlink(m, i, err);
	m->is_dir = S_ISDIR(st.st_mode);
	if (m->opt.super_set)
		strv_take(
			in->warnings,
			xasprintf(
				"mounts[%zu].options: sync, dirsync, lazytime and the like belong to a "
				"filesystem, not to a bind mount of it; ignored",
				i));
	if (m->opt.data)
		strv_take(
			in->warnings,
			xasprintf(
				"mounts[%zu].options: \"%s\" means nothing to a bind mount; ignored",
				i, m->opt.data));
	return 0;
}

/*
 * Filesystems that show a namespace need that namespace to be the container's own: the cgroup and,
 * in a user namespace, the pid or network one. Where it is the host's, the host's mount is bound.
 */
static int plan_host_view(const struct plan_input *in, size_t i, const struct rootfs_plan *plan,
			  struct mount_plan *m, struct err *err)
{
	const struct rootfs_choices *c = in->choices;
	const char *source = NULL;

	if (str_eq(m->type, "cgroup2") && !plan_ns_wanted(in, NS_CGROUP)) {
		if (!c->cgroup_mount)
			return err_set(
				err, ENODEV,
				"mounts[%zu].type: cgroup: no cgroup2 is mounted on this host, and the "
				"container has no cgroup namespace of its own to mount one in",
				i);
		/* All of the host's groups would be no namespace's: show a guest in one its own only. */
		m->source = xasprintf("%s%s", c->cgroup_mount,
				      plan->userns && c->cgroup_own ? c->cgroup_own : "");
		m->opt.bind = true;
	} else if (plan->userns && str_eq(m->type, "sysfs") && !plan_ns_wanted(in, NS_NETWORK)) {
		source = "/sys";
	} else if (plan->userns && str_eq(m->type, "proc") && !plan_ns_wanted(in, NS_PID)) {
		source = "/proc";
	} else {
		return 0;
	}
	if (source) {
		m->source = xstrdup(source);
		m->opt.bind = m->opt.bind_rec = true;
	}
	m->kind = MOUNT_BIND;
	return 0;
}

/* A gid= that the user namespace doesn't map makes devpts refuse the whole mount. */
static void drop_unmapped_gid(const struct rootfs_plan *plan, struct mount_plan *m)
{
	CLEAN(strv) struct strv words = { 0 };
	struct str kept = { 0 };

	if (!m->opt.data || !plan->gid_maps.count)
		return;
	strv_split(&words, m->opt.data, ',');
	for (size_t i = 0; i < words.count; i++) {
		bool mapped = true;
		uint64_t gid;

		if (str_starts(words.items[i], "gid=") &&
		    str_to_u64(words.items[i] + strlen("gid="), 0, UINT32_MAX, &gid) == 0) {
			mapped = false;
			for (size_t j = 0; j < plan->gid_maps.count; j++)
				mapped = mapped || gid - plan->gid_maps.items[j].container_id <
							   plan->gid_maps.items[j].size;
		}
		if (mapped)
			str_printf(&kept, kept.len ? ",%s" : "%s", words.items[i]);
	}
	free(m->opt.data);
	m->opt.data = kept.text;
}

/* An SELinux label is a mount option of filesystems that have none of their own. */
static void add_label(const struct plan_input *in, struct mount_plan *m)
{
	static const char *const labelled[] = { "tmpfs", "devpts", "mqueue" };
	const char *label = in->spec->lin.mount_label;

	if (!label || !*label || (m->opt.data && strstr(m->opt.data, "context=")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(labelled); i++) {
		char *data;

		if (!str_eq(m->type, labelled[i]))
			continue;
		data = xasprintf("%s%scontext=\"%s\"", m->opt.data ? m->opt.data : "",
				 m->opt.data ? "," : "", label);
		free(m->opt.data);
		m->opt.data = data;
	}
}

static int plan_new(const struct plan_input *in, const struct spec_mount *from, size_t i,
		    const struct rootfs_plan *plan, struct mount_plan *m, bool selinux,
		    struct err *err)
{
	const char *type = from->type;
	int rc;

	if (!type || !*type || str_eq(type, "none"))
		return err_set(
			err, EINVAL,
			"mounts[%zu].type: missing; without one the options must say bind, rbind or "
			"remount",
			i);
	m->kind = MOUNT_NEW;
	m->is_dir = true;
	m->no_symlinks = str_eq(type, "proc") || str_eq(type, "sysfs");
	/* v1 isn't spoken here, and what v1 options say has no meaning for cgroup2. */
	m->type = xstrdup(str_eq(type, "cgroup") ? "cgroup2" : type);
	if (str_eq(m->type, "cgroup2")) {
		free(m->opt.data);
		m->opt.data = NULL;
	}
	rc = plan_host_view(in, i, plan, m, err);
	if (rc < 0 || m->kind == MOUNT_BIND)
		return rc;
	m->source = xstrdup(from->source && *from->source ? from->source : m->type);
	if (plan->userns && str_eq(type, "devpts"))
		drop_unmapped_gid(plan, m);
	if (selinux)
		add_label(in, m);
	m->late_readonly = (mount_options_flags(&m->opt) & MS_RDONLY) &&
			   (str_eq(type, "tmpfs") || str_eq(m->destination, "/dev"));
	if (m->opt.data && strlen(m->opt.data) > DATA_MAX)
		return err_set(err, E2BIG,
			       "mounts[%zu].options: longer than the kernel takes (%d bytes)", i,
			       DATA_MAX);
	return 0;
}

static int check_combination(size_t i, const struct mount_plan *m, struct err *err)
{
	if (m->opt.tmpcopyup && (m->kind != MOUNT_NEW || !str_eq(m->type, "tmpfs")))
		return err_set(err, EINVAL, "mounts[%zu].options: tmpcopyup is for tmpfs only", i);
	if (m->kind == MOUNT_NEW && (m->opt.copy_symlink || m->opt.src_nofollow))
		return err_set(
			err, EINVAL,
			"mounts[%zu].options: copy-symlink and src-nofollow are for bind mounts only",
			i);
	if (m->opt.remount && m->opt.idmap != IDMAP_NONE)
		return err_set(err, EINVAL,
			       "mounts[%zu].options: an id map can't be changed by remount", i);
	return 0;
}

static int plan_mount(const struct plan_input *in, size_t i, struct rootfs_plan *plan,
		      struct mount_plan *m, bool selinux, struct err *err)
{
	const struct spec_mount *from = &in->spec->mounts.items[i];
	int rc = plan_destination(in, from, i, m, err);

	if (rc < 0)
		return rc;
	rc = mount_options_parse(&from->options, &m->opt, err);
	if (rc < 0)
		return err_wrap(err, "mounts[%zu].options: ", i);
	if (m->opt.remount) {
		m->kind = MOUNT_REMOUNT;
		m->is_dir = true;
	} else if (m->opt.bind || str_eq(from->type, "bind") || str_eq(from->type, "rbind")) {
		rc = plan_bind(in, from, i, m, err);
	} else {
		rc = plan_new(in, from, i, plan, m, selinux, err);
	}
	if (rc == 0)
		rc = check_combination(i, m, err);
	if (rc == 0)
		rc = plan_idmap(in, from, i, plan, m, err);
	return rc < 0 ? rc : check_below_proc(m, i, err);
}

int plan_mounts(const struct plan_input *in, struct rootfs_plan *plan, struct err *err)
{
	const char *label = in->spec->lin.mount_label;
	bool selinux = label && *label && access("/sys/fs/selinux/enforce", F_OK) == 0;

	if (label && *label && !selinux)
		strv_add(in->warnings, "linux.mountLabel: SELinux is not on here; ignored");
	for (size_t i = 0; i < in->spec->mounts.count; i++) {
		struct mount_plan *m = SPEC_ADD(&plan->mounts);
		int rc;

		m->tree = m->fd = -1;
		rc = plan_mount(in, i, plan, m, selinux, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
