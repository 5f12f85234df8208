#include "runtime/criu_look.h"

#include "base/file.h"
#include "runtime/criu_terms.h"
#include "runtime/mountinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROC_TEXT_MAX (16u << 20)

struct looking {
	const struct checkpoint_options *opt;
	const struct strv *external;
	struct mount_table mounts; /* of the init, and so of all */
	struct strv sockets;       /* inodes, as text */
	pid_t *pids;
	size_t count;
	pid_t init;
	struct strv *ret;
};

static char *proc_text(const char *path)
{
	struct err ignored;
	char *text = NULL;

	return file_read(AT_FDCWD, path, PROC_TEXT_MAX, &text, NULL, &ignored) < 0 ? NULL : text;
}

static char *proc_pid_text(pid_t pid, const char *file)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/%s", (int)pid, file);

	return proc_text(path);
}

/* What it is called, for words; the caller's to free. */
static char *name_of(pid_t pid)
{
	char *name = proc_pid_text(pid, "comm");

	if (name)
		name[strcspn(name, "\n")] = '\0';
	return name ? name : xstrdup("?");
}

/* ---- open files ---------------------------------------------------------------------- */

static bool on_own_mount(const struct looking *l, int mount)
{
	for (size_t i = 0; i < l->mounts.count; i++)
		if (l->mounts.lines[i].id == mount)
			return true;
	return false;
}

static bool is_provided(const struct looking *l, int mount, const struct stat *st)
{
	CLEAN(free)
	char *file =
		xasprintf("file[%x:%llx]", (unsigned int)mount, (unsigned long long)st->st_ino);
	CLEAN(free)
	char *tty = xasprintf("tty[%llx:%llx]", (unsigned long long)st->st_rdev,
			      (unsigned long long)st->st_dev);

	return strv_has(l->external, file) || strv_has(l->external, tty);
}

static void look_file(struct looking *l, pid_t pid, const char *fd, const char *link)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/fd/%s", (int)pid, fd);
	CLEAN(free) char *name = NULL;
	int mount = criu_mount_of(pid, fd);
	struct stat st;

	/* A memfd is on a mount of the kernel's, and no file of anybody's. */
	if (mount < 0 || str_starts(link, "/memfd:") || stat(path, &st) < 0 ||
	    on_own_mount(l, mount) || is_provided(l, mount, &st))
		return;
	name = name_of(pid);
	strv_printf(l->ret, "process %d (%s) has fd %s open, %s, a file outside of the container",
		    (int)pid, name, fd, link);
}

static void look_fds(struct looking *l, pid_t pid)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/fd", (int)pid);
	CLEAN(dir) DIR *dir = opendir(path);
	struct dirent *entry;
	char link[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (len < 0)
			continue;
		link[len] = '\0';
		if (str_starts(link, "socket:[")) {
			link[len - 1] = '\0';
			strv_add(&l->sockets, link + strlen("socket:["));
		} else if (*link == '/') {
			look_file(l, pid, entry->d_name, link);
		}
	}
}

/* ---- connections --------------------------------------------------------------------- */

#define TCP_CLOSE 7
#define TCP_LISTEN 10

/* "sl local remote st tx:rx tr:when retrnsmt uid timeout inode": ours, and neither closed nor listening. */
static bool is_open_connection(const struct looking *l, const char *line)
{
	uint64_t state, inode;
	char text[24];

	if (!line_number(line, 3, 16, &state) || !line_number(line, 9, 10, &inode) ||
	    state == TCP_CLOSE || state == TCP_LISTEN)
		return false;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)inode);
	return strv_has(&l->sockets, text);
}

static void look_tcp(struct looking *l)
{
	static const char *const files[] = { "net/tcp", "net/tcp6" };
	unsigned int count = 0;

	if (l->opt->tcp_established)
		return;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEAN(free) char *text = proc_pid_text(l->init, files[i]);
		CLEAN(strv) struct strv lines = { 0 };

		if (text)
			strv_split(&lines, text, '\n');
		for (size_t j = 0; j < lines.count; j++)
			count += is_open_connection(l, lines.items[j]);
	}
	if (count)
		strv_printf(l->ret,
			    "%u TCP connection%s open: close, or use --tcp-established here and "
			    "at the restore",
			    count, count == 1 ? " is" : "s are");
}

/* ---- what they are ------------------------------------------------------------------- */

static bool is_ours(const struct looking *l, pid_t pid)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->pids[i] == pid)
			return true;
	return false;
}

/* "1: POSIX  ADVISORY  WRITE 4711 fe:01:12 0 EOF" */
static void look_locks(struct looking *l)
{
	CLEAN(free) char *text = l->opt->file_locks ? NULL : proc_text("/proc/locks");
	CLEAN(strv) struct strv lines = { 0 };
	uint64_t pid;

	if (text)
		strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.count; i++) {
		if (!line_number(lines.items[i], 4, 10, &pid) || !is_ours(l, (pid_t)pid))
			continue;
		strv_printf(
			l->ret,
			"process %d holds a file lock: use --file-locks here and at the restore",
			(int)pid);
		return;
	}
}

static pid_t parent_of(pid_t pid)
{
	CLEAN(free) char *text = proc_pid_text(pid, "stat");
	const char *behind = text ? strrchr(text, ')') : NULL;
	uint64_t parent;

	return behind && line_number(behind + 1, 1, 10, &parent) ? (pid_t)parent : 0;
}

/* criu dumps the tree below the init; who came by `exec` is nobody's child in there, and is lost. */
static void look_tree(struct looking *l)
{
	for (size_t i = 0; i < l->count; i++) {
		CLEAN(free) char *name = NULL;

		if (l->pids[i] == l->init || is_ours(l, parent_of(l->pids[i])))
			continue;
		name = name_of(l->pids[i]);
		strv_printf(
			l->ret,
			"process %d (%s) is no child of the container's init, but came by `exec`: "
			"it is not in a checkpoint, and ends with it",
			(int)l->pids[i], name);
	}
}

/* A program without a file of its own can't be found again. Our small init is one. */
static void look_program(struct looking *l, pid_t pid)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/exe", (int)pid), *name = NULL;
	char link[PATH_MAX];
	ssize_t len = readlink(path, link, sizeof(link) - 1);

	if (len < 0)
		return;
	link[len] = '\0';
	if (!str_starts(link, "/memfd:"))
		return;
	name = name_of(pid);
	strv_printf(l->ret, "process %d (%s) runs a program that has no file%s", (int)pid, name,
		    pid == l->init ? ": the small init (--init) can't be checkpointed" : "");
}

int criu_look(struct container *c, const struct checkpoint_options *opt,
	      const struct strv *external, struct strv *ret, struct err *err)
{
	struct looking l = { .opt = opt, .external = external, .ret = ret, .init = c->state.pid };
	CLEAN(free) char *process = xasprintf("%d", (int)l.init);
	int rc = mount_table_read(process, &l.mounts, err);

	if (rc == 0)
		rc = container_pids(c, &l.pids, &l.count, err);
	for (size_t i = 0; rc == 0 && i < l.count; i++) {
		look_fds(&l, l.pids[i]);
		look_program(&l, l.pids[i]);
	}
	if (rc == 0) {
		look_tcp(&l);
		look_locks(&l);
		look_tree(&l);
	}
	mount_table_free(&l.mounts);
	strv_free(&l.sockets);
	free(l.pids);
	return rc;
}
