/* ctr run, ctr create */
#include "ctr/verbs.h"

#include "ctr/cidfile.h"
#include "ctr/log_place.h"
#include "ctr/monitored.h"
#include "ctr/volumes.h"
#include "monitor/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* container_create() with a cidfile. */
static int create(struct call *call, int root, struct run_made *m, struct container *c,
		  struct err *err)
{
	const struct run_flags *f = call->flags;
	CLEAN(cidfile) struct cidfile cid = CIDFILE_INIT;
	struct err ignored;
	int r = cidfile_make(&cid, f->cidfile, err);

	if (r >= 0)
		r = volumes_begin(call, m, err);
	if (r < 0)
		return r;
	r = container_create(root, &m->spec, &m->opt, &call->warnings, c, err);
	call_warn(call);
	if (r >= 0)
		r = cidfile_keep(&cid, m->id, err);
	if (r < 0 && c->dir >= 0)
		(void)!container_delete(c, true, &call->warnings, &ignored);
	if (r < 0 && m->volumes.count)
		(void)volumes_release(call, m->id, true);
	return r;
}

/* What our caller left open for the container. */
static int inherited(const struct run_flags *f, struct activation *ret, struct err *err)
{
	int r = activation_read(ret, err);

	return r < 0 ? r : foreground_inherited(ret, f->p.preserve_fds.value, err);
}

/* ---- run --------------------------------------------------------------------------- */

static int dry_run(struct call *call, int root, struct run_made *m, struct err *err)
{
	int r = container_dry_run(root, &m->spec, &m->opt, stdout, &call->warnings, err);

	call_warn(call);
	if (r == -ENOENT && m->volumes.count)
		err_wrap(err, "a dry run makes no volumes (ctr volume create does): ");
	if (r < 0)
		return call_fail(call, err);
	if (fflush(stdout) != 0) {
		err_sys(err, "write to standard output");
		return call_fail(call, err);
	}
	return 0;
}

static int run_it(struct call *call, int root, struct run_made *m, struct err *err)
{
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	CLEAN(container) struct container c = CONTAINER_INIT;
	const struct run_flags *f = call->flags;
	struct err removal = { 0 };
	int code = 0, status = 0, r;

	/* A bundle that wants a terminal is run by hand: as if -it had been said. */
	fg.tty = m->spec.process.terminal;
	fg.interactive = f->p.interactive || (fg.tty && !f->p.tty);
	fg.sig_proxy = !f->p.proxy_off;
	fg.notify.address = m->notify.address;
	fg.says_ready = m->notify.mode == SDNOTIFY_CONMON;
	m->opt.start_by_caller = true;
	r = foreground_stdio(&fg, m->opt.stdio, err);
	if (r >= 0)
		r = create(call, root, m, &c, err);
	if (r < 0)
		return call_fail(call, err);
	r = foreground_container(&fg, &c, &call->warnings, &code, err);
	if (r < 0)
		status = call_fail(call, err);
	/* What never ran is of no use to anybody either. */
	if (f->rm || r < 0)
		if ((r = container_delete(&c, true, &call->warnings, &removal)) < 0 && r != -ENOENT)
			status = call_fail(call, &removal);
	if ((f->rm || status) && r >= 0 && m->volumes.count)
		(void)volumes_release(call, m->id, true);
	call_warn(call);
	return status ? status : code;
}

int verb_run(struct call *call)
{
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	const struct run_flags *f = call->flags;
	struct activation sockets;
	struct err err = { 0 };
	CLEAN(fd) int root = -1;

	if (inherited(f, &sockets, &err) < 0)
		return call_fail(call, &err);
	root = call_root(call, &err);
	if (root < 0)
		return call_fail(call, &err);
	m.data_root = call->data_root;
	if (run_make(f, call->args, root, &m, &call->warnings, &err) < 0 ||
	    run_log(f, &m, &err) < 0)
		return call_fail(call, &err);
	activation_pass(&sockets, &m.opt);
	if (f->dry_run)
		return dry_run(call, root, &m, &err);
	return run_wants_monitor(f, &m) ? run_monitored(call, root, &m) :
					  run_it(call, root, &m, &err);
}

/* ---- create ------------------------------------------------------------------------ */

/* The streams that --attach names are ours, the others /dev/null: our caller may be waiting for their
 * end. */
static int create_stdio(const struct run_flags *f, int null, int stdio[3], struct err *err)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };

	for (size_t i = 0; i < f->attach.count; i++) {
		size_t n = 0;

		while (n < ARRAY_LEN(names) && !str_eq(names[n], f->attach.items[i]))
			n++;
		if (n == ARRAY_LEN(names))
			return err_set(err, EINVAL,
				       "--attach: \"%s\" is not stdin, stdout or stderr",
				       f->attach.items[i]);
	}
	for (size_t n = 0; n < ARRAY_LEN(names); n++)
		if (!strv_has(&f->attach, names[n]) && !(n == 0 && f->p.interactive))
			stdio[n] = null;
	return 0;
}

int verb_create(struct call *call)
{
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(str) struct str line = { 0 };
	const struct run_flags *f = call->flags;
	struct activation sockets;
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	CLEAN(fd) int null = -1;
	int r;

	m.data_root = call->data_root;
	if (inherited(f, &sockets, &err) < 0)
		return call_fail(call, &err);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	root = call_root(call, &err);
	r = root < 0 ? root : 0;
	if (r >= 0 && null < 0)
		r = err_sys(&err, "open /dev/null");
	if (r >= 0)
		r = run_make(f, call->args, root, &m, &call->warnings, &err);
	if (r >= 0)
		r = run_log(f, &m, &err);
	if (r >= 0)
		activation_pass(&sockets, &m.opt);
	/* Streams of the caller's own, or a terminal that somebody else holds, need nobody beside it. */
	if (r >= 0 && !f->console_socket && !f->attach.count)
		return create_monitored(call, root, &m);
	if (r >= 0)
		r = create_stdio(f, null, m.opt.stdio, &err);
	if (r >= 0)
		r = create(call, root, &m, &c, &err);
	if (r < 0)
		return call_fail(call, &err);
	str_printf(&line, "%s\n", m.id);
	return call_print(call, line.text, line.len);
}
