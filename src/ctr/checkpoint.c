/* checkpoint, restore */
#include "ctr/verbs.h"

#include "cli/checkpoint_rows.h"
#include "ctr/run_make.h"
#include "monitor/foreground.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TO(field) OPT_TO(struct checkpoint_flags, field)

const struct opt_row checkpoint_rows[] = {
	CHECKPOINT_ROWS(struct checkpoint_flags),
	{ "bundle", "DIR", "Folder with another config.json than the checkpoint's own", "@dir",
	  .kind = OPT_STRING, .letter = 'b', .only = 'r', TO(bundle) },
	{ "detach", NULL, "Don't wait for its end", .kind = OPT_FLAG, .letter = 'd', .only = 'r',
	  TO(detach) },
	{ "rm", NULL, "Remove the container when it has ended", .kind = OPT_FLAG, .only = 'r',
	  TO(rm) },
	{ "pidfile", "FILE", "Write the pid of the container's first process to a file", "@file",
	  .kind = OPT_STRING, .only = 'r', TO(pid_file) },
	{ "pid-file", "FILE", "As --pidfile", "@file", .kind = OPT_STRING, .hidden = true,
	  .only = 'r', TO(pid_file) },
	{ "console-socket", "SOCKET", "Unix socket that gets the master of the terminal", "@file",
	  .kind = OPT_STRING, .only = 'r', TO(console_socket) },
	{ 0 },
};

int verb_checkpoint(struct call *call)
{
	const struct checkpoint_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(strv) struct strv found = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : container_open(root, call->args[0], &c, &err);

	if (r == 0 && f->check)
		r = container_checkpoint_check(&c, &f->c, &found, &err);
	else if (r == 0)
		r = container_checkpoint(&c, &f->c, &call->warnings, &err);
	call_warn(call);
	if (r < 0)
		return call_fail(call, &err);
	return f->check ? call_findings(call, &found) : 0;
}

/* ---- restore ------------------------------------------------------------------------- */

/* What the checkpoint says of its container, or another bundle in its place. */
static int gather(struct call *call, struct run_made *m, struct state *was, struct err *err)
{
	const struct checkpoint_flags *f = call->flags;
	CLEAN(fd) int dir = -1;
	int r = checkpoint_image_read(&f->c, &m->spec, was, &call->warnings, err);

	if (r == 0 && f->bundle) {
		spec_free(&m->spec);
		m->bundle = path_absolute(f->bundle);
		dir = open(m->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = dir < 0 ? err_sys(err, "--bundle %s", f->bundle) :
			      spec_load(dir, "config.json", &m->spec, &call->warnings, err);
	} else if (r == 0 && was->bundle) {
		m->bundle = xstrdup(was->bundle);
	}
	if (r < 0)
		return r;
	m->opt.name = call->args[0];
	m->opt.bundle = m->bundle;
	m->opt.source = f->bundle ? m->bundle : was->rootfs;
	m->opt.auto_remove = f->rm;
	m->opt.console_socket = f->console_socket;
	if (f->pid_file)
		m->opt.pid_file = m->pid_file = path_absolute(f->pid_file);
	if (m->spec.process.terminal && f->detach && !f->console_socket && !f->check)
		return err_set(
			err, EINVAL,
			"--detach: the container has a terminal, which nobody would hold; leave it "
			"out, or hand the terminal to a program of yours with --console-socket");
	return 0;
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

static int restore(struct call *call, int root, struct run_made *m)
{
	const struct checkpoint_flags *f = call->flags;
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 }, removal = { 0 };
	int code = 0, status = 0, r;

	fg.tty = m->spec.process.terminal && !f->console_socket;
	fg.interactive = true;
	r = container_restore(root, &m->spec, &m->opt, &f->c, &call->warnings, &c, &err);
	call_warn(call);
	if (r < 0)
		return call_fail(call, &err);
	if (f->detach)
		return 0;
	r = serve(&c, &fg, &code, &err);
	if (r < 0)
		status = call_fail(call, &err);
	if (f->rm)
		if ((r = container_delete(&c, true, &call->warnings, &removal)) < 0 && r != -ENOENT)
			status = call_fail(call, &removal);
	return status ? status : code;
}

int verb_restore(struct call *call)
{
	const struct checkpoint_flags *f = call->flags;
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	CLEAN(state) struct state was = { 0 };
	CLEAN(strv) struct strv found = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	int r;

	r = foreground_inherited(NULL, 0, &err);
	if (r >= 0)
		r = root = call_root(call, &err);
	r = r < 0 ? r : gather(call, &m, &was, &err);
	if (r == 0 && !f->check)
		return restore(call, root, &m);
	if (r == 0)
		r = container_restore_check(root, &m.spec, &m.opt, &f->c, &found, &err);
	return r < 0 ? call_fail(call, &err) : call_findings(call, &found);
}
