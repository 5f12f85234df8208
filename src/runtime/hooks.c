#include "runtime/hooks.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/process.h"
#include "runtime/stages.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* How much of what a hook wrote to stderr goes into the error. */
#define HOOK_WORDS_MAX 400

/* The document in a file without a name: a pipe could fill up when the hook doesn't read. */
static int state_fd(const struct state *s, enum status status, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(fd) int fd = memfd_create("state", MFD_CLOEXEC);
	struct state now = *s;
	const char *text;
	size_t len;

	now.status = status;
	o = state_to_oci_json(&now);
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	if (fd < 0)
		return err_sys(err, "memfd for the state document");
	if (fd_write_all(fd, text, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "write the state document");
	return take_fd(&fd);
}

__attribute__((noreturn)) static void hook_exec(const struct spec_hook *h, int in, int words)
{
	char *const none[] = { NULL };
	char *const alone[] = { h->path, NULL };
	sigset_t all;

	/* A process group of its own, so that a time-out ends what it started as well. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (dup2(in, 0) < 0 || dup2(words, 2) < 0)
		_exit(126);
	fd_cloexec_from(3);
	execve(h->path, h->args.count ? h->args.items : alone, h->env.count ? h->env.items : none);
	dprintf(2, "exec %s: %s", h->path, strerror(errno));
	_exit(127);
}

/* Collect its words until it ends or its time is over. 0 with *ret_status, or -ETIMEDOUT. */
static int hook_watch(int pidfd, int words, const struct opt_i64 *timeout_s, struct str *text,
		      int *ret_status)
{
	uint64_t end = clock_now_ns() + (uint64_t)timeout_s->value * 1000000000u;
	char part[512];
	ssize_t n;

	for (;;) {
		struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
				       { .fd = words, .events = POLLIN } };
		uint64_t now = clock_now_ns();
		int left = !timeout_s->set ? -1 : now >= end ? 0 : (int)((end - now) / 1000000) + 1;
		int ready = poll(p, 2, left);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return -ETIMEDOUT;
		n = p[1].revents ? read(words, part, sizeof(part)) : 0;
		if (n > 0 && text->len < HOOK_WORDS_MAX)
			str_add_bytes(text, part, (size_t)n);
		if (n > 0)
			continue;
		/* Its stderr may live on in what it left in the background: its own end counts. */
		if (p[0].revents)
			return process_wait(pidfd, ret_status);
		if (p[1].revents)
			words = -1;
	}
}

static int one_hook(const struct spec_hook *h, int in, struct err *err)
{
	CLEAN(str) struct str text = { 0 };
	CLEAN(fd) int pidfd = -1;
	int words[2], status = 0, rc;
	pid_t pid;

	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "pipe");
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		hook_exec(h, in, words[1]);
	close(words[1]);
	if (pid < 0) {
		close(words[0]);
		return err_set(err, -pid, "clone: %s", strerror(-pid));
	}
	rc = hook_watch(pidfd, words[0], &h->timeout_s, &text, &status);
	if (rc == -ETIMEDOUT) {
		kill(-pid, SIGKILL);
		(void)!process_signal(pidfd, SIGKILL);
		(void)!process_wait(pidfd, &status);
	}
	close(words[0]);
	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s did not end within %lld s and was killed",
			       h->path, (long long)h->timeout_s.value);
	if (rc < 0 || status)
		return err_set(err, EIO, "%s failed with status %d%s%.*s", h->path,
			       process_exit_code(status), text.len ? ": " : "", HOOK_WORDS_MAX,
			       text.len ? text.text : "");
	return 0;
}

int hooks_run(const struct spec *spec, enum spec_hook_point point, const struct state *s,
	      enum status status, struct err *err)
{
	const spec_hooks *hooks = &spec->hooks[point];

	for (size_t i = 0; i < hooks->count; i++) {
		CLEAN(fd) int in = state_fd(s, status, err);
		int rc = in < 0 ? in : one_hook(&hooks->items[i], in, err);

		if (rc < 0)
			return err_wrap(err, "hooks.%s[%zu]: ", spec_hook_name(point), i);
	}
	return 0;
}

/* ---- rows ---------------------------------------------------------------------------- */

bool want_runtime_hooks(const struct plan *p)
{
	return p->spec->hooks[HOOK_PRESTART].count || p->spec->hooks[HOOK_CREATE_RUNTIME].count;
}

bool want_create_container_hooks(const struct plan *p)
{
	return p->spec->hooks[HOOK_CREATE_CONTAINER].count > 0;
}

bool want_start_container_hooks(const struct plan *p)
{
	return p->spec->hooks[HOOK_START_CONTAINER].count > 0;
}

int hooks_runtime(struct making *m, struct err *err)
{
	int rc;

	m->state->pid = m->pid;
	rc = hooks_run(m->plan->spec, HOOK_PRESTART, m->state, STATUS_CREATING, err);
	return rc < 0 ? rc :
			hooks_run(m->plan->spec, HOOK_CREATE_RUNTIME, m->state, STATUS_CREATING,
				  err);
}

/* In the child the pid is what it is in the container. */
int hooks_create_container(struct making *m, struct err *err)
{
	m->state->pid = getpid();
	return hooks_run(m->plan->spec, HOOK_CREATE_CONTAINER, m->state, STATUS_CREATING, err);
}

int hooks_start_container(struct making *m, struct err *err)
{
	m->state->pid = getpid();
	return hooks_run(m->plan->spec, HOOK_START_CONTAINER, m->state, STATUS_CREATED, err);
}
