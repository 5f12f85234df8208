/*
 * The source "busybox": a root made of the one static program that Debian has for that. The folder
 * is complete from the moment its name is there, and its name tells which program it was made of.
 */
#include "rootfs/source.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "rootfs/accounts.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYOUT "1" /* raised when the tables below change, so that all is made again */
#define LIST_MAX (256u << 10)
#define TEMP_NAME ".tmp"

static const char *const programs[] = { "/bin/busybox", "/usr/bin/busybox" };

static const struct {
	const char *path;
	mode_t mode;
} folders[] = {
	{ "bin", 0755 },      { "sbin", 0755 },      { "usr", 0755 },       { "usr/bin", 0755 },
	{ "usr/sbin", 0755 }, { "etc", 0755 },       { "dev", 0755 },       { "proc", 0755 },
	{ "sys", 0755 },      { "run", 0755 },       { "tmp", 01777 },      { "root", 0700 },
	{ "home", 0755 },     { "mnt", 0755 },       { "var", 0755 },       { "var/tmp", 01777 },
	{ "var/log", 0755 },  { "var/spool", 0755 }, { "var/cache", 0755 },
};

static const struct {
	const char *path, *text;
} files[] = {
	{ "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			"nobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n" },
	{ "etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "etc/resolv.conf", "" },
	{ "etc/shells", "/bin/sh\n/bin/ash\n" },
	{ "etc/profile", "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n" },
};

/* Static means: asks for no loader. */
static int check_static(int fd, const char *path, struct err *err)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_phentsize != sizeof(part))
		return err_set(
			err, ENOEXEC,
			"busybox: %s is not a program of this machine; install busybox-static",
			path);
	for (size_t i = 0; i < head.e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))) !=
		    (ssize_t)sizeof(part))
			return err_set(err, ENOEXEC,
				       "busybox: %s is damaged; install busybox-static again",
				       path);
		if (part.p_type == PT_INTERP)
			return err_set(
				err, ENOEXEC,
				"busybox: %s needs shared libraries, which an empty root has not; "
				"install the package busybox-static (it replaces busybox)",
				path);
	}
	return 0;
}

static int program_open(struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		CLEAN(fd) int fd = open(programs[i], O_RDONLY | O_CLOEXEC);
		int rc;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_sys(err, "busybox: open %s", programs[i]);
		rc = check_static(fd, programs[i], err);
		return rc < 0 ? rc : take_fd(&fd);
	}
	return err_set(
		err, ENOENT,
		"busybox: there is no /bin/busybox on this machine; install the package busybox-static");
}

/* What the program says that it can be: "bin/cat\nusr/bin/awk\n...". */
static int applets_ask(int program, char **ret, struct err *err)
{
	CLEAN(fd) int from = -1;
	CLEAN(fd) int to = -1;
	CLEAN(fd) int pidfd = -1;
	int ends[2], status, rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "busybox: make a pipe");
	from = ends[0];
	to = ends[1];
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return err_set(err, -pid, "busybox: start it: %s", strerror(-pid));
	if (pid == 0) {
		char *const args[] = { "busybox", "--list-full", NULL };
		char *const env[] = { NULL };

		if (dup2(to, STDOUT_FILENO) >= 0)
			fexecve(program, args, env);
		_exit(127);
	}
	close(take_fd(&to));
	rc = file_read_fd(from, "busybox --list-full", LIST_MAX, ret, NULL, err);
	if (process_wait(pidfd, &status) == 0 && rc == 0 && process_exit_code(status) != 0)
		rc = err_set(err, ENOEXEC,
			     "busybox: --list-full ended with %d; install busybox-static",
			     process_exit_code(status));
	return rc;
}

static int copy_program(int program, int dir, struct err *err)
{
	CLEAN(fd)
	int fd = openat(dir, "bin/busybox", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "busybox: make bin/busybox");
	while ((n = sendfile(fd, program, &at, 1 << 20)) > 0)
		;
	/* The name must not outlive its content when the machine loses power. */
	if (n < 0 || fchmod(fd, 0755) < 0 || fsync(fd) < 0)
		return err_sys(err, "busybox: copy the program");
	return 0;
}

static int make_links(int program, int dir, struct err *err)
{
	CLEAN(free) char *list = NULL;
	char *rest = NULL;
	int rc = applets_ask(program, &list, err);

	if (rc < 0)
		return rc;
	for (char *name = strtok_r(list, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		if (!str_starts(name, "bin/") && !str_starts(name, "sbin/") &&
		    !str_starts(name, "usr/"))
			continue;
		if (symlinkat("/bin/busybox", dir, name) < 0 && errno != EEXIST)
			return err_sys(err, "busybox: make the link %s", name);
	}
	return 0;
}

static int fill(int program, int dir, struct err *err)
{
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dir, folders[i].path, folders[i].mode) < 0 ||
		    fchmodat(dir, folders[i].path, folders[i].mode, 0) < 0)
			return err_sys(err, "busybox: make the folder %s", folders[i].path);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		rc = file_write_new(dir, files[i].path, files[i].text, err);
		if (rc < 0)
			return err_wrap(err, "busybox: ");
		if (fchmodat(dir, files[i].path, 0644, 0) < 0)
			return err_sys(err, "busybox: set the mode of %s", files[i].path);
	}
	rc = copy_program(program, dir, err);
	return rc < 0 ? rc : make_links(program, dir, err);
}

/*
 * Under the lock, so a temporary folder that is there belongs to nobody alive. Readers don't lock:
 * the rename gives them a whole folder.
 */
static int build(int cache, int program, const char *name, struct err *err)
{
	CLEAN(fd) int dir = -1;
	struct stat st;
	int rc;

	while (flock(cache, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, "busybox: lock the cache folder");
	if (fstatat(cache, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* another was first */
	rc = file_remove_tree(cache, TEMP_NAME, err);
	if (rc < 0)
		return err_wrap(err, "busybox: ");
	if (mkdirat(cache, TEMP_NAME, 0755) < 0 || fchmodat(cache, TEMP_NAME, 0755, 0) < 0)
		return err_sys(err, "busybox: make a folder");
	dir = openat(cache, TEMP_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "busybox: open a folder");
	rc = fill(program, dir, err);
	if (rc == 0 && renameat(cache, TEMP_NAME, cache, name) < 0)
		rc = err_sys(err, "busybox: rename the finished folder");
	if (rc < 0) {
		struct err ignored;

		if (file_remove_tree(cache, TEMP_NAME, &ignored) < 0)
			return rc; /* the next build removes it */
	}
	return rc;
}

int source_busybox(const char *cache, char **ret, struct err *err)
{
	CLEAN(fd) int program = program_open(err);
	CLEAN(free) char *name = NULL;
	CLEAN(fd) int dir = -1;
	struct stat st, made;
	int rc;

	if (program < 0)
		return program;
	if (fstat(program, &st) < 0)
		return err_sys(err, "busybox: look at the program");
	if (!cache)
		cache = SOURCE_BUSYBOX_CACHE;
	name = xasprintf(LAYOUT "-%llx-%llx-%llx-%lx", (unsigned long long)st.st_size,
			 (unsigned long long)st.st_mtim.tv_sec, (unsigned long long)st.st_ino,
			 (unsigned long)st.st_mtim.tv_nsec);
	rc = file_mkdir_p(cache, 0755, err);
	if (rc < 0)
		return err_wrap(err, "busybox: ");
	dir = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "busybox: open %s", cache);
	if (fstatat(dir, name, &made, AT_SYMLINK_NOFOLLOW) < 0) {
		rc = build(dir, program, name, err);
		if (rc < 0)
			return rc;
	}
	*ret = xasprintf("%s/%s", cache, name);
	return 0;
}
