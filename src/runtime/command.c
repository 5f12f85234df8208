#include "runtime/command.h"

#include "base/cleanup.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int command_enter(const char *cwd, struct err *err)
{
	char real[PATH_MAX];

	if (chdir(cwd) < 0)
		return err_sys(
			err,
			"process.cwd: enter %s in the rootfs (make that folder or choose another; "
			"--workdir)",
			cwd);
	if (!getcwd(real, sizeof(real)) || real[0] != '/')
		return err_set(err, EPERM,
			       "process.cwd: %s lies outside of the container's root: refused",
			       cwd);
	return 0;
}

/* What engines read in a log to tell "not found" from "can't be run". */
static const struct {
	int code, exit_status;
	const char *words;
} failures[] = {
	{ ENOENT, 127, "no such file or directory" },
	{ ENOTDIR, 127, "not a directory" },
	{ ELOOP, 127, "too many levels of symbolic links" },
	{ EACCES, 126, "permission denied" },
	{ EPERM, 126, "operation not permitted" },
	/* dockerd knows only these two words for 126. */
	{ EISDIR, 126, "it is a directory: permission denied" },
	{ ENOEXEC, 126, "exec format error" },
	{ ETXTBSY, 126, "text file busy" },
};

int command_failed(const char *command, int code, struct err *err)
{
	const char *words = strerror(code);
	int status = 126, rc;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].code == code) {
			words = failures[i].words;
			status = failures[i].exit_status;
		}
	rc = err_set(err, code, "exec: \"%s\": %s", command, words);
	err->exit_status = status;
	return rc;
}

/* Processors as uname(2) names them. */
static const struct {
	unsigned int elf;
	const char *name;
} machines[] = {
	{ EM_X86_64, "x86_64" }, { EM_386, "i386" },      { EM_AARCH64, "aarch64" },
	{ EM_ARM, "arm" },       { EM_RISCV, "riscv64" }, { EM_PPC64, "ppc64" },
	{ EM_S390, "s390x" },
};

/* The processor that a program is built for; NULL: none that we know, or it is not to be read. */
static const char *built_for(const char *path)
{
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	Elf32_Ehdr head; /* the 64-bit one is the same up to here */
	unsigned int machine;

	if (fd < 0 || read(fd, &head, sizeof(head)) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	machine = head.e_ident[EI_DATA] == ELFDATA2MSB ? be16toh(head.e_machine) :
							 le16toh(head.e_machine);
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].elf == machine)
			return machines[i].name;
	return NULL;
}

int command_not_executed(const char *command, const char *path, int code, struct err *err)
{
	int rc = command_failed(command, code, err);
	const char *machine = code == ENOEXEC ? built_for(path) : NULL;
	CLEAN(free) char *words = NULL;
	struct utsname here;

	if (!machine || uname(&here) < 0 || str_eq(machine, here.machine))
		return rc;
	words = xasprintf(": it is built for %s, and the kernel here is %s's", machine,
			  here.machine);
	err_append(err, words);
	return rc;
}

/* 0 when this file can be run, else why not. */
static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* Root may run what has any x bit; so the look is the same for every user, and exec decides. */
	return S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : -EACCES;
}

int command_find(const char *command, const struct strv *env, char **ret, struct err *err)
{
	const char *path = strv_env_get(env, "PATH");
	int best = -ENOENT, rc;

	if (strchr(command, '/')) {
		rc = runnable(command);
		if (rc < 0)
			return command_failed(command, -rc, err);
		*ret = xstrdup(command);
		return 0;
	}
	path = path ? path : DEFAULT_PATH;
	while (*command) {
		size_t len = strcspn(path, ":");
		CLEAN(free)
		char *file = xasprintf("%.*s/%s", len ? (int)len : 1, len ? path : ".", command);

		rc = runnable(file);
		if (rc == 0) {
			*ret = take_ptr(file);
			return 0;
		}
		if (rc == -EACCES)
			best = rc;
		if (!path[len])
			break;
		path += len + 1;
	}
	if (best == -EACCES)
		return command_failed(command, EACCES, err);
	rc = err_set(err, ENOENT,
		     "exec: \"%s\": executable file not found in $PATH: no such file or directory",
		     command);
	err->exit_status = 127;
	return rc;
}
