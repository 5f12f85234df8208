/* --sdnotify: what a service manager hears of the container. */
#include "ctr/run_make.h"

#include <errno.h>

int run_notify(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct sdnotify_choice *c = &m->notify;
	int rc = sdnotify_choose(f->sdnotify, c, err);

	if (rc == 0 && str_eq(f->sdnotify, "healthy") && !m->health.command)
		rc = err_set(err, EINVAL,
			     "--sdnotify=healthy: there is no --health-cmd that says so");
	m->opt.notify_socket = c->address && c->mode == SDNOTIFY_CONTAINER;
	m->opt.watchdog_usec = c->watchdog_usec;
	return rc;
}
