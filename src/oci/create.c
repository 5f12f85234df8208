/* create, run, start */
#include "oci/oci.h"

#include "base/fd.h"
#include "monitor/foreground.h"
#include "runtime/sdnotify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TO(field) OPT_TO(struct oci_create_flags, field)

const struct opt_row oci_create_rows[] = {
	{ "bundle", "DIR", "Folder with config.json (default: this one)", "@dir",
	  .kind = OPT_STRING, .letter = 'b', TO(bundle) },
	{ "console-socket", "SOCKET", "Unix socket that gets the master of the terminal", "@file",
	  .kind = OPT_STRING, TO(console_socket) },
	{ "pid-file", "FILE", "Write the pid of its first process to a file", "@file",
	  .kind = OPT_STRING, TO(pid_file) },
	{ "no-pivot", NULL, "Move the root instead of pivot_root (a host that runs from a ramfs)",
	  .kind = OPT_FLAG, TO(no_pivot) },
	{ "no-new-keyring", NULL, "Keep the caller's session keyring", .kind = OPT_FLAG,
	  TO(no_new_keyring) },
	{ "preserve-fds", "N", "Leave this many fds from 3 on open for it", .kind = OPT_INT,
	  .min = 0, .max = 1000, TO(preserve_fds) },
	{ "detach", NULL, "Don't wait for its end", .kind = OPT_FLAG, .letter = 'd', .only = 'r',
	  TO(detach) },
	{ "keep", NULL, "Don't delete it when it has ended", .kind = OPT_FLAG, .only = 'r',
	  TO(keep) },
	{ "no-subreaper", NULL, "Taken and ignored: nobody is made a subreaper", .kind = OPT_FLAG,
	  .only = 'r', .hidden = true, TO(no_subreaper) },
	{ 0 },
};

int oci_check_console(bool terminal, bool detach, const char *console_socket, struct err *err)
{
	if (terminal && detach && !console_socket)
		return err_set(
			err, EINVAL,
			"process.terminal is true: it needs --console-socket, for nobody would hold "
			"the terminal once we are done");
	return 0;
}

int oci_create_options(const struct call *call, const struct oci_create_flags *f,
		       struct create_options *ret, struct err *err)
{
	const struct oci_globals *g = call->globals;

	if (g->systemd_cgroup && g->cgroup_manager && !str_eq(g->cgroup_manager, "systemd"))
		return err_set(err, EINVAL, "--systemd-cgroup: can't go with --cgroup-manager %s",
			       g->cgroup_manager);
	*ret = CREATE_OPTIONS_INIT;
	ret->name = ret->id = call->args[0];
	ret->pid_file = f->pid_file;
	ret->console_socket = f->console_socket;
	ret->preserve_fds = (unsigned int)f->preserve_fds.value;
	ret->no_pivot = f->no_pivot;
	ret->no_new_keyring = f->no_new_keyring;
	if (g->systemd_cgroup)
		ret->systemd = "--systemd-cgroup";
	else if (str_eq(g->cgroup_manager, "systemd"))
		ret->systemd = "--cgroup-manager systemd";
	ret->no_cgroup = str_eq(g->cgroup_manager, "disabled");
	return 0;
}

/* What a call makes, and what has to be freed after it. */
struct made {
	struct spec spec;
	struct create_options opt;
	char *bundle;
	const char *manager; /* NOTIFY_SOCKET; NULL: none */
	int root;
};

static void made_free(struct made *m)
{
	spec_free(&m->spec);
	free(m->bundle);
	clean_fd(&m->root);
}
CLEAN_DEFINE(made, struct made, made_free)

/* As runc has it: whoever has NOTIFY_SOCKET hears whether the payload is ready. */
static int manager(const char **ret, struct err *err)
{
	*ret = getenv("NOTIFY_SOCKET");
	if (*ret && !**ret)
		*ret = NULL;
	return *ret ? sdnotify_address_check(*ret, err) : 0;
}

/* The name under which we were called says what a bundle doesn't. */
static void default_isolation(struct spec *spec)
{
	if (str_eq(program_invocation_short_name, OCI_VM) && !spec->has_vm &&
	    !spec_annotation(spec, SPEC_ANNOTATION_ISOLATION))
		strv_add(&spec->annotations, SPEC_ANNOTATION_ISOLATION "=vm");
}

static int make(struct call *call, struct made *m, struct err *err)
{
	const struct oci_create_flags *f = call->flags;
	struct activation sockets;
	int r = activation_read(&sockets, err);

	if (r == 0)
		r = foreground_inherited(&sockets, f->preserve_fds.value, err);
	if (r == 0)
		r = m->root = state_root_open(call->root, err);
	if (r >= 0)
		r = oci_create_options(call, f, &m->opt, err);
	if (r == 0)
		r = oci_bundle(call, f->bundle, &m->bundle, &m->spec, &call->warnings, err);
	if (r == 0)
		default_isolation(&m->spec);
	m->opt.bundle = m->bundle;
	if (r == 0)
		activation_pass(&sockets, &m->opt);
	if (r == 0)
		r = manager(&m->manager, err);
	m->opt.notify_socket = m->manager;
	return r;
}

/* --debug. Not into --log: who reads that wants one object with what went wrong. */
static void tell_stages(const struct call *call, const struct state *s)
{
	const struct oci_globals *g = call->globals;
	CLEAN(str) struct str text = { 0 };

	for (size_t i = 0; g->debug && i < s->stage_count; i++)
		str_printf(&text, "%s: debug: %8.3f ms  %s\n", call->program->name,
			   (double)s->stages[i].ns / 1e6, s->stages[i].name);
	if (text.len)
		(void)!fd_write_all(STDERR_FILENO, text.text, text.len);
}

int oci_verb_create(struct call *call)
{
	CLEAN(made) struct made m = { .root = -1 };
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	int r = make(call, &m, &err);

	if (r == 0)
		r = oci_check_console(m.spec.process.terminal, true, m.opt.console_socket, &err);
	if (r == 0)
		r = container_create(m.root, &m.spec, &m.opt, &call->warnings, &c, &err);
	tell_stages(call, &c.state);
	return oci_end(call, r, &err);
}

/* The payload is started; who started us waits until it is ready. */
static void await_ready(const struct container *c, const char *manager, int from)
{
	struct sdnotify n = { .from = from, .address = manager, .ready_only = true };

	n.main_pid = c->state.pid;
	if (from >= 0)
		sdnotify_await_ready(&n, c->pidfd);
}

int oci_verb_start(struct call *call)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(fd) int from = -1;
	const char *address = NULL;
	struct err err = { 0 }, ignored;
	int r = oci_open(call, &c, &err);

	if (r == 0)
		r = manager(&address, &err);
	/* Where create had no manager, the container has no socket. */
	if (r == 0 && address)
		from = sdnotify_bind(c.dir, &ignored);
	if (r == 0)
		r = container_start(&c, &call->warnings, &err);
	if (r == 0)
		await_ready(&c, address, from);
	return oci_end(call, r, &err);
}

/* ---- run --------------------------------------------------------------------------- */

static int run(struct call *call, struct made *m, struct container *c, struct foreground *fg,
	       int *ret_code, struct err *err)
{
	const struct oci_create_flags *f = call->flags;
	int r;

	r = oci_check_console(m->spec.process.terminal, f->detach, f->console_socket, err);
	if (r < 0)
		return r;
	m->opt.start_by_caller = true;
	fg->tty = m->spec.process.terminal && !f->console_socket;
	fg->interactive = true;
	fg->notify.address = m->manager;
	fg->notify.ready_only = true;
	fg->notify.main_pid = getpid();
	r = container_create(m->root, &m->spec, &m->opt, &call->warnings, c, err);
	tell_stages(call, &c->state);
	if (r < 0)
		return r;
	call_warn(call);
	if (!f->detach)
		return foreground_container(fg, c, &call->warnings, ret_code, err);
	r = container_start(c, &call->warnings, err);
	if (r == 0)
		await_ready(c, m->manager, c->notify);
	return r;
}

int oci_verb_run(struct call *call)
{
	const struct oci_create_flags *f = call->flags;
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	CLEAN(made) struct made m = { .root = -1 };
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 }, removal = { 0 };
	int code = 0, status = 0, r = make(call, &m, &err);

	if (r == 0)
		r = run(call, &m, &c, &fg, &code, &err);
	if (r < 0)
		status = call_fail(call, &err);
	if (c.dir < 0 || (r == 0 && (f->detach || f->keep)))
		return status ? status : code;
	r = container_delete(&c, true, &call->warnings, &removal);
	if (r < 0 && r != -ENOENT)
		status = call_fail(call, &removal);
	if (!status)
		call_warn(call);
	return status ? status : code;
}
