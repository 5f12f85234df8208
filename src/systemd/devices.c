/*
 * Device rules in systemd's words. It knows a list of what is allowed, and nothing like "all of these
 * but one": our own eBPF program has the rules as they are, and beside it this one needs only never to
 * refuse what the rules allow. It matters all the same: with no list of its own, a daemon-reload
 * would leave ours alone on guard, and systemctl would show a unit that may do everything.
 */
#include "systemd/props.h"

#include <inttypes.h>

/* One line of DeviceAllow while the rules are gone through. */
struct allowed {
	char type;            /* 'b' or 'c' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

struct allow_list {
	struct allowed *items;
	size_t count;
};

static int64_t number(const struct opt_i64 *n)
{
	return n->set ? n->value : -1;
}

static bool within(int64_t narrow, int64_t wide)
{
	return wide == -1 || narrow == wide;
}

/* Are these all devices that the rule speaks of? */
static bool covers(const struct spec_device_rule *rule, const struct allowed *a)
{
	return (rule->type == 'a' || rule->type == a->type) &&
	       within(a->major, number(&rule->major)) && within(a->minor, number(&rule->minor));
}

static void allow(struct allow_list *list, const struct spec_device_rule *rule, char type)
{
	struct allowed a = { type,       number(&rule->major), number(&rule->minor),
			     rule->read, rule->write,          rule->mknod };

	/* A minor of any major is something that it has no word for. */
	if (a.major == -1)
		a.minor = -1;
	for (size_t i = 0; i < list->count; i++) {
		struct allowed *old = &list->items[i];

		if (old->type != a.type || old->major != a.major || old->minor != a.minor)
			continue;
		old->read |= a.read;
		old->write |= a.write;
		old->mknod |= a.mknod;
		return;
	}
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = a;
}

static void deny(struct allow_list *list, const struct spec_device_rule *rule)
{
	for (size_t i = 0; i < list->count; i++) {
		struct allowed *a = &list->items[i];

		if (!covers(rule, a))
			continue;
		a->read &= !rule->read;
		a->write &= !rule->write;
		a->mknod &= !rule->mknod;
	}
}

static void put_pair(struct json_object *array, const char *specifier, const struct allowed *a)
{
	struct json_object *pair = json_object_new_array();
	char access[4] = "";
	int len = 0;

	if (a->read)
		access[len++] = 'r';
	if (a->write)
		access[len++] = 'w';
	if (a->mknod)
		access[len++] = 'm';
	access[len] = '\0';
	json_object_array_add(pair, json_object_new_string(specifier));
	json_object_array_add(pair, json_object_new_string(access));
	json_object_array_add(array, pair);
}

/*
 * systemd.resource-control(5): a node's path, or "char-" and a name of /proc/devices or its number.
 * Neither has to be there: it reads the numbers from the name.
 */
static void put(struct json_object *array, const struct allowed *a)
{
	const char *kind = a->type == 'b' ? "block" : "char";
	CLEAN(free) char *specifier = NULL;

	if (!a->read && !a->write && !a->mknod)
		return;
	if (a->major == -1)
		specifier = xasprintf("%s-*", kind);
	else if (a->minor == -1)
		specifier = xasprintf("%s-%" PRId64, kind, a->major);
	else
		specifier = xasprintf("/dev/%s/%" PRId64 ":%" PRId64, kind, a->major, a->minor);
	put_pair(array, specifier, a);
}

void systemd_props_devices(struct json_object *props, const struct spec_device_rule *rules,
			   size_t count, bool allow_all)
{
	struct json_object *array = json_object_new_array();
	struct allow_list list = { 0 };

	for (size_t i = 0; i < count && !allow_all; i++) {
		const struct spec_device_rule *rule = &rules[i];

		if (!rule->allow)
			deny(&list, rule);
		if (rule->allow && rule->type != 'b')
			allow(&list, rule, 'c');
		if (rule->allow && rule->type != 'c')
			allow(&list, rule, 'b');
	}
	for (size_t i = 0; i < list.count; i++)
		put(array, &list.items[i]);
	free(list.items);
	/* strict with an empty list lets nothing through, auto lets everything. */
	systemd_prop(props, "DevicePolicy", "s",
		     json_object_new_string(allow_all ? "auto" : "strict"));
	systemd_prop(props, "DeviceAllow", "a(ss)", array);
}
