/*
 * The source "host": the machine's own programs with nothing else of the machine. What is not in
 * these tables is not in the container.
 *
 * Left out on purpose, as they may hold secrets or tell of people: shadow files, subuid, ssh,
 * ssl/private, machine-id, environment, profile.d, gitconfig, wgetrc, default/, everything of
 * services, /usr/local/etc. Of passwd and group only the system's own accounts are taken. A file that
 * not everybody may read is never taken, wherever it is.
 */
#include "rootfs/host.h"

#include "base/file.h"
#include "rootfs/accounts.h"
#include "rootfs/copy.h"
#include "rootfs/mnt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders of the top that hold programs: links on a merged machine, all but the first. */
static const char *const program_dirs[] = {
	"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"
};

/* Large or many small files: bound read-only, if all in them is public; else copied. */
static const char *const etc_bound[] = { "alternatives", "ssl/certs" };

/* Copied: files, links, and small folders with all below them; patterns as fnmatch(3). */
static const char *const etc_copied[] = {
	/* the dynamic linker, the C library */
	"ld.so.cache",
	"ld.so.conf",
	"ld.so.conf.d",
	"nsswitch.conf",
	"host.conf",
	"gai.conf",
	"localtime",
	"timezone",
	"locale.alias",
	"locale.conf",
	"services",
	"protocols",
	"rpc",
	"networks",
	"ethertypes",
	"bindresvport.blacklist",
	"netconfig",
	/* who we are */
	"os-release",
	"debian_version",
	"lsb-release",
	"issue",
	"shells",
	"login.defs",
	/* terminals and editing */
	"terminfo",
	"inputrc",
	/* interpreters */
	"perl",
	"python3",
	"python3.*",
	"java-*",
	/* what many programs look up */
	"mime.types",
	"magic",
	"magic.mime",
	"xattr.conf",
	"mke2fs.conf",
	"iproute2",
	"manpath.config",
	"ca-certificates.conf",
	"crypto-policies",
	"gnutls",
};

static const struct {
	const char *path;
	mode_t mode;
} empty_dirs[] = {
	{ "etc", 0755 },       { "etc/ssl", 0755 }, { "dev", 0755 },       { "proc", 0755 },
	{ "sys", 0755 },       { "run", 0755 },     { "run/lock", 01777 }, { "tmp", 01777 },
	{ "root", 0700 },      { "home", 0755 },    { "srv", 0755 },       { "opt", 0755 },
	{ "mnt", 0755 },       { "media", 0755 },   { "var", 0755 },       { "var/tmp", 01777 },
	{ "var/cache", 0755 }, { "var/lib", 0755 }, { "var/log", 0755 },   { "var/spool", 0755 },
	{ "var/local", 0755 },
};

static const struct {
	const char *path, *text;
} links[] = {
	{ "var/run", "/run" },
	{ "var/lock", "/run/lock" },
	{ "etc/mtab", "../proc/self/mounts" },
};

/* Files of our own words: the host's may tell of the host. */
static const struct {
	const char *path, *text;
} own_files[] = {
	{ "etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" },
	{ "etc/machine-id", "" },
	{ "etc/fstab", "" },
	{ "etc/profile", "if [ \"$(id -u)\" = 0 ]; then\n"
			 "\tPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			 "else\n"
			 "\tPATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games\n"
			 "fi\n"
			 "export PATH\n"
			 "[ -z \"$BASH\" ] || [ -z \"$PS1\" ] || . /etc/bash.bashrc\n" },
	{ "etc/bash.bashrc", "[ -z \"$PS1\" ] && return\n"
			     "shopt -s checkwinsize\n"
			     "PS1='\\u@\\h:\\w\\$ '\n" },
};

static void plan_bound_folder(struct rootfs_plan *plan, int etc, const char *name)
{
	struct mount_plan *m;

	if (!copy_is_public(etc, name))
		return;
	m = SPEC_ADD(&plan->mounts);
	*m = (struct mount_plan){
		.kind = MOUNT_BIND,
		.key = xasprintf("the host's /etc/%s", name),
		.destination = xasprintf("/etc/%s", name),
		.source = xasprintf("/etc/%s", name),
		.is_dir = true,
		.optional = true,
		.opt = { .bind = true,
			 .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV },
		.tree = -1,
		.fd = -1,
	};
}

int host_plan(struct rootfs_plan *plan, struct err *err)
{
	CLEAN(fd) int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_LEN(program_dirs); i++) {
		CLEAN(free) char *path = xasprintf("/%s", program_dirs[i]);
		char text[256];
		ssize_t len = readlink(path, text, sizeof(text) - 1);
		struct host_dir *d;
		struct stat st;

		if (len < 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
			continue;
		d = SPEC_ADD(&plan->host_dirs);
		*d = (struct host_dir){ .name = program_dirs[i], .tree = -1 };
		if (len >= 0)
			d->link = xstrndup(text, (size_t)len);
	}
	if (!plan->host_dirs.count || !str_eq(plan->host_dirs.items[0].name, "usr") ||
	    plan->host_dirs.items[0].link)
		return err_set(err, ENOTDIR,
			       "root.path: this machine has no folder /usr to take programs "
			       "from; use another source");
	for (size_t i = 0; etc >= 0 && i < ARRAY_LEN(etc_bound); i++)
		plan_bound_folder(plan, etc, etc_bound[i]);
	/* /usr/local belongs to the administrator, who may keep passwords in its configuration. */
	strv_add(&plan->masked_paths, "/usr/local/etc");
	return 0;
}

static int fill_programs(const struct rootfs_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->host_dirs.count; i++) {
		const struct host_dir *d = &plan->host_dirs.items[i];
		CLEAN(free) char *target = xasprintf("root/%s", d->name);
		int rc;

		if (d->link) {
			if (symlinkat(d->link, plan->root, d->name) < 0)
				return err_sys(err, "make the link /%s", d->name);
			continue;
		}
		if (mkdirat(plan->root, d->name, 0755) < 0)
			return err_sys(err, "make the folder /%s", d->name);
		if (!plan->readonly) {
			rc = root_overlay_mount(plan, d->tree, d->name, target, err);
			if (rc < 0)
				return rc;
		} else if (move_mount(d->tree, "", plan->root, d->name, MOVE_MOUNT_F_EMPTY_PATH) <
			   0) {
			return err_sys(err, "mount the host's /%s", d->name);
		}
	}
	return 0;
}

static int fill_own(const struct rootfs_plan *plan, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(empty_dirs); i++)
		if (mkdirat(plan->root, empty_dirs[i].path, empty_dirs[i].mode) < 0)
			return err_sys(err, "make the folder /%s", empty_dirs[i].path);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].text, plan->root, links[i].path) < 0)
			return err_sys(err, "make the link /%s", links[i].path);
	for (size_t i = 0; i < ARRAY_LEN(own_files); i++) {
		int rc = host_file_write(plan->root, own_files[i].path, own_files[i].text, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

static int copy_matching(int from, int to, const char *pattern, struct copy_rules *rules,
			 struct err *err)
{
	CLEAN(dir) DIR *dir = NULL;
	struct dirent *entry;
	int fd, rc;

	if (!is_pattern(pattern))
		return copy_entry(from, to, pattern, rules, err);
	fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir))) {
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0)
			continue;
		rc = copy_entry(from, to, entry->d_name, rules, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What was not bound because something in it is not for everybody is copied without that. */
static int copy_not_bound(const struct rootfs_plan *plan, int from, int to,
			  struct copy_rules *rules, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(etc_bound); i++) {
		CLEAN(free) char *path = xasprintf("/etc/%s", etc_bound[i]);
		bool bound = false;
		int rc;

		for (size_t j = 0; j < plan->mounts.count; j++)
			bound = bound || str_eq(plan->mounts.items[j].source, path);
		rc = bound ? 0 : copy_entry(from, to, etc_bound[i], rules, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* In the host's network its name servers are reachable; the file may be a link to somewhere in /run. */
static int fill_resolv_conf(const struct rootfs_plan *plan, int from, int to, struct err *err)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	if (!plan->host_network ||
	    file_read(from, "resolv.conf", 1 << 16, &text, NULL, &ignored) < 0)
		return host_file_write(to, "resolv.conf", "", err);
	return host_file_write(to, "resolv.conf", text, err);
}

static int fill_etc(const struct rootfs_plan *plan, struct err *err)
{
	CLEAN(fd) int from = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int to = openat(plan->root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct copy_rules rules = { .public_only = true,
				    .bytes_left = 16u << 20,
				    .entries_left = 10000 };
	int rc;

	if (from < 0 || to < 0)
		return err_sys(err, "open /etc");
	for (size_t i = 0; i < ARRAY_LEN(etc_copied); i++) {
		rc = copy_matching(from, to, etc_copied[i], &rules, err);
		if (rc < 0)
			return rc;
	}
	rc = copy_not_bound(plan, from, to, &rules, err);
	if (rc == 0)
		rc = copy_entry(from, to, "ssl/openssl.cnf", &rules, err);
	if (rc == 0)
		rc = host_accounts_copy(from, to, "passwd", err);
	if (rc == 0)
		rc = host_accounts_copy(from, to, "group", err);
	if (rc == 0 && plan->hostname)
		rc = host_file_write(to, "hostname", plan->hostname, err);
	return rc < 0 ? rc : fill_resolv_conf(plan, from, to, err);
}

int host_fill(struct rootfs_plan *plan, struct err *err)
{
	int rc = fill_own(plan, err);

	if (rc == 0)
		rc = fill_programs(plan, err);
	if (rc == 0)
		rc = fill_etc(plan, err);
	return rc;
}
