#include "ctr/monitored.h"

#include "base/fd.h"
#include "ctr/cidfile.h"
#include "ctr/volumes.h"
#include "monitor/foreground.h"
#include "monitor/tty.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/*
 * A run in the foreground that is removed afterwards, with our own streams, needs nobody beside us. All
 * others have a terminal that can be left, or a log, or an end that somebody asks for later.
 */
bool run_wants_monitor(const struct run_flags *f, const struct run_made *m)
{
	return f->detach || !f->rm || m->spec.process.terminal || f->restart || f->detach_keys ||
	       f->log_driver || f->log_opt.count || m->health.command;
}

static struct order order_of(const struct run_flags *f, const struct run_made *m, const char *root)
{
	const struct create_options *opt = &m->opt;

	return (struct order){
		.root = root,
		.name = opt->name,
		.id = opt->id,
		.bundle = opt->bundle,
		.source = opt->source,
		.cgroup_parent = opt->cgroup_parent,
		.systemd = opt->systemd,
		.pid_file = opt->pid_file,
		.restart = f->restart,
		.sdnotify = f->sdnotify,
		.notify = m->notify,
		.notify_main = f->detach,
		.preserve_fds = (int)opt->preserve_fds,
		.listen_fds = (int)opt->listen_fds,
		.listen_names = opt->listen_names,
		.auto_remove = opt->auto_remove,
		.no_new_keyring = opt->no_new_keyring,
		.no_pivot = opt->no_pivot,
		.no_cgroup = opt->no_cgroup,
		.interactive = f->p.interactive || (m->spec.process.terminal && !f->p.tty),
		.log = m->log,
		.health = m->health,
	};
}

/* The monitor at work: our end of the connection. */
static int begin(struct call *call, int root, struct run_made *m, bool create_only, struct order *o,
		 struct err *err)
{
	const struct run_flags *f = call->flags;
	char path[PATH_MAX];
	int rc = fd_path(root, path, sizeof(path), err);

	if (rc == 0)
		rc = volumes_begin(call, m, err);
	if (rc == 0 && m->volumes.count)
		rc = volumes_data_root(call->data_root, &m->volumes_root, err);
	if (rc < 0)
		return rc;
	*o = order_of(f, m, path);
	o->data_root = m->volumes_root;
	o->create_only = create_only;
	/* Who starts what is only created isn't us, and has a manager of his own. */
	if (create_only)
		o->notify = (struct sdnotify_choice){ 0 };
	o->attached = !create_only && !f->detach;
	rc = monitor_start(o, &m->spec, NULL, err);
	/* From here on they are the monitor's to release. */
	if (rc < 0 && m->volumes.count)
		(void)volumes_release(call, m->id, true);
	return rc;
}

static int say_id(struct call *call, const char *id)
{
	CLEAN(str) struct str line = { 0 };

	str_printf(&line, "%s\n", id);
	return call_print(call, line.text, line.len);
}

static int detached(struct call *call, int sock, struct run_made *m, struct cidfile *cid)
{
	struct err err = { 0 };
	int rc = monitor_await_start(sock, &call->warnings, &err);

	call_warn(call);
	if (rc == 0)
		rc = cidfile_keep(cid, m->id, &err);
	return rc < 0 ? call_fail(call, &err) : say_id(call, m->id);
}

static int monitored(struct call *call, int root, struct run_made *m, bool create_only)
{
	const struct run_flags *f = call->flags;
	CLEAN(cidfile) struct cidfile cid = CIDFILE_INIT;
	struct order o;
	struct err err = { 0 };
	CLEAN(fd) int sock = -1;
	int rc = cidfile_make(&cid, f->cidfile, &err);

	if (rc == 0)
		rc = sock = begin(call, root, m, create_only, &o, &err);
	if (rc < 0)
		return call_fail(call, &err);
	if (create_only || f->detach)
		return detached(call, sock, m, &cid);
	rc = cidfile_keep(&cid, m->id, &err);
	if (rc < 0)
		return call_fail(call, &err);
	return attach_to(call, root, m->opt.name, take_fd(&sock), true,
			 &(struct attach_how){ .input = o.interactive,
					       .proxy = !f->p.proxy_off,
					       .detach_keys = f->detach_keys });
}

int run_monitored(struct call *call, int root, struct run_made *m)
{
	return monitored(call, root, m, false);
}

int create_monitored(struct call *call, int root, struct run_made *m)
{
	return monitored(call, root, m, true);
}

int attach_to(struct call *call, int root, const char *name, int sock, bool starts,
	      const struct attach_how *how)
{
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	struct attach a = ATTACH_INIT;
	struct err err = { 0 };
	int rc;

	a.sock = sock;
	a.root = root;
	a.name = name;
	a.starts = starts;
	a.start = how->start;
	a.input = how->input;
	a.proxy = how->proxy;
	a.warnings = &call->warnings;
	/* Without a terminal its signals are all that is passed on; with one, the size as well. */
	fg.sig_proxy = how->proxy;
	fg.tty = true;
	rc = detach_keys_parse(how->detach_keys ? how->detach_keys : DETACH_KEYS_DEFAULT, &a.keys,
			       &err);
	if (rc == 0 && relay_own_tty() < 0)
		a.keys.count = 0;
	if (rc == 0)
		rc = foreground_signals(&fg, &err);
	a.signals = fg.signals;
	if (rc == 0)
		rc = attach_run(&a, &err);
	else if (sock >= 0)
		close(sock);
	call_warn(call);
	if (rc == 0 && !a.detached && !a.exit_known)
		rc = err_set(&err, ESRCH, "container \"%s\" has ended; nobody knows how", name);
	if (rc < 0)
		return call_fail(call, &err);
	return a.detached ? 0 : a.exit_code;
}

void given_take(const struct container *c, struct given *ret)
{
	ret->count = monitor_fds(c->dir, ret->fds);
}

void given_free(struct given *g)
{
	for (size_t i = 0; i < g->count; i++)
		close(g->fds[i]);
	g->count = 0;
}

int start_sockets_check(const struct container *c, struct err *err)
{
	struct activation sockets;
	int rc = activation_read(&sockets, err);

	if (rc == 0 && sockets.count)
		rc = err_set(err, EINVAL,
			     "LISTEN_FDS=%u: container \"%s\" is %s already; sockets are for `ctr "
			     "create`, `ctr run`, or the start of one that is stopped",
			     sockets.count, c->state.name, status_name(c->state.status));
	return rc;
}

/* The fds for its next life: *ret as monitor_start() wants it. */
static int fds_of(struct order *o, const struct container *c, const struct given *given,
		  const int **ret, struct err *err)
{
	struct activation sockets;
	int rc = activation_read(&sockets, err);

	*ret = given && given->count ? given->fds : NULL;
	if (rc < 0 || (*ret && given->count == (size_t)o->preserve_fds))
		return rc;
	*ret = NULL;
	if (sockets.count && o->preserve_fds == o->listen_fds) {
		o->preserve_fds = o->listen_fds = (int)sockets.count;
		o->listen_names = sockets.names;
		return activation_check(&sockets, err);
	}
	if (!o->preserve_fds)
		return 0;
	return err_set(err, EINVAL,
		       "cannot start container \"%s\": it was made with %d fds (--preserve-fds, "
		       "LISTEN_FDS), which went with its last life; make it anew with `ctr run`",
		       c->state.name, o->preserve_fds);
}

int start_again(const struct container *c, const struct given *given, bool attached,
		struct err *err)
{
	CLEAN(order) struct order o = { 0 };
	const int *fds = NULL;
	char path[PATH_MAX];
	int rc = order_load(c->dir, &o, err);

	if (rc == -ENOENT)
		return err_set(
			err, EINVAL,
			"cannot start container \"%s\": it is stopped, and it was not made to be "
			"started again (by `ctr create` or `ctr run` without --rm)",
			c->state.name);
	if (rc == 0)
		rc = fds_of(&o, c, given, &fds, err);
	if (rc == 0)
		rc = sdnotify_choose(o.sdnotify, &o.notify, err);
	if (rc == 0)
		rc = fd_path(c->root, path, sizeof(path), err);
	if (rc < 0)
		return rc;
	o.root = path;
	o.name = o.log.name = c->state.name;
	o.again = true;
	o.attached = attached;
	o.notify_main = !attached;
	return monitor_start(&o, NULL, fds, err);
}

int stop_monitored(struct container *c, int signal, int timeout_ms, struct err *err)
{
	CLEAN(fd) int sock = monitor_connect(c->dir);
	int rc = sock >= 0 ? container_stop_asked(c, err) : 0;

	if (rc == 0)
		rc = container_stop(c, signal, timeout_ms, err);
	if (rc < 0 || sock < 0)
		return rc;
	if (monitor_send(sock, WIRE_LOOK, 0, 0, NULL, 0))
		monitor_await_gone(sock, MONITOR_GONE_MS);
	return 0;
}
