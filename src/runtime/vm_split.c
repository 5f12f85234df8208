/* One spec into two: what is a container on the host, and what is one in the guest. */
#include "runtime/vm.h"

#include "runtime/rootless.h"
#include "spec/load.h"
#include "wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define LAUNCHER_FDS 270000 /* microvm/share.h: what one share may take, and some */

/*
 * What the launcher needs, in a user namespace of its own: to serve files as their owners, and to go to a root of its
 * own before the guest begins. It drops the last one then.
 */
static const char *const launcher_caps[] = {
	"CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID",
	"CAP_SETUID", "CAP_SETGID",       "CAP_SETFCAP", "CAP_SYS_ADMIN",
};

static struct json_object *copy(struct json_object *o)
{
	struct json_object *ret = NULL;

	(void)json_object_deep_copy(o, &ret, NULL);
	return ret;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	return json_object_object_get(o, key);
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *value = member(o, key);

	return value ? json_object_get_string(value) : "";
}

static void drop(struct json_object *o, const char *const *keys, size_t count)
{
	for (size_t i = 0; o && i < count; i++)
		json_object_object_del(o, keys[i]);
}

/* ---- mounts ---------------------------------------------------------------------------------- */

/* What shows the kernel it is mounted in: the guest's own is wanted. */
bool vm_mounts_inside(const char *type)
{
	static const char *const types[] = { "proc",   "sysfs",  "tmpfs",  "devpts",
					     "mqueue", "cgroup", "cgroup2" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i]))
			return true;
	return false;
}

/* The launcher has a /proc to begin with, and devices for its terminal. */
static bool is_launchers(const char *destination)
{
	return str_eq(destination, "/proc") || str_eq(destination, "/dev") ||
	       str_eq(destination, "/dev/pts");
}

/* Of what is mounted in the guest the place alone: it may have to be made, and root be read-only then. */
static struct json_object *placeholder(const char *destination)
{
	struct json_object *m = json_object_new_object();
	CLEAN(strv) struct strv options = { 0 };

	strv_split(&options, "nosuid,nodev,noexec,mode=755,size=4k", ',');
	json_put_string(m, "destination", destination);
	json_put_string(m, "type", "tmpfs");
	json_put_string(m, "source", "tmpfs");
	json_put_strv(m, "options", &options);
	return m;
}

/* What a mount may be on both sides. */
static bool is_restriction(const char *option)
{
	static const char *const words[] = { "ro", "rro", "nosuid", "nodev", "noexec" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(option, words[i]))
			return true;
	return false;
}

/* Where the root is a disk: the host mounts it at a place of its own, the guest binds it from there into the root. */
static void split_mount_beside(struct json_object *m, size_t number, struct json_object *host,
			       struct json_object *guest)
{
	struct json_object *theirs = copy(m), *mine = json_object_new_object();
	struct json_object *given = member(m, "options");
	size_t count = given ? json_object_array_length(given) : 0;
	CLEAN(free) char *place = xasprintf("/%zu", number);
	CLEAN(free) char *source = xasprintf(WIRE_VOLUMES "/%zu", number);
	CLEAN(strv) struct strv options = { 0 };

	strv_add(&options, "rbind");
	for (size_t i = 0; i < count; i++) {
		const char *option = json_object_get_string(json_object_array_get_idx(given, i));

		if (is_restriction(option))
			strv_add(&options, option);
	}
	json_put_string(theirs, "destination", place);
	json_put_string(mine, "destination", text(m, "destination"));
	json_put_string(mine, "type", "bind");
	json_put_string(mine, "source", source);
	json_put_strv(mine, "options", &options);
	json_object_array_add(host, theirs);
	json_object_array_add(guest, mine);
}

static void split_mounts(struct json_object *mounts, bool image, struct json_object *host,
			 struct json_object *guest)
{
	size_t count = mounts ? json_object_array_length(mounts) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		const char *to = text(m, "destination");
		bool kernels = vm_mounts_inside(text(m, "type"));

		if (kernels)
			json_object_array_add(guest, copy(m));
		if (image && !kernels)
			split_mount_beside(m, i, host, guest);
		else if (!kernels || is_launchers(to))
			json_object_array_add(host, copy(m));
		else if (!image && !str_starts(to, "/dev/"))
			json_object_array_add(host, placeholder(to));
	}
}

/* ---- the host's half --------------------------------------------------------------------------- */

static struct json_object *launcher_capabilities(void)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	struct json_object *caps = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct json_object *list = json_object_new_array();

		for (size_t n = 0; n < ARRAY_LEN(launcher_caps); n++)
			json_object_array_add(list, json_object_new_string(launcher_caps[n]));
		json_object_object_add(caps, sets[i], list);
	}
	return caps;
}

/*
 * As many as we may give: root of a container that this is in may lack CAP_SYS_RESOURCE. With fewer a share has fewer
 * (microvm/share.h), which is nothing that the user asked for and so nothing to be warned of.
 */
static uint64_t launcher_fds(void)
{
	struct rlimit now, more;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_max >= LAUNCHER_FDS)
		return LAUNCHER_FDS;
	more = (struct rlimit){ now.rlim_cur, LAUNCHER_FDS };
	if (setrlimit(RLIMIT_NOFILE, &more) < 0)
		return now.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &now);
	return LAUNCHER_FDS;
}

/* A file that the guest knows is an fd of the launcher's, who can't raise its limit any more. */
static struct json_object *launcher_rlimits(void)
{
	struct json_object *all = json_object_new_array(), *files = json_object_new_object();
	uint64_t count = launcher_fds();

	json_put_string(files, "type", "RLIMIT_NOFILE");
	json_put_u64(files, "soft", count);
	json_put_u64(files, "hard", count);
	json_object_array_add(all, files);
	return all;
}

/* The process becomes the launcher; what of it is the kernel's business with a process of the host's stays. */
static void host_process(struct json_object *process)
{
	static const char *const guests[] = {
		"user",         "args",           "env", "rlimits", "apparmorProfile",
		"selinuxLabel", "execCPUAffinity"
	};
	struct json_object *args = json_object_new_array();
	struct json_object *user = json_object_new_object();

	drop(process, guests, ARRAY_LEN(guests));
	json_object_array_add(args, json_object_new_string(VM_LAUNCHER));
	json_object_object_add(process, "args", args);
	json_put_u64(user, "uid", 0);
	json_put_u64(user, "gid", 0);
	json_object_object_add(process, "user", user);
	json_put_string(process, "cwd", "/");
	json_object_object_add(process, "capabilities", launcher_capabilities());
	json_put_bool(process, "noNewPrivileges", true);
	if (!rootless())
		json_object_object_add(process, "rlimits", launcher_rlimits());
}

/*
 * The launcher has these of its own also where the process shares the host's or joins another container's: what that
 * is to see it sees in the guest, and the launcher needs to see nobody.
 */
static void host_namespaces(struct json_object *lin)
{
	static const char *const own[] = { "pid", "ipc" };
	struct json_object *all = member(lin, "namespaces"), *kept = json_object_new_array();
	size_t count = all ? json_object_array_length(all) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *ns = json_object_array_get_idx(all, i);

		if (!str_eq(text(ns, "type"), own[0]) && !str_eq(text(ns, "type"), own[1]))
			json_object_array_add(kept, copy(ns));
	}
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct json_object *ns = json_object_new_object();

		json_put_string(ns, "type", own[i]);
		json_object_array_add(kept, ns);
	}
	json_object_object_add(lin, "namespaces", kept);
}

static void note(struct json_object *config, const char *key, const char *value)
{
	if (!member(config, "annotations"))
		json_object_object_add(config, "annotations", json_object_new_object());
	json_put_string(member(config, "annotations"), key, value);
}

static void host_half(struct json_object *host, const struct vm *vm)
{
	static const char *const guests[] = { "sysctl",        "seccomp",     "maskedPaths",
					      "readonlyPaths", "personality", "memoryPolicy" };
	static const char *const notes[] = { SPEC_ANNOTATION_SECCOMP, SPEC_ANNOTATION_ALLOW,
					     SPEC_ANNOTATION_INIT };

	drop(member(host, "linux"), guests, ARRAY_LEN(guests));
	if (member(host, "linux"))
		host_namespaces(member(host, "linux"));
	drop(member(host, "annotations"), notes, ARRAY_LEN(notes));
	json_object_object_del(host, "vm");
	if (vm->image)
		note(host, SPEC_ANNOTATION_ROOTFS, "empty");
	if (member(host, "process"))
		host_process(member(host, "process"));
}

/* ---- the guest's half --------------------------------------------------------------------------- */

static void guest_namespaces(struct json_object *lin)
{
	struct json_object *all = member(lin, "namespaces"), *kept = json_object_new_array();
	size_t count = all ? json_object_array_length(all) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *ns = json_object_array_get_idx(all, i), *mine;

		/* The network is the guest's own; users are as the host maps them. */
		if (str_eq(text(ns, "type"), "network") || str_eq(text(ns, "type"), "user"))
			continue;
		mine = copy(ns);
		json_object_object_del(mine, "path");
		json_object_array_add(kept, mine);
	}
	json_object_object_add(lin, "namespaces", kept);
}

static void guest_half(struct json_object *guest, const struct vm *vm)
{
	static const char *const hosts[] = { "cgroupsPath", "resources",   "netDevices",
					     "uidMappings", "gidMappings", "intelRdt" };
	static const char *const notes[] = { SPEC_ANNOTATION_ROOTFS, SPEC_ANNOTATION_ISOLATION,
					     SPEC_ANNOTATION_IMAGE };
	struct json_object *root = member(guest, "root");

	json_object_object_del(guest, "hooks");
	json_object_object_del(guest, "vm");
	drop(member(guest, "linux"), hosts, ARRAY_LEN(hosts));
	drop(member(guest, "annotations"), notes, ARRAY_LEN(notes));
	if (root)
		json_put_string(root, "path", WIRE_ROOTFS);
	if (vm->image)
		note(guest, SPEC_ANNOTATION_IMAGE, vm->image);
	/* Also where nothing may write: the mount points that it lacks have to be made. */
	if (vm->image && vm->image_readonly)
		note(guest, SPEC_ANNOTATION_ROOTFS, "overlay");
	if (member(guest, "linux"))
		guest_namespaces(member(guest, "linux"));
}

int vm_split(const struct spec *whole, struct json_object *more, struct vm *vm,
	     struct json_object **ret_guest, struct err *err)
{
	CLEAN(json) struct json_object *host = spec_to_json(whole);
	CLEAN(json) struct json_object *guest = copy(host);
	struct json_object *host_mounts = json_object_new_array();
	struct json_object *guest_mounts = json_object_new_array();
	CLEAN(strv) struct strv ignored = { 0 };
	int rc;

	split_mounts(member(host, "mounts"), vm->image, host_mounts, guest_mounts);
	for (size_t i = 0; more && i < json_object_array_length(more); i++)
		json_object_array_add(host_mounts, copy(json_object_array_get_idx(more, i)));
	json_object_object_add(host, "mounts", host_mounts);
	json_object_object_add(guest, "mounts", guest_mounts);
	host_half(host, vm);
	guest_half(guest, vm);
	rc = spec_from_json(host, "the launcher's half of config.json", &vm->host, &ignored, err);
	if (rc < 0)
		return rc;
	*ret_guest = guest;
	guest = NULL;
	return 0;
}

struct json_object *vm_process(const struct spec_process *process)
{
	struct spec spec = { .root_path = (char *)WIRE_ROOTFS,
			     .oci_version = (char *)SPEC_OCI_VERSION,
			     .process = *process,
			     .has_process = true };

	return spec_to_json(&spec);
}
