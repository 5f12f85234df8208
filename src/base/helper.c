#include "base/helper.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LIBEXEC CTR_PREFIX "/libexec/ctr"

/*
 * The path of our executable, NULL: not known. A guarded process stands on a mount without a name, and
 * /proc/self/exe says no more than "/": then one of those who knew it before is asked, and what it
 * says has to be the same file.
 */
static char *own_path(void)
{
	const char *said[] = { "/proc/self/exe", getenv(HELPER_EXE_VARIABLE),
			       (const char *)getauxval(AT_EXECFN) };
	struct stat self, st;
	struct err ignored;
	char path[PATH_MAX];

	if (stat("/proc/self/exe", &self) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		CLEAN(fd) int fd = said[i] ? open(said[i], O_PATH | O_CLOEXEC) : -1;

		if (fd < 0 || fd_path(fd, path, sizeof(path), &ignored) < 0)
			continue;
		if (stat(path, &st) == 0 && st.st_ino == self.st_ino && st.st_dev == self.st_dev)
			return xstrdup(path);
	}
	return NULL;
}

void helper_keep_exe(void)
{
	CLEAN(free) char *path = own_path();

	if (path)
		setenv(HELPER_EXE_VARIABLE, path, 1);
}

int helper_open(const char *name, struct err *err)
{
	CLEAN(free) char *exe = own_path();
	CLEAN(free) char *installed = xasprintf(LIBEXEC "/%s", name);
	int fd = -1;

	if (exe) {
		CLEAN(free) char *folder = xstrndup(exe, (size_t)(strrchr(exe, '/') - exe));
		CLEAN(free) char *beside = xasprintf("%s/%s", folder, name);

		fd = open(beside, O_PATH | O_CLOEXEC);
	}
	if (fd < 0)
		fd = open(installed, O_PATH | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open the helper program %s: neither beside %s nor at %s",
				name, exe ? exe : "our own executable", installed) :
			fd;
}

/* It has ended: what it said lies there, or never will. */
static bool answer_take(const struct helper_call *call, int sock)
{
	ssize_t n;
	bool partial = false;

	do {
		n = recv(sock, call->answer, call->answer_len, MSG_DONTWAIT | MSG_TRUNC);
		partial |= n > 0 && (size_t)n == call->partial_len;
	} while (n > 0 && (size_t)n == call->partial_len);
	if (call->partial)
		*call->partial = partial;
	return n == (ssize_t)call->answer_len;
}

static int ask(const struct helper_call *call, int ours, int theirs, struct err *err)
{
	CLEAN(str) struct str words = { 0 };
	char *const argv[] = { (char *)call->name, NULL };
	char path[40];
	struct spawn s = {
		.path = path,
		.argv = argv,
		.in = theirs,
		.timeout_ms = call->timeout_ms,
	};
	int status = 0;
	int rc = fd_send(ours, call->request, call->request_len, call->fds, call->fd_count);

	if (rc < 0)
		return err_set(err, -rc, "%s: hand over the request: %s", call->name,
			       strerror(-rc));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", call->exe);
	rc = spawn_wait(&s, &words, &status);
	if (answer_take(call, ours) && rc == 0)
		return 0;
	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s: no answer within %d s; it was killed",
			       call->name, call->timeout_ms / 1000);
	if (rc < 0)
		return err_set(err, -rc, "%s: %s", call->name, strerror(-rc));
	return err_set(err, EIO, "%s ended with status %d and without an answer%s%s", call->name,
		       process_exit_code(status), words.len ? ": " : "",
		       words.len ? words.text : "");
}

int helper_ask(const struct helper_call *call, struct err *err)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	rc = ask(call, pair[0], pair[1], err);
	close(pair[0]);
	close(pair[1]);
	return rc;
}
