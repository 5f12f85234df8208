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

/*
 * Large, or many small files: bound read-only, if everybody may read all in them; else copied, without
 * what not everybody may read. Patterns as fnmatch(3).
 */
static const struct {
	const char *pattern;
	bool known_public; /* the packager's links alone: needs no look at a thousand entries */
} etc_bound[] = {
	{ "alternatives", true },
	{ "ssl/certs", false },
	{ "java-*", false },
};

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
	"ssl/openssl.cnf",
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

static void plan_bound_folder(struct rootfs_plan *plan, const char *name)
{
	struct mount_plan *m = SPEC_ADD(&plan->mounts);

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

/* The names of a folder that match; a text that is no pattern matches itself, there or not. */
static void matches(int dir, const char *pattern, struct strv *ret)
{
	CLEAN(dir) DIR *entries = NULL;
	struct dirent *entry;
	int fd;

	if (!strpbrk(pattern, "*?[")) {
		strv_add(ret, pattern);
		return;
	}
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	entries = fd < 0 ? NULL : fdopendir(fd);
	while (entries && (entry = readdir(entries)))
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0)
			strv_add(ret, entry->d_name);
}

static void plan_etc(struct rootfs_plan *plan)
{
	CLEAN(fd) int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; etc >= 0 && i < ARRAY_LEN(etc_bound); i++) {
		CLEAN(strv) struct strv names = { 0 };

		matches(etc, etc_bound[i].pattern, &names);
		for (size_t j = 0; j < names.count; j++) {
			const char *name = names.items[j];

			if (faccessat(etc, name, F_OK, 0) < 0)
				continue;
			if (etc_bound[i].known_public || copy_is_public(etc, name))
				plan_bound_folder(plan, name);
			else
				strv_add(&plan->host_copies, name);
		}
	}
}

int host_plan(struct rootfs_plan *plan, struct err *err)
{
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
	plan_etc(plan);
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
		int rc = file_write_new(plan->root, own_files[i].path, own_files[i].text, err);

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
		return file_write_new(to, "resolv.conf", "", err);
	return file_write_new(to, "resolv.conf", text, err);
}

static int copy_all(int from, int to, const struct strv *names, struct copy_rules *rules,
		    struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		int rc = copy_entry(from, to, names->items[i], rules, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int fill_etc(const struct rootfs_plan *plan, struct err *err)
{
	CLEAN(fd) int from = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int to = openat(plan->root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct copy_rules rules = {
		.public_only = true,
		.bytes_left = 16u << 20,
		.entries_left = 10000,
	};
	CLEAN(strv) struct strv names = { 0 };
	int rc;

	if (from < 0 || to < 0)
		return err_sys(err, "open /etc");
	for (size_t i = 0; i < ARRAY_LEN(etc_copied); i++)
		matches(from, etc_copied[i], &names);
	rc = copy_all(from, to, &names, &rules, err);
	if (rc == 0)
		rc = copy_all(from, to, &plan->host_copies, &rules, err);
	if (rc == 0)
		rc = host_accounts_copy(from, to, "passwd", err);
	if (rc == 0)
		rc = host_accounts_copy(from, to, "group", err);
	if (rc == 0 && plan->hostname)
		rc = file_write_new(to, "hostname", plan->hostname, err);
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
