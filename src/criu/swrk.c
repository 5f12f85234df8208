/* The program itself: started, spoken to, ended. */
#include "criu/criu.h"

#include "base/fd.h"
#include "base/process.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Above all fds that have a place of their own in criu. */
#define HIGH_FD 200
#define REPLY_MAX (40 * 1024)
#define CHECK_MS 60000

/* As on a system: an engine may have started us with a PATH of its own. */
#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char *find_in(const char *path)
{
	CLEAN(strv) struct strv folders = { 0 };

	strv_split(&folders, path, ':');
	for (size_t i = 0; i < folders.count; i++) {
		CLEAN(free) char *file = xasprintf("%s/criu", folders.items[i]);

		if (folders.items[i][0] == '/' && access(file, X_OK) == 0)
			return take_ptr(file);
	}
	return NULL;
}

int criu_find(char **ret, struct err *err)
{
	const char *path = getenv("PATH");

	*ret = path ? find_in(path) : NULL;
	if (!*ret)
		*ret = find_in(USUAL_PATH);
	return *ret ? 0 :
		      err_set(err, ENOENT,
			      "criu, the program that checkpoints and restores, is not there: install "
			      "the package criu");
}

/* ---- options ------------------------------------------------------------------------- */

static void pairs_free(struct criu_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(pairs[i].first);
		free(pairs[i].second);
	}
	free(pairs);
}

void criu_options_free(struct criu_options *o)
{
	free(o->page_server);
	strv_free(&o->external);
	pairs_free(o->join_ns, o->join_ns_count);
	pairs_free(o->cgroup_roots, o->cgroup_root_count);
	for (size_t i = 0; i < o->inherit_count; i++)
		free(o->inherit[i].key);
	free(o->inherit);
	*o = CRIU_OPTIONS_INIT;
}

static void pair_add(struct criu_pair **pairs, size_t *count, const char *first, const char *second)
{
	*pairs = xrealloc(*pairs, *count + 1, sizeof(**pairs));
	(*pairs)[(*count)++] = (struct criu_pair){ xstrdup(first), xstrdup(second) };
}

void criu_join_add(struct criu_options *o, const char *ns, const char *file)
{
	pair_add(&o->join_ns, &o->join_ns_count, ns, file);
}

void criu_cgroup_root_add(struct criu_options *o, const char *controller, const char *path)
{
	pair_add(&o->cgroup_roots, &o->cgroup_root_count, controller, path);
}

void criu_inherit_add(struct criu_options *o, const char *key, int fd)
{
	o->inherit = xrealloc(o->inherit, o->inherit_count + 1, sizeof(*o->inherit));
	o->inherit[o->inherit_count++] = (struct criu_inherit){ .key = xstrdup(key), .fd = fd };
}

/* ---- its process --------------------------------------------------------------------- */

static int fd_high(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

	return high < 0 ? -errno : high;
}

static int folder_place(const char *path, int at, struct err *err)
{
	CLEAN(fd) int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (path && (fd < 0 || dup2(fd, at) < 0))
		return err_sys(err, "open the folder %s for criu", path);
	return 0;
}

/*
 * Put all where criu expects it; what else is open is closed by the exec. criu looks fds of folders up
 * in the process that made its socket, and mounts in them: so it is its own process that makes the
 * socket and opens the folders, in its own view. The other end of the socket goes to us by `to_us`.
 */
static int fds_place(const struct criu_options *o, int to_us, int words, struct err *err)
{
	size_t count = o ? o->inherit_count : 0;
	int null = fd_high(open("/dev/null", O_RDWR | O_CLOEXEC)), pair[2];

	words = fd_high(words);
	to_us = fd_high(to_us);
	for (size_t i = 0; i < count; i++)
		o->inherit[i].fd = fd_high(o->inherit[i].fd);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(words, 2) < 0)
		return err_sys(err, "standard streams of criu");
	for (size_t i = 0; i < count; i++)
		if (dup2(o->inherit[i].fd, CRIU_INHERIT_FIRST + (int)i) < 0)
			return err_sys(err, "an open file for criu: %s", o->inherit[i].key);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    fd_send(to_us, "", 1, &pair[0], 1) < 0 || (pair[0] = fd_high(pair[1])) < 0 ||
	    dup2(pair[0], CRIU_SOCKET_FD) < 0)
		return err_sys(err, "the socket to criu");
	if (o && (folder_place(o->images_path, CRIU_IMAGES_FD, err) < 0 ||
		  folder_place(o->work_path, CRIU_WORK_FD, err) < 0))
		return -err->code;
	fd_cloexec_from(CRIU_INHERIT_FIRST + (int)count);
	return 0;
}

__attribute__((noreturn)) static void become(const struct criu_call *call, int to_us, int words)
{
	char *const argv[] = { "criu", "swrk", "3", NULL };
	struct err err = { 0 };
	sigset_t empty;
	int rc = call->prepare ? call->prepare(call->data, &err) : 0;

	if (rc == 0)
		rc = fds_place(call->options, to_us, words, &err);
	if (rc == 0 && call->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = err_sys(&err, "no_new_privs for criu");
	/* A ^C is for us to pass on, not for criu to die of in the middle of its work. */
	setpgid(0, 0);
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	if (rc == 0) {
		execve(call->program, argv, environ);
		err_sys(&err, "execute %s", call->program);
		words = 2;
	}
	dprintf(words, "%s", err.text);
	_exit(127);
}

/* ---- the conversation ---------------------------------------------------------------- */

static int send_bytes(int sock, const struct str *bytes, struct err *err)
{
	int rc = fd_send(sock, bytes->text, bytes->len, NULL, 0);

	return rc < 0 ? err_set(err, -rc, "speak to criu: %s", strerror(-rc)) : 0;
}

/* criu's last words, where it ended without an answer: what it says before it has a log. */
static int ended(int words, struct err *err)
{
	char text[600];
	ssize_t n = pread(words, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = c[1] ? ';' : '\0';
	return err_set(err, EIO, "criu ended without an answer%s%s", *text ? ": " : "", text);
}

static int our_part(const struct criu_call *call, int sock, const struct criu_reply *reply, int *fd,
		    struct err *err)
{
	CLEAN(str) struct str done = { 0 };
	int rc = call->notify ? call->notify(call->data, reply->step, reply->pid, fd, err) : 0;

	if (rc < 0)
		return rc;
	criu_notified_put(&done);
	return send_bytes(sock, &done, err);
}

/* One message. 1: it was a step, there will be more. */
static int one_reply(const struct criu_call *call, int sock, int words, struct criu_reply *reply,
		     struct err *err)
{
	static char bytes[REPLY_MAX];
	CLEAN(fd) int fd = -1;
	size_t count = 1;
	ssize_t n = fd_recv(sock, bytes, sizeof(bytes), &fd, &count);
	int rc;

	if (n == 0 || n == -ECONNRESET)
		return ended(words, err);
	if (n < 0)
		return err_set(err, (int)-n, "hear from criu: %s", strerror((int)-n));
	if (criu_reply_read(bytes, (size_t)n, reply) < 0)
		return err_set(err, EBADMSG, "criu says what is no message of its protocol");
	if (reply->job == CRIU_NOTIFY) {
		rc = our_part(call, sock, reply, &fd, err);
		reply->answer.ours = rc < 0;
		return rc < 0 ? rc : 1;
	}
	if (reply->success)
		return 0;
	return err_set(err, reply->error > 0 ? reply->error : EIO, "criu failed%s%s",
		       reply->message[0] ? ": " : "", reply->message);
}

static int converse(const struct criu_call *call, int sock, int words, struct criu_answer *ret,
		    struct err *err)
{
	CLEAN(str) struct str request = { 0 };
	struct criu_reply reply = { 0 };
	int rc;

	criu_request_put(call->job, call->options, &request);
	rc = send_bytes(sock, &request, err);
	/* It may have ended before it could take that: its words tell why. */
	if (rc == -EPIPE || rc == -ECONNRESET)
		return ended(words, err);
	if (rc == 0)
		do
			rc = one_reply(call, sock, words, &reply, err);
		while (rc > 0);
	if (ret)
		*ret = reply.answer;
	return rc;
}

/* The socket that criu's process has made. */
static int socket_take(int from_criu, int words, struct err *err)
{
	int sock = -1;
	size_t count = 1;
	char byte;

	if (fd_recv(from_criu, &byte, 1, &sock, &count) == 1 && count == 1)
		return sock;
	return ended(words, err);
}

int criu_run(const struct criu_call *call, struct criu_answer *ret, struct err *err)
{
	CLEAN(fd) int words = memfd_create("criu", MFD_CLOEXEC);
	CLEAN(fd) int pidfd = -1;
	int pair[2], sock, status = 0, rc;
	pid_t pid;

	if (words < 0)
		return err_sys(err, "memfd for criu's words");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	pid = process_clone(call->prepare ? CLONE_NEWNS : 0, call->cgroup, &pidfd);
	if (pid == 0)
		become(call, pair[1], words);
	close(pair[1]);
	sock = pid < 0 ? err_set(err, -pid, "start criu: clone3: %s", strerror(-pid)) :
			 socket_take(pair[0], words, err);
	close(pair[0]);
	rc = sock < 0 ? sock : converse(call, sock, words, ret, err);
	/* After a pre-dump it waits for the next request: the end of the stream is that there is none. */
	if (sock >= 0)
		close(sock);
	if (pid > 0 && process_wait(pidfd, &status) == 0 && rc == 0 && status &&
	    call->job != CRIU_PRE_DUMP)
		rc = err_set(err, EIO, "criu ended with status %d", process_exit_code(status));
	return rc;
}

int criu_version(const char *program, struct err *err)
{
	const struct criu_call call = { .program = program, .job = CRIU_VERSION, .cgroup = -1 };
	struct criu_answer answer = { 0 };
	int rc = criu_run(&call, &answer, err);

	return rc < 0 ? rc : answer.version;
}

int criu_check(const char *program, struct err *err)
{
	CLEAN(str) struct str words = { 0 };
	char *const argv[] = { "criu", "check", NULL };
	CLEAN(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct spawn s = {
		.path = program,
		.argv = argv,
		.env = environ,
		.in = null,
		.catch_output = true,
		.timeout_ms = CHECK_MS,
	};
	int status = 0, rc = null < 0 ? -errno : spawn_wait(&s, &words, &status);

	if (rc < 0)
		return err_set(err, -rc, "run criu check: %s", strerror(-rc));
	if (!status)
		return 0;
	for (char *c = words.text; c && *c; c++)
		if (*c == '\n')
			*c = ';';
	return err_set(err, ENOTSUP, "criu check fails: %s",
		       words.len ? words.text : "no reason given");
}
