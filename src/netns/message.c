/* What passes between us and ctr-net, looked at by who gets it. */
#include "base/helper.h"
#include "base/str.h"
#include "netns/devices.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MS 30000

/* dev_valid_name() and dev_alloc_name() of the kernel's net/core/dev.c. */
bool net_name_ok(const char name[IFNAMSIZ], bool pattern)
{
	size_t len = strnlen(name, IFNAMSIZ);
	const char *percent;

	if (len == 0 || len == IFNAMSIZ || str_eq(name, ".") || str_eq(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr("/: \t\n\v\f\r", name[i]) || (unsigned char)name[i] < 0x20)
			return false;
	percent = strchr(name, '%');
	return !percent || (pattern && percent[1] == 'd' && !strchr(percent + 1, '%'));
}

static bool devices_ok(const struct net_devices *d)
{
	if (d->count > NET_DEVICES_MAX)
		return false;
	for (uint32_t i = 0; i < d->count; i++)
		if (!net_name_ok(d->items[i].name, false) ||
		    !net_name_ok(d->items[i].wanted, true) || d->items[i].index < 0 ||
		    d->items[i].was_index < 0)
			return false;
	return true;
}

bool net_request_ok(const struct net_request *r)
{
	return r->magic == NET_MAGIC && r->version == NET_VERSION && devices_ok(&r->devices);
}

int net_answer_check(struct net_answer *a, const struct net_devices *asked, struct err *err)
{
	if (a->magic != NET_MAGIC || a->version != NET_VERSION || a->devices.count != asked->count)
		return err_set(err, EPROTO,
			       NET_HELPER " is of another version than we are: install both anew");
	for (uint32_t i = 0; i < asked->count; i++)
		if (memcmp(&a->devices.items[i], &asked->items[i],
			   offsetof(struct net_device, index)) != 0)
			return err_set(err, EPROTO, NET_HELPER " answers what it was not asked");
	if (!devices_ok(&a->devices))
		return err_set(err, EPROTO, NET_HELPER " answers what can't be");
	a->err.text[sizeof(a->err.text) - 1] = '\0';
	if (a->err.code)
		*err = a->err;
	return a->err.code > 0 ? -a->err.code : 0;
}

int net_ask(int helper, const int *fds, size_t fd_count, const struct net_request *request,
	    struct net_answer *answer, bool *partial, struct err *err)
{
	const struct helper_call call = {
		.exe = helper,
		.name = NET_HELPER,
		.request = request,
		.request_len = sizeof(*request),
		.fds = fds,
		.fd_count = fd_count,
		.answer = answer,
		.answer_len = sizeof(*answer),
		.partial_len = offsetof(struct net_answer, err),
		.partial = partial,
		.timeout_ms = TIMEOUT_MS,
	};
	struct err ignored;
	int rc = helper_ask(&call, err);

	if (rc < 0 && partial)
		*partial = *partial && net_answer_check(answer, &request->devices, &ignored) == 0;
	return rc < 0 ? rc : net_answer_check(answer, &request->devices, err);
}
