/* features: the standard's features.md, from the tables that the rest of the program works by */
#include "oci/oci.h"

#include "base/json.h"
#include "rootfs/options.h"
#include "spec/names.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OCI_VERSION_MIN "1.0.0"

static struct json_object *object(struct json_object *in, const char *key)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(in, key, o);
	return o;
}

static struct json_object *list(struct json_object *in, const char *key)
{
	struct json_object *o = json_object_new_array();

	json_object_object_add(in, key, o);
	return o;
}

static void add(struct json_object *in, const char *word)
{
	json_object_array_add(in, json_object_new_string(word));
}

static void words(struct json_object *in, const char *key, enum spec_words_id id)
{
	struct json_object *to = list(in, key);
	size_t count;
	const struct spec_word *word = spec_words(id, &count);

	for (size_t i = 0; i < count; i++)
		add(to, word[i].word);
}

static void enabled(struct json_object *in, const char *key, bool yes)
{
	json_put_bool(object(in, key), "enabled", yes);
}

/*
 * A filter that isn't there, with this flag: the kernel looks at the flag first, and a known one fails
 * with EFAULT. WAIT_KILLABLE_RECV is taken only beside NEW_LISTENER.
 */
static bool kernel_has_flag(int flag)
{
	unsigned int flags = (unsigned int)flag;

	if (flags == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

static void seccomp(struct json_object *in)
{
	struct json_object *o = object(in, "seccomp"), *supported;
	size_t count;
	const struct spec_word *flag = spec_words(WORDS_SECCOMP_FLAG, &count);

	json_put_bool(o, "enabled", true);
	words(o, "actions", WORDS_SECCOMP_ACTION);
	words(o, "operators", WORDS_SECCOMP_OP);
	words(o, "archs", WORDS_SECCOMP_ARCH);
	words(o, "knownFlags", WORDS_SECCOMP_FLAG);
	supported = list(o, "supportedFlags");
	for (size_t i = 0; i < count; i++)
		if (kernel_has_flag(flag[i].value))
			add(supported, flag[i].word);
}

/* What the program can do, not what this kernel has: but for what stands in seccomp above. */
static const struct {
	const char *key;
	bool yes;
} cgroup_rows[] = {
	{ "v1", false }, { "v2", true }, { "systemd", true }, { "systemdUser", true },
	{ "rdma", true },
}, linux_rows[] = {
	{ "apparmor", true }, { "selinux", true }, { "intelRdt", false }, { "netDevices", true },
};

static void linux_part(struct json_object *in)
{
	struct json_object *o = object(in, "linux"), *policy, *cgroup;

	words(o, "namespaces", WORDS_NS);
	words(o, "capabilities", WORDS_CAP);
	cgroup = object(o, "cgroup");
	for (size_t i = 0; i < ARRAY_LEN(cgroup_rows); i++)
		json_put_bool(cgroup, cgroup_rows[i].key, cgroup_rows[i].yes);
	seccomp(o);
	for (size_t i = 0; i < ARRAY_LEN(linux_rows); i++)
		enabled(o, linux_rows[i].key, linux_rows[i].yes);
	policy = object(o, "memoryPolicy");
	words(policy, "modes", WORDS_MEMPOLICY_MODE);
	words(policy, "flags", WORDS_MEMPOLICY_FLAG);
	enabled(object(o, "mountExtensions"), "idmap", true);
}

static struct json_object *document(void)
{
	struct json_object *o = json_object_new_object(), *to;

	json_put_string(o, "ociVersionMin", OCI_VERSION_MIN);
	json_put_string(o, "ociVersionMax", SPEC_OCI_VERSION);
	to = list(o, "hooks");
	for (enum spec_hook_point point = 0; point < HOOK_POINTS; point++)
		add(to, spec_hook_name(point));
	to = list(o, "mountOptions");
	for (size_t i = 0; mount_option_word(i); i++)
		add(to, mount_option_word(i));
	linux_part(o);
	json_put_string(object(o, "annotations"), "dev.ctr.version", CTR_VERSION);
	/* With a dot at its end: all that begin so. They choose the rootfs and the walls. */
	add(list(o, "potentiallyUnsafeConfigAnnotations"), "dev.ctr.");
	return o;
}

int oci_verb_features(struct call *call)
{
	CLEAN(json) struct json_object *o = document();
	CLEAN(str) struct str out = { 0 };

	oci_put_json(&out, o, true);
	return call_print(call, out.text, out.len);
}
