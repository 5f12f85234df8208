#include "netns/devices.h"

#include "base/json.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static int name_copy(const char *name, bool pattern, char ret[IFNAMSIZ])
{
	if (strlen(name) >= IFNAMSIZ || !net_name_ok(name, pattern))
		return -EINVAL;
	memcpy(ret, name, strlen(name) + 1);
	return 0;
}

static int one_device(const struct spec_net_device *d, struct net_device *ret, struct err *err)
{
	char shown[64];

	if (name_copy(d->host_name, false, ret->name) < 0)
		return err_set(err, EINVAL,
			       "linux.netDevices: \"%s\" can't be the name of an interface",
			       json_show(d->host_name, shown, sizeof(shown)));
	if (name_copy(d->name && *d->name ? d->name : d->host_name, true, ret->wanted) < 0)
		return err_set(
			err, EINVAL,
			"linux.netDevices.%s.name: \"%s\" can't be the name of an interface: at "
			"most 15 bytes, no '/', ':' or space, and of '%%' only one \"%%d\"",
			ret->name, json_show(d->name, shown, sizeof(shown)));
	return 0;
}

static int is_free(const struct net_devices *d, const struct net_device *one, struct err *err)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (str_eq(d->items[i].wanted, one->wanted) && !strchr(one->wanted, '%'))
			return err_set(
				err, EINVAL,
				"linux.netDevices.%s.name: \"%s\" is already what \"%s\" will be "
				"called",
				one->name, one->wanted, d->items[i].name);
	return 0;
}

int netns_devices_plan(const struct spec_linux *lin, bool own, struct net_devices *ret,
		       struct err *err)
{
	size_t count = lin->net_devices.count;

	ret->count = 0;
	if (count && !own)
		return err_set(
			err, EINVAL,
			"linux.netDevices: the container is in the host's network namespace; give it "
			"one of its own: {\"type\": \"network\"} in linux.namespaces");
	if (count > NET_DEVICES_MAX)
		return err_set(err, E2BIG, "linux.netDevices: %zu interfaces; at most %d are moved",
			       count, NET_DEVICES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct net_device one = { 0 };
		int rc = one_device(&lin->net_devices.items[i], &one, err);

		if (rc == 0)
			rc = is_free(ret, &one, err);
		if (rc < 0)
			return rc;
		ret->items[ret->count++] = one;
	}
	return 0;
}

static int ask(int helper, int netns, enum net_job job, const struct net_devices *d,
	       struct net_answer *answer, bool *partial, struct err *err)
{
	const struct net_request request = {
		.magic = NET_MAGIC, .version = NET_VERSION, .job = job, .devices = *d
	};

	return net_ask(helper, &netns, 1, &request, answer, partial, err);
}

int netns_devices_move(int helper, int netns, struct net_devices *d, struct err *err)
{
	struct net_answer answer;
	struct err why;
	bool partial = false;
	int rc = ask(helper, netns, NET_DEVICES_MOVE, d, &answer, &partial, err);

	if (rc == 0)
		*d = answer.devices;
	if (rc == 0 || !partial)
		return rc;
	/* What it had on its way was known to it alone, so the addresses may be lost. */
	if (netns_devices_return(helper, netns, &answer.devices, &why) == 0) {
		err_append(err,
			   "; the interfaces are back: look whether they have their addresses");
		return rc;
	}
	err_append(err, "; ");
	err_append(err, why.text);
	err_append(err, "; what is virtual ends with the container's network namespace, other "
			"interfaces come back to the host's first one, perhaps under another name");
	return rc;
}

int netns_devices_return(int helper, int netns, const struct net_devices *d, struct err *err)
{
	struct net_answer answer;
	bool partial = false;

	return ask(helper, netns, NET_DEVICES_RETURN, d, &answer, &partial, err);
}
