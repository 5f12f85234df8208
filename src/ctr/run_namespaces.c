/* --network, --pid, --ipc, --uts, --cgroupns, --userns, --time, and what comes with them. */
#include "ctr/run_make.h"

#include "runtime/rootless.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* What each flag may say beside host, container:NAME, ns:PATH and /PATH. */
struct ns_flag {
	const char *flag;
	enum spec_ns ns;
	size_t value;           /* of the flag's string in struct run_flags */
	const char *private[3]; /* words for a new one */
	const char *later;      /* a word that is known and not there yet */
};

#define TO(field) offsetof(struct run_flags, field)

static const struct ns_flag ns_flags[] = {
	{ "network", NS_NETWORK, TO(network), { "none", "private" }, "bridge" },
	{ "pid", NS_PID, TO(pid), { "private" } },
	{ "ipc", NS_IPC, TO(ipc), { "private", "none", "shareable" } },
	{ "uts", NS_UTS, TO(uts), { "private" } },
	{ "cgroupns", NS_CGROUP, TO(cgroupns), { "private" } },
	{ "userns", NS_USER, TO(userns), { "private", "auto" }, "keep-id" },
	{ "time", NS_TIME, TO(timens), { "private" } },
};

static void ns_set(struct spec_namespace *ns, bool wanted, char *path)
{
	free(ns->path);
	ns->wanted = wanted;
	ns->path = path;
}

/* A running container's first process. */
static int container_pid(const struct run_made *m, const char *flag, const char *name, pid_t *ret,
			 struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	int r = container_open(m->state_root, name, &c, err);

	if (r < 0)
		return err_wrap(err, "--%s container:%s: ", flag, name);
	if (c.state.status != STATUS_RUNNING && c.state.status != STATUS_PAUSED &&
	    c.state.status != STATUS_CREATED)
		return err_set(err, EINVAL, "--%s container:%s: that container is not running",
			       flag, name);
	*ret = c.state.pid;
	return 0;
}

/* With the host's IPC namespace the host's own /dev/shm and /dev/mqueue belong to it. */
static void host_ipc(struct run_made *m)
{
	mount_remove(&m->spec, "/dev/shm");
	mount_remove(&m->spec, "/dev/mqueue");
	spec_add_mount(&m->spec, "/dev/shm", "bind", "/dev/shm",
		       "bind,nosuid,nodev,noexec,rprivate");
	if (access("/dev/mqueue", F_OK) == 0)
		spec_add_mount(&m->spec, "/dev/mqueue", "bind", "/dev/mqueue",
			       "bind,nosuid,nodev,noexec,rprivate");
}

/* The other's /dev/shm goes with its IPC namespace: POSIX shared memory and semaphores are there. */
static void container_shm(struct run_made *m, pid_t pid)
{
	CLEAN(free) char *source = xasprintf("/proc/%d/root/dev/shm", (int)pid);

	mount_remove(&m->spec, "/dev/shm");
	spec_add_mount(&m->spec, "/dev/shm", "bind", source, "bind,nosuid,nodev,noexec,rprivate");
}

static int join_container(struct run_made *m, const struct ns_flag *flag, const char *name,
			  struct err *err)
{
	struct spec_namespace *ns = &m->spec.lin.namespaces[flag->ns];
	pid_t pid = 0;
	int r = container_pid(m, flag->flag, name, &pid, err);

	if (r < 0)
		return r;
	ns_set(ns, true, xasprintf("/proc/%d/ns/%s", (int)pid, spec_ns_proc(flag->ns)));
	if (flag->ns == NS_IPC)
		container_shm(m, pid);
	/* An ordinary user has rights over that namespace only in the user namespace that owns it. */
	ns = &m->spec.lin.namespaces[NS_USER];
	if (rootless() && !ns->wanted)
		ns_set(ns, true, xasprintf("/proc/%d/ns/user", (int)pid));
	return 0;
}

static int ns_from_flag(struct run_made *m, const struct ns_flag *flag, const char *value,
			struct err *err)
{
	struct spec_namespace *ns = &m->spec.lin.namespaces[flag->ns];

	if (str_eq(value, "host")) {
		ns_set(ns, false, NULL);
		if (flag->ns == NS_IPC)
			host_ipc(m);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(flag->private) && flag->private[i]; i++) {
		if (str_eq(value, flag->private[i])) {
			ns_set(ns, true, NULL);
			if (str_eq(value, "none") && flag->ns == NS_IPC)
				mount_remove(&m->spec, "/dev/shm");
			return 0;
		}
	}
	if (str_starts(value, "container:"))
		return join_container(m, flag, value + strlen("container:"), err);
	if (str_starts(value, "ns:"))
		value += strlen("ns:");
	if (*value == '/') {
		ns_set(ns, true, xstrdup(value));
		return 0;
	}
	if (flag->later && str_starts(value, flag->later))
		return err_set(err, ENOTSUP,
			       "--%s %s is not there yet; use %s, host, container:NAME "
			       "or ns:PATH",
			       flag->flag, value, flag->private[0]);
	return err_set(err, EINVAL, "--%s: \"%s\" is none of %s, host, container:NAME, ns:PATH",
		       flag->flag, value, flag->private[0]);
}

/* ---- user namespace ---------------------------------------------------------------- */

static int id_map(const char *flag, const char *text, spec_id_maps *maps, struct err *err)
{
	CLEAN(strv) struct strv parts = { 0 };
	uint64_t n[3] = { 0, 0, 1 };

	strv_split(&parts, text, ':');
	if (parts.count < 2 || parts.count > 3)
		return err_set(err, EINVAL, "--%s: \"%s\" is not CONTAINER:HOST:COUNT", flag, text);
	for (size_t i = 0; i < parts.count; i++)
		if (str_to_u64(parts.items[i], i == 2, UINT32_MAX, &n[i]) < 0)
			return err_set(err, EINVAL, "--%s %s: \"%s\" is no id or count", flag, text,
				       parts.items[i]);
	*SPEC_ADD(maps) = (struct spec_id_map){ (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2] };
	return 0;
}

/*
 * A range of 65536 host ids for a container about which only "private" was said: by its random id,
 * in the range that systemd-nspawn takes its from (0x00080000 to 0x6FFEFFFF), which distributions
 * keep free of accounts.
 */
static void auto_maps(struct run_made *m)
{
	char digits[9] = { 0 };
	uint32_t base;

	memcpy(digits, m->id, 8);
	base = 0x00080000 + (uint32_t)(strtoul(digits, NULL, 16) % 0x6FF7) * 0x10000;
	*SPEC_ADD(&m->spec.lin.uid_maps) = (struct spec_id_map){ 0, base, 65536 };
	*SPEC_ADD(&m->spec.lin.gid_maps) = (struct spec_id_map){ 0, base, 65536 };
}

static int user_namespace(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct spec_linux *lin = &m->spec.lin;
	struct spec_namespace *ns = &lin->namespaces[NS_USER];
	int r = 0;

	if ((f->uidmap.count || f->gidmap.count) && f->userns && (!ns->wanted || ns->path))
		return err_set(err, EINVAL,
			       "--uidmap and --gidmap are for a new user namespace, not for "
			       "--userns %s",
			       f->userns);
	if (f->uidmap.count || f->gidmap.count) {
		ns_set(ns, true, NULL);
		lin->uid_maps.count = lin->gid_maps.count = 0;
	}
	for (size_t i = 0; i < f->uidmap.count && r >= 0; i++)
		r = id_map("uidmap", f->uidmap.items[i], &lin->uid_maps, err);
	for (size_t i = 0; i < f->gidmap.count && r >= 0; i++)
		r = id_map("gidmap", f->gidmap.items[i], &lin->gid_maps, err);
	if (r < 0)
		return r;
	if (f->uidmap.count && !f->gidmap.count)
		for (size_t i = 0; i < lin->uid_maps.count; i++)
			*SPEC_ADD(&lin->gid_maps) = lin->uid_maps.items[i];
	else if (f->gidmap.count && !f->uidmap.count)
		for (size_t i = 0; i < lin->gid_maps.count; i++)
			*SPEC_ADD(&lin->uid_maps) = lin->gid_maps.items[i];
	/* An ordinary user has no rights but in a user namespace. */
	if (rootless() && !f->userns && !ns->wanted)
		ns_set(ns, true, NULL);
	if (!ns->wanted || ns->path || lin->uid_maps.count)
		return 0;
	if (rootless())
		return rootless_maps(&lin->uid_maps, &lin->gid_maps, m->warnings, err);
	if (f->userns)
		auto_maps(m);
	return 0;
}

/* ---- names and clocks -------------------------------------------------------------- */

static int host_names(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct spec_namespace *uts = &m->spec.lin.namespaces[NS_UTS];
	bool own = uts->wanted && !uts->path;
	struct utsname host;

	if (!own && (f->hostname || f->domainname))
		return err_set(err, EINVAL, "--%s: not with %s, whose name it would change",
			       f->hostname ? "hostname" : "domainname",
			       f->uts ? "that --uts" : "a uts namespace that is not its own");
	if (!own) {
		if (!m->from_bundle) {
			free(m->spec.hostname);
			m->spec.hostname = NULL;
		}
		return 0;
	}
	if (f->hostname) {
		free(m->spec.hostname);
		m->spec.hostname = xstrdup(f->hostname);
	} else if (!m->spec.hostname && !m->from_bundle) {
		/* On the host's network it is found by the host's name. */
		if (!m->spec.lin.namespaces[NS_NETWORK].wanted && uname(&host) == 0)
			m->spec.hostname = xstrdup(host.nodename);
		else
			m->spec.hostname = xstrndup(m->id, 12);
	}
	if (f->domainname) {
		free(m->spec.domainname);
		m->spec.domainname = xstrdup(f->domainname);
	}
	return 0;
}

static int clocks(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct spec_namespace *ns = &m->spec.lin.namespaces[NS_TIME];

	if (!f->boottime.set && !f->monotonic.set)
		return 0;
	if (f->timens && (!ns->wanted || ns->path))
		return err_set(err, EINVAL,
			       "--boottime and --monotonic are for a new time namespace, not for "
			       "--time %s",
			       f->timens);
	ns_set(ns, true, NULL);
	m->spec.lin.time_boot = (struct spec_time_offset){ f->boottime.set, f->boottime.value, 0 };
	m->spec.lin.time_monotonic =
		(struct spec_time_offset){ f->monotonic.set, f->monotonic.value, 0 };
	return 0;
}

int run_namespaces(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(ns_flags) && r >= 0; i++) {
		const char *value = *(const char *const *)((const char *)f + ns_flags[i].value);

		if (value)
			r = ns_from_flag(m, &ns_flags[i], value, err);
	}
	if (r >= 0)
		r = user_namespace(f, m, err);
	if (r >= 0)
		r = host_names(f, m, err);
	if (r >= 0)
		r = clocks(f, m, err);
	for (size_t i = 0; i < f->sysctl.count && r >= 0; i++) {
		r = want_assignment("sysctl", f->sysctl.items[i], err);
		if (r >= 0)
			strv_env_put(&m->spec.lin.sysctl, f->sysctl.items[i]);
	}
	return r;
}
