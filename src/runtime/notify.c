#include "runtime/notify.h"

#include "base/fd.h"
#include "base/json.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#define KEY "linux.seccomp.listenerPath"
/* How long an agent may take to accept the connection and what is sent. */
#define AGENT_SECONDS 10

/* ---- the parent ---------------------------------------------------------------------- */

int notify_check(const struct spec_seccomp *s, bool wanted, struct err *err)
{
	struct stat st;

	if (s->listener_metadata && !s->listener_path)
		return err_set(
			err, EINVAL,
			"linux.seccomp.listenerMetadata: without listenerPath there is nobody to "
			"send it to");
	if (!wanted)
		return 0;

	if (!s->listener_path || !*s->listener_path)
		return err_set(err, EINVAL,
			       KEY
			       ": an action is SCMP_ACT_NOTIFY, which needs the socket of an agent "
			       "that answers");
	if (stat(s->listener_path, &st) < 0)
		return err_sys(err, KEY ": look for the agent's socket %s", s->listener_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ENOTSOCK, KEY ": %s is no socket", s->listener_path);
	return 0;
}

/* By the number of an fd: sun_path is too short for many a path. */
static int connect_to(const char *path, struct err *err)
{
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLEAN(fd) int at = open(path, O_PATH | O_CLOEXEC);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = AGENT_SECONDS };

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_sys(err, "socket");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d", at);
	if (at < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, KEY ": connect to the agent at %s", path);
	return take_fd(&sock);
}

static struct json_object *process_state(const struct notify *to, const struct spec *spec)
{
	struct json_object *o = json_object_new_object();
	const struct strv fds = { .items = (char *[]){ (char[]){ "seccompFd" } }, .count = 1 };

	json_put_string(o, "ociVersion", SPEC_OCI_VERSION);
	json_put_strv(o, "fds", &fds);
	json_put_i64(o, "pid", to->pid);
	json_put_string(o, "metadata", spec->lin.seccomp.listener_metadata);
	json_object_object_add(o, "state", state_to_oci_json(to->state));
	return o;
}

/* The fd goes along with the first part only, if the text is more than one message takes. */
static int send_state(int agent, int listener, const char *text, size_t len)
{
	size_t part = 4096;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += part) {
		part = len - at < part ? len - at : part;
		rc = fd_send(agent, text + at, part, &listener, at == 0);
	}
	return rc;
}

static int tell(const struct notify *to, const struct spec *spec, int listener, struct err *err)
{
	CLEAN(json) struct json_object *o = process_state(to, spec);
	CLEAN(fd) int agent = -1;
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	int rc = notify_check(&spec->lin.seccomp, true, err);

	if (rc < 0)
		return rc;
	agent = connect_to(spec->lin.seccomp.listener_path, err);
	if (agent < 0)
		return agent;
	rc = send_state(agent, listener, text, len);
	return rc < 0 ? err_set(err, -rc, KEY ": hand the notify fd to the agent at %s: %s",
				spec->lin.seccomp.listener_path, strerror(-rc)) :
			0;
}

int notify_deliver(const struct notify *to, int listener, struct err *err)
{
	CLEAN(spec) struct spec own = { 0 };
	int rc = to->spec ? 0 : spec_load_own(to->dir, "config.json", &own, err);

	return rc < 0 ? rc : tell(to, to->spec ? to->spec : &own, listener, err);
}

/* ---- the child ----------------------------------------------------------------------- */

#define STACK (64 << 10)

/* Between the two threads of the child. */
struct courier {
	const struct making *m;
	atomic_int listener; /* the fd; NOT_YET, NEVER */
	atomic_int tid;      /* of the second thread, which the kernel clears at its end */
};

enum {
	NOT_YET = -1,
	NEVER = -2,
};

/*
 * The second thread. It has the C library's memory of the first (errno too), who doesn't touch it
 * meanwhile: nothing here but system calls. The first can't wake us, and has one call to go.
 */
static int carry(void *data)
{
	struct courier *c = data;
	const struct timespec moment = { .tv_nsec = 20000 };
	int fd;

	while ((fd = atomic_load(&c->listener)) == NOT_YET)
		nanosleep(&moment, NULL);
	/* Not only this thread then: the first one is not to go on. */
	if (fd != NEVER && stages_send_listener(c->m, fd) < 0)
		_exit(1);
	return 0;
}

int notify_load(struct making *m, struct err *err)
{
	static char stack[STACK] __attribute__((aligned(16)));
	static struct courier c;
	struct seccomp_filter f = m->plan->seccomp;
	int listener, rc;

	c.m = m;
	atomic_store(&c.listener, NOT_YET);
	if (clone(carry, stack + sizeof(stack),
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		  &c, &c.tid, NULL, &c.tid) < 0)
		return err_sys(err, "linux.seccomp: SCMP_ACT_NOTIFY: a thread to hand over the fd");
	/* "All threads" are those of the payload, which has one when it begins. */
	f.flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	rc = seccomp_filter_load(&f, &listener, err);
	atomic_store(&c.listener, rc < 0 ? NEVER : listener);
	/* Its end, and not its word: rights that we drop now it would still have. The fd itself is
	 * close-on-exec. */
	while (atomic_load(&c.tid))
		continue;
	return rc;
}
