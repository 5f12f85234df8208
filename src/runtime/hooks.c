#include "runtime/hooks.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/process.h"
#include "base/spawn.h"
#include "runtime/stages.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int one_hook(const struct spec_hook *h, int in, struct err *err)
{
	CLEAN(str) struct str text = { 0 };
	char *const alone[] = { h->path, NULL };
	struct spawn s = {
		.path = h->path,
		.argv = h->args.count ? h->args.items : alone,
		.env = h->env.items,
		.in = in,
		.timeout_ms = h->timeout_s.set ? h->timeout_s.value * 1000 : -1,
	};
	int status = 0, rc = spawn_wait(&s, &text, &status);

	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s did not end within %lld s and was killed",
			       h->path, (long long)h->timeout_s.value);
	if (rc < 0)
		return err_set(err, -rc, "run %s: %s", h->path, strerror(-rc));
	if (status)
		return err_set(err, EIO, "%s failed with status %d%s%s", h->path,
			       process_exit_code(status), text.len ? ": " : "",
			       text.len ? text.text : "");
	return 0;
}

static int nth_hook(const struct spec *spec, enum spec_hook_point point, size_t i,
		    const struct state *s, enum status status, struct err *err)
{
	CLEAN(fd) int in = state_fd(s, status, err);
	int rc = in < 0 ? in : one_hook(&spec->hooks[point].items[i], in, err);

	return rc < 0 ? err_wrap(err, "hooks.%s[%zu]: ", spec_hook_name(point), i) : 0;
}

int hooks_run(const struct spec *spec, enum spec_hook_point point, const struct state *s,
	      enum status status, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < spec->hooks[point].count; i++)
		rc = nth_hook(spec, point, i, s, status, err);
	return rc;
}

void hooks_run_all(const struct spec *spec, enum spec_hook_point point, const struct state *s,
		   enum status status, struct strv *warnings)
{
	for (size_t i = 0; i < spec->hooks[point].count; i++) {
		struct err why = { 0 };

		if (nth_hook(spec, point, i, s, status, &why) < 0)
			strv_add(warnings, why.text);
	}
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
	mode_t old = umask(m->umask);
	int rc;

	m->state->pid = getpid();
	rc = hooks_run(m->plan->spec, HOOK_CREATE_CONTAINER, m->state, STATUS_CREATING, err);
	umask(old);
	return rc;
}

int hooks_start_container(struct making *m, struct err *err)
{
	umask(m->umask);
	m->state->pid = getpid();
	return hooks_run(m->plan->spec, HOOK_START_CONTAINER, m->state, STATUS_CREATED, err);
}
