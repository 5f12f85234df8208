/*
 * Profiles in docker's form, of which the standard's own object is a part: rules with conditions on
 * capabilities, architecture, kernel, and on what the user gave back, resolved for one container.
 */
#include "sandbox/profile.h"

#include "sandbox/profile_rule.h"

#include "base/file.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>

const struct profile_group profile_groups[] = {
	{ "userns", "new user namespaces: clone, clone3, unshare, setns" },
	{ "mount", "mount, umount2, pivot_root, fsopen ... (with userns: nested sandboxes)" },
	{ "bpf", "bpf" },
	{ "perf", "perf_event_open" },
	{ "io_uring", "io_uring_setup, io_uring_enter, io_uring_register" },
	{ "keyring", "keyctl, add_key, request_key" },
	{ "userfaultfd", "userfaultfd" },
	{ "af-alg", "sockets of family AF_ALG, the kernel's cryptography" },
	{ "af-vsock", "sockets of family AF_VSOCK, between virtual machine and host" },
	{ "af-rare", "sockets of all other families (CAN, Bluetooth, TIPC, XDP ...)" },
	{ "socketcall", "socketcall of old 32-bit programs, with whatever family" },
	{ "", "" },
};

bool profile_is_group(const char *word)
{
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		if (str_eq(g->name, word))
			return true;
	return false;
}

static int check_word(const char *word, struct err *err)
{
	CLEAN(str) struct str known = { 0 };

	if (profile_is_group(word))
		return 0;
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		str_printf(&known, "%s%s", known.len ? ", " : "", g->name);
	return err_set(err, EINVAL, "there is no group \"%s\"; there are %s", word, known.text);
}

int seccomp_profile_allow_check(const struct strv *allow, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < allow->count; i++)
		rc = check_word(allow->items[i], err);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* docker's way to say "this machine's architecture and those that it runs as well". */
static int read_arch_map(const struct json_at *map, const struct profile_context *c,
			 struct strv *ret, struct err *err)
{
	static const char *const keys[] = { "architecture", "subArchitectures", NULL };
	int rc = json_want_array(map, err);

	for (size_t i = 0; rc >= 0 && i < json_count(map); i++) {
		struct json_at item = json_item(map, i), main = json_get(&item, "architecture");
		struct json_at sub = json_get(&item, "subArchitectures");
		CLEAN(strv) struct strv others = { 0 };
		CLEAN(free) char *name = NULL;

		rc = profile_want_keys(&item, keys, err);
		if (rc == 0)
			rc = json_read_string(&main, &name, err);
		if (rc >= 0)
			rc = json_read_strv(&sub, &others, err);
		if (rc < 0 || !name || !str_eq(name, c->arch->name))
			continue;
		strv_add(ret, name);
		for (size_t j = 0; j < others.count; j++)
			strv_add(ret, others.items[j]);
	}
	return rc < 0 ? rc : 0;
}

static int read_head(const struct json_at *top, const struct profile_context *c,
		     struct spec_seccomp *ret, struct err *err)
{
	static const char *const keys[] = { "defaultAction",
					    "defaultErrnoRet",
					    "defaultErrno",
					    "archMap",
					    "architectures",
					    "flags",
					    "listenerPath",
					    "listenerMetadata",
					    "syscalls",
					    "comment",
					    NULL };
	struct json_at arches = json_get(top, "architectures"), map = json_get(top, "archMap");
	struct json_at flags = json_get(top, "flags"), listener = json_get(top, "listenerPath");
	struct json_at metadata = json_get(top, "listenerMetadata");
	int rc = profile_want_keys(top, keys, err);

	if (rc == 0)
		rc = profile_read_action(top, "defaultAction", &ret->default_action, err);
	if (rc == 0)
		rc = profile_read_errno(top, "defaultErrnoRet", "defaultErrno",
					&ret->default_errno_ret, err);
	if (rc == 0)
		rc = json_read_strv(&arches, &ret->architectures, err);
	if (rc > 0 && json_count(&arches) && json_count(&map))
		return json_fail(&map, err, EINVAL,
				 "there may be archMap or architectures, not both");
	if (rc >= 0)
		rc = read_arch_map(&map, c, &ret->architectures, err);
	if (rc >= 0)
		rc = json_read_strv(&flags, &ret->flags, err);
	if (rc >= 0)
		rc = json_read_string(&listener, &ret->listener_path, err);
	if (rc >= 0)
		rc = json_read_string(&metadata, &ret->listener_metadata, err);
	return rc < 0 ? rc : 0;
}

static int resolve(const struct json_at *top, const struct profile_context *c,
		   struct spec_seccomp *ret, struct err *err)
{
	struct json_at rules = json_get(top, "syscalls");
	int rc = read_head(top, c, ret, err);

	if (rc == 0)
		rc = json_want_array(&rules, err);
	for (size_t i = 0; rc >= 0 && i < json_count(&rules); i++) {
		struct json_at item = json_item(&rules, i);

		rc = profile_read_rule(&item, c, ret, err);
	}
	return rc < 0 ? rc : 0;
}

int seccomp_profile_resolve(const char *json, size_t len, const char *name, uint64_t caps,
			    const struct strv *allow, struct spec_seccomp *ret, struct err *err)
{
	struct profile_context c = { caps, allow, seccomp_arch_of_this_machine() };
	CLEAN(json) struct json_object *doc = NULL;
	struct json_at top = { 0 };
	int rc = allow ? seccomp_profile_allow_check(allow, err) : 0;

	if (rc == 0)
		rc = json_parse(json, len, name, &doc, err);
	if (rc < 0)
		return rc;
	top.value = doc;
	rc = resolve(&top, &c, ret, err);
	if (rc < 0) {
		spec_seccomp_free(ret);
		return err_wrap(err, "seccomp profile %s: ", name);
	}
	ret->set = true;
	return 0;
}

int seccomp_profile_default(uint64_t caps, const struct strv *allow, struct spec_seccomp *ret,
			    struct err *err)
{
	return seccomp_profile_resolve(profile_default_json, profile_default_len(), "of ours", caps,
				       allow, ret, err);
}

int seccomp_profile_load(const char *path, uint64_t caps, const struct strv *allow,
			 struct spec_seccomp *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(AT_FDCWD, path, JSON_SIZE_MAX, &text, &len, err);

	if (rc < 0)
		return err_wrap(err, "seccomp profile: ");
	return seccomp_profile_resolve(text, len, path, caps, allow, ret, err);
}
