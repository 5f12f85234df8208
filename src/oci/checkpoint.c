/* checkpoint, restore */
#include "oci/oci.h"

#include "cli/checkpoint_rows.h"
#include "monitor/foreground.h"

#include <errno.h>
#include <unistd.h>

#define TO(field) OPT_TO(struct oci_checkpoint_flags, field)

const struct opt_row oci_checkpoint_rows[] = {
	CHECKPOINT_ROWS(struct oci_checkpoint_flags),
	{ "bundle", "DIR", "Folder with config.json (default: this one)", "@dir",
	  .kind = OPT_STRING, .letter = 'b', .only = 'r', TO(create.bundle) },
	{ "detach", NULL, "Don't wait for its end", .kind = OPT_FLAG, .letter = 'd', .only = 'r',
	  TO(create.detach) },
	{ "pid-file", "FILE", "Write the pid of its first process to a file", "@file",
	  .kind = OPT_STRING, .only = 'r', TO(create.pid_file) },
	{ "console-socket", "SOCKET", "Unix socket that gets the master of the terminal", "@file",
	  .kind = OPT_STRING, .only = 'r', TO(create.console_socket) },
	{ "no-subreaper", NULL, "Taken and ignored: nobody is made a subreaper", .kind = OPT_FLAG,
	  .only = 'r', .hidden = true, TO(create.no_subreaper) },
	{ "no-pivot", NULL, "Taken and ignored: criu makes the root", .kind = OPT_FLAG, .only = 'r',
	  .hidden = true, TO(create.no_pivot) },
	{ 0 },
};

int oci_verb_checkpoint(struct call *call)
{
	const struct oci_checkpoint_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(strv) struct strv found = { 0 };
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r == 0 && f->check)
		r = container_checkpoint_check(&c, &f->c, &found, &err);
	else if (r == 0)
		r = container_checkpoint(&c, &f->c, &call->warnings, &err);
	return r == 0 && f->check ? call_findings(call, &found) : oci_end(call, r, &err);
}

/* ---- restore ------------------------------------------------------------------------- */

/* What a restore needs, and what has to be freed after it. */
struct restored {
	struct spec spec;
	struct create_options opt;
	char *bundle;
	int root;
};

static void restored_free(struct restored *m)
{
	spec_free(&m->spec);
	free(m->bundle);
	clean_fd(&m->root);
}
CLEAN_DEFINE(restored, struct restored, restored_free)

static int gather(struct call *call, struct restored *m, struct err *err)
{
	const struct oci_checkpoint_flags *f = call->flags;
	int r = foreground_inherited(NULL, 0, err);

	if (r == 0)
		r = m->root = state_root_open(call->root, err);
	r = r < 0 ? r : oci_create_options(call, &f->create, &m->opt, err);
	if (r == 0)
		r = oci_bundle(call, f->create.bundle, &m->bundle, &m->spec, &call->warnings, err);
	m->opt.bundle = m->bundle;
	if (r == 0 && !f->check)
		r = oci_check_console(m->spec.process.terminal, f->create.detach,
				      f->create.console_socket, err);
	return r;
}

/* It runs already: there is nothing to start. */
static int serve(struct container *c, struct foreground *fg, int *ret_code, struct err *err)
{
	int r = foreground_signals(fg, err);

	if (r < 0)
		return r;
	foreground_resize(c->terminal);
	r = foreground_serve(fg, c->pidfd, take_fd(&c->terminal), err);
	return r < 0 ? r : container_wait(c, ret_code, err);
}

static int restore(struct call *call, struct restored *m)
{
	const struct oci_checkpoint_flags *f = call->flags;
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 }, removal = { 0 };
	int code = 0, status = 0, r;

	fg.tty = m->spec.process.terminal && !f->create.console_socket;
	fg.interactive = true;
	r = container_restore(m->root, &m->spec, &m->opt, &f->c, &call->warnings, &c, &err);
	if (r < 0 || f->create.detach)
		return oci_end(call, r, &err);
	call_warn(call);
	r = serve(&c, &fg, &code, &err);
	if (r < 0)
		status = call_fail(call, &err);
	r = container_delete(&c, true, &call->warnings, &removal);
	if (r < 0 && r != -ENOENT)
		status = call_fail(call, &removal);
	return status ? status : code;
}

int oci_verb_restore(struct call *call)
{
	const struct oci_checkpoint_flags *f = call->flags;
	CLEAN(restored) struct restored m = { .root = -1 };
	CLEAN(strv) struct strv found = { 0 };
	struct err err = { 0 };
	int r = gather(call, &m, &err);

	if (r == 0 && !f->check)
		return restore(call, &m);
	if (r == 0)
		r = container_restore_check(m.root, &m.spec, &m.opt, &f->c, &found, &err);
	return r < 0 ? call_fail(call, &err) : call_findings(call, &found);
}
