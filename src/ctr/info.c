/* ctr info, ctr version */
#include "ctr/verbs.h"

#include "base/file.h"
#include "base/json.h"
#include "cgroups/host.h"
#include "cgroups/pool.h"
#include "ctr/format.h"
#include "spec/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct json_object *list_of(const struct strv *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(list, json_object_new_string(v->items[i]));
	return list;
}

/* The words of a small file of the kernel's, as a list; an empty one where it isn't there. */
static struct json_object *words_of(const char *path)
{
	CLEAN(strv) struct strv all = { 0 }, words = { 0 };
	CLEAN(free) char *text = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, path, 65536, &text, NULL, &ignored) >= 0) {
		text[strcspn(text, "\n")] = '\0';
		strv_split(&all, text, ' ');
	}
	for (size_t i = 0; i < all.count; i++)
		if (*all.items[i])
			strv_add(&words, all.items[i]);
	return list_of(&words);
}

static struct json_object *kernel_part(void)
{
	struct json_object *o = json_object_new_object();
	struct utsname host;

	if (uname(&host) < 0)
		return o;
	json_put_string(o, "Release", host.release);
	json_put_string(o, "Machine", host.machine);
	json_put_string(o, "Hostname", host.nodename);
	return o;
}

static struct json_object *cgroup_part(struct call *call)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(strv) struct strv all = { 0 }, ours = { 0 };
	struct json_object *o = json_object_new_object();
	CLEAN(free) char *words = NULL;
	struct err err;

	if (cgroup_host_find(&host, &err) < 0) {
		strv_add(&call->warnings, err.text);
		return o;
	}
	words = cgroup_host_words(&host);
	json_put_string(o, "Layout", cgroup_layout_name(host.layout));
	json_put_string(o, "Mount", host.mount ? host.mount : "");
	json_put_string(o, "Words", words);
	if (host.fd >= 0 && cgroup_controllers(&host, "/", &ours, &err) < 0)
		strv_add(&call->warnings, err.text);
	json_object_object_add(o, "Controllers", list_of(&ours));
	if (controllers_list(&all, &err) < 0)
		strv_add(&call->warnings, err.text);
	json_object_object_add(o, "AllControllers", list_of(&all));
	return o;
}

/* Those that this kernel was built with. */
static struct json_object *namespaces_part(void)
{
	struct json_object *list = json_object_new_array();

	for (enum spec_ns ns = 0; ns < NS_KINDS; ns++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", spec_ns_proc(ns));
		if (access(path, F_OK) == 0)
			json_object_array_add(list, json_object_new_string(spec_ns_name(ns)));
	}
	return list;
}

static struct json_object *security_part(void)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "SeccompActions",
			       words_of("/proc/sys/kernel/seccomp/actions_avail"));
	json_object_object_add(o, "SecurityModules", words_of("/sys/kernel/security/lsm"));
	json_object_object_add(o, "MaxUserNamespaces",
			       words_of("/proc/sys/user/max_user_namespaces"));
	return o;
}

static struct json_object *containers_part(struct call *call)
{
	unsigned int count[STATUS_STOPPED + 1] = { 0 };
	struct json_object *o = json_object_new_object();
	CLEAN(strv) struct strv names = { 0 };
	struct err err;
	CLEAN(fd) int root = call_root(call, &err);

	if (root < 0 || state_list(root, &names, &err) < 0) {
		strv_add(&call->warnings, err.text);
		return o;
	}
	for (size_t i = 0; i < names.count; i++) {
		CLEAN(container) struct container c = CONTAINER_INIT;
		struct err ignored;

		if (container_open(root, names.items[i], &c, &ignored) >= 0)
			count[c.state.status]++;
	}
	for (enum status s = 0; s <= STATUS_STOPPED; s++)
		json_put_u64(o, status_name(s), count[s]);
	return o;
}

static struct json_object *versions_part(void)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "Ctr", CTR_VERSION);
	json_put_string(o, "RuntimeSpec", SPEC_OCI_VERSION);
	json_put_string(o, "JsonC", json_c_version());
	return o;
}

/* An object as indented lines, a list on one. */
static void put_lines(struct json_object *o, int indent, struct str *out)
{
	json_object_object_foreach (o, key, value) {
		str_printf(out, "%*s%s:", indent, "", key);
		if (json_object_is_type(value, json_type_object)) {
			str_add(out, "\n");
			put_lines(value, indent + 2, out);
			continue;
		}
		if (json_object_is_type(value, json_type_array))
			for (size_t i = 0; i < json_object_array_length(value); i++)
				str_printf(out, "%s %s", i ? "," : "",
					   json_object_get_string(
						   json_object_array_get_idx(value, i)));
		else
			str_printf(out, " %s", json_object_get_string(value));
		str_add(out, "\n");
	}
}

static int print(struct call *call, struct json_object *o)
{
	const struct format_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err;

	call_warn(call);
	if (!f->format) {
		put_lines(o, 0, &out);
	} else if (str_eq(f->format, "json")) {
		format_json(o, &out);
	} else {
		if (format_render(f->format, o, &out, &err) < 0)
			return call_fail(call, &err);
		str_add(&out, "\n");
	}
	return call_print(call, out.text, out.len);
}

int verb_info(struct call *call)
{
	CLEAN(json) struct json_object *o = json_object_new_object();

	json_object_object_add(o, "Versions", versions_part());
	json_object_object_add(o, "Kernel", kernel_part());
	json_object_object_add(o, "Cgroup", cgroup_part(call));
	json_object_object_add(o, "Namespaces", namespaces_part());
	json_object_object_add(o, "Security", security_part());
	json_put_string(o, "StateRoot", call->root);
	json_object_object_add(o, "Containers", containers_part(call));
	return print(call, o);
}

int verb_version(struct call *call)
{
	CLEAN(json) struct json_object *o = versions_part();

	return print(call, o);
}
