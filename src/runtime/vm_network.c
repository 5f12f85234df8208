/*
 * The network of a micro-VM's container: what its namespace has when it is started goes on to the guest (netns/guest.h).
 * Not before, because until then whoever made the container may put interfaces in.
 */
#include "runtime/vm.h"

#include "base/helper.h"
#include "netns/devices.h"
#include "netns/guest.h"
#include "runtime/container.h"
#include "runtime/stages.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>

int vm_network_in(const struct container *c, int sock, int *ret, struct err *err)
{
	CLEAN(fd) int netns = -1;
	CLEAN(fd) int helper = -1;
	int rc;

	if (!c->state.vm)
		return 0;
	rc = stages_network(sock, &netns, err);
	if (rc < 0)
		return rc;
	helper = helper_open(NET_HELPER, err);
	rc = helper < 0 ? helper : netns_guest_connect(helper, netns, ret, err);
	return rc < 0 ? err_wrap(err, "the micro-VM's network: ") : 0;
}

/* One of its own ends with it, and with it all that is in it. */
int vm_network_out(const struct container *c, struct err *err)
{
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(fd) int netns = -1;
	CLEAN(fd) int helper = -1;
	const char *path;
	int rc;

	if (!c->state.vm)
		return 0;
	rc = container_spec(c, &spec, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	path = spec.lin.namespaces[NS_NETWORK].path;
	netns = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	/* Whose it was has ended it. */
	if (netns < 0)
		return 0;
	helper = helper_open(NET_HELPER, err);
	return helper < 0 ? helper : netns_guest_disconnect(helper, netns, err);
}
