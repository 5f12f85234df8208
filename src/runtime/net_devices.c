/* linux.netDevices: interfaces that are moved into the container's network namespace. */
#include "runtime/stages.h"

#include "base/helper.h"
#include "runtime/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

int plan_net_devices(struct plan *p, struct err *err)
{
	bool own = (p->clone_flags & CLONE_NEWNET) || p->join[NS_NETWORK] >= 0;
	int rc = netns_devices_plan(&p->spec->lin, own, &p->net, err);

	if (rc < 0 || !p->net.count)
		return rc;
	if (rootless())
		return err_set(
			err, EPERM,
			"linux.netDevices: the host's interfaces are not an ordinary user's to "
			"move");
	p->net_helper = helper_open(NET_HELPER, err);
	return p->net_helper < 0 ? err_wrap(err, "linux.netDevices: ") : 0;
}

bool want_net_devices(const struct plan *p)
{
	return p->net.count > 0;
}

/*
 * The child waits for this before it does anything that can fail: with its last process the namespace
 * would go, and what is virtual in it too. We hold the namespace for the same reason, so that the undo
 * finds everything also after the child's end.
 */
int net_devices_in(struct making *m, struct err *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->pid);
	m->netns = open(path, O_RDONLY | O_CLOEXEC);
	if (m->netns < 0)
		return err_sys(err, "open %s", path);
	return netns_devices_move(m->plan->net_helper, m->netns, &m->plan->net, err);
}

/*
 * For a container that never came to be. From one that did, nothing is taken out again: the standard
 * forbids it, and leaves what is in a namespace to its end, where the kernel moves physical devices to
 * the initial network namespace and removes virtual ones.
 */
void net_devices_out(struct making *m)
{
	struct err ignored;

	(void)!netns_devices_return(m->plan->net_helper, m->netns, &m->plan->net, &ignored);
}
