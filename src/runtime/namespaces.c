/* Rows about namespaces: entered by the parent and left again, or made and filled by the child. */
#include "runtime/stages.h"

#include "base/file.h"
#include "netns/loopback.h"
#include "rootfs/mnt.h"
#include "runtime/rootless.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* Those that the parent can enter and leave again. From user and mount there is no simple way back. */
static const enum spec_ns by_parent[] = { NS_NETWORK, NS_IPC, NS_UTS, NS_TIME, NS_PID };

/* Those that the child enters itself. The mount namespace last: /proc is another one behind it. */
static const enum spec_ns by_child[] = { NS_CGROUP, NS_MOUNT };

static bool joins_any(const struct plan *p, const enum spec_ns *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (p->join[kinds[i]] >= 0)
			return true;
	return false;
}

bool want_time_offsets(const struct plan *p)
{
	return p->new_time_ns && !p->by_stone;
}

bool want_given(const struct plan *p)
{
	return (p->new_time_ns || joins_any(p, by_parent, ARRAY_LEN(by_parent))) && !p->by_stone;
}

bool want_id_maps(const struct plan *p)
{
	return p->maps_written;
}

bool want_root(const struct plan *p)
{
	return p->maps_written || p->join[NS_USER] >= 0;
}

bool want_join(const struct plan *p)
{
	return joins_any(p, by_child, ARRAY_LEN(by_child));
}

bool want_cgroup_ns(const struct plan *p)
{
	return p->new_cgroup_ns;
}

bool want_hostname(const struct plan *p)
{
	return p->spec->hostname || p->spec->domainname;
}

bool want_loopback(const struct plan *p)
{
	return p->clone_flags & CLONE_NEWNET;
}

/* Remember the way back. */
static int keep_home(struct making *m, enum spec_ns kind, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", spec_ns_proc(kind));
	m->home[kind] = open(path, O_RDONLY | O_CLOEXEC);
	return m->home[kind] < 0 ? err_sys(err, "open %s", path) : 0;
}

/* What can't be left now (a setns wants memory) stays in m->home: the undo tries again. */
static int go_home(struct making *m, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(by_parent); i++) {
		enum spec_ns kind = by_parent[i];

		if (m->home[kind] < 0)
			continue;
		if (setns(m->home[kind], (int)spec_ns_flag(kind)) < 0)
			rc = err_sys(err, "linux.namespaces (%s): go back to our own",
				     spec_ns_name(kind));
		else
			close(take_fd(&m->home[kind]));
	}
	return rc;
}

void ns_go_home(struct making *m)
{
	struct err ignored;

	(void)!go_home(m, &ignored);
}

static int write_offsets(const struct spec_linux *lin, struct err *err)
{
	const struct {
		const char *name;
		const struct spec_time_offset *offset;
	} clocks[] = { { "boottime", &lin->time_boot }, { "monotonic", &lin->time_monotonic } };

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		char text[80];
		int rc;

		if (!clocks[i].offset->set)
			continue;
		snprintf(text, sizeof(text), "%s %lld %u", clocks[i].name,
			 (long long)clocks[i].offset->secs, clocks[i].offset->nanosecs);
		rc = file_poke(AT_FDCWD, "/proc/self/timens_offsets", text);
		if (rc < 0)
			return err_set(err, -rc,
				       "linux.timeOffsets.%s: the kernel refuses %lld s %u ns: %s",
				       clocks[i].name, (long long)clocks[i].offset->secs,
				       clocks[i].offset->nanosecs, strerror(-rc));
	}
	return 0;
}

/*
 * clone3 with CLONE_NEWTIME leaves no moment in which the offsets could be written, and on Linux 6.1
 * they come into force only for a process that is cloned into the namespace: so whoever is going to
 * clone makes it for its children and writes them.
 */
static int make_time(const struct making *m, struct err *err)
{
	if (unshare(CLONE_NEWTIME) < 0)
		return errno == EPERM && rootless() ?
			       err_set(err, EPERM,
				       "linux.namespaces (time): an ordinary user can't make one; "
				       "leave --time out") :
			       err_sys(err, "linux.namespaces (time): unshare");
	return write_offsets(&m->plan->spec->lin, err);
}

int ns_time_offsets(struct making *m, struct err *err)
{
	int rc = keep_home(m, NS_TIME, err);

	if (rc < 0)
		return rc;
	rc = make_time(m, err);
	if (rc < 0)
		ns_go_home(m);
	return rc;
}

static int enter(const struct making *m, enum spec_ns kind, struct err *err)
{
	const char *path = m->plan->spec->lin.namespaces[kind].path;

	if (setns(m->plan->join[kind], (int)spec_ns_flag(kind)) == 0)
		return 0;
	if (errno == EPERM && rootless() && m->plan->join[NS_USER] < 0)
		return err_set(
			err, EPERM,
			"linux.namespaces (%s).path: enter %s: an ordinary user has to join "
			"the user namespace that it belongs to as well: give that one's path",
			spec_ns_name(kind), path);
	return err_sys(err, "linux.namespaces (%s).path: enter %s", spec_ns_name(kind), path);
}

static int enter_for_a_while(struct making *m, enum spec_ns kind, struct err *err)
{
	int rc;

	if (m->plan->join[kind] < 0)
		return 0;
	rc = keep_home(m, kind, err);
	if (rc < 0)
		return rc;
	rc = enter(m, kind, err);
	if (rc < 0)
		close(take_fd(&m->home[kind]));
	return rc;
}

/*
 * The stepping stone's way in; after it come the clone and the stone's end. An ordinary user enters what
 * belongs to a user namespace from inside of that one only, and root what doesn't from outside only.
 */
int ns_enter_by_stone(struct making *m, struct err *err)
{
	const struct plan *p = m->plan;
	bool user = p->join[NS_USER] >= 0;
	int rc = user && rootless() ? enter(m, NS_USER, err) : 0;

	if (rc == 0 && p->new_time_ns)
		rc = make_time(m, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(by_parent); i++)
		if (p->join[by_parent[i]] >= 0)
			rc = enter(m, by_parent[i], err);
	return rc == 0 && user && !rootless() ? enter(m, NS_USER, err) : rc;
}

int ns_enter_given(struct making *m, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(by_parent); i++) {
		int rc = enter_for_a_while(m, by_parent[i], err);

		if (rc < 0) {
			ns_go_home(m);
			return rc;
		}
	}
	return 0;
}

int ns_leave_given(struct making *m, struct err *err)
{
	return go_home(m, err);
}

int ns_map_ids(struct making *m, struct err *err)
{
	const struct spec_linux *lin = &m->plan->spec->lin;

	if (rootless())
		return rootless_map_write(m->pid, &lin->uid_maps, &lin->gid_maps, err);
	if (mnt_map_write(m->pid, "uid_map", &lin->uid_maps, err) < 0)
		return err_wrap(err, "linux.uidMappings: ");
	if (mnt_map_write(m->pid, "gid_map", &lin->gid_maps, err) < 0)
		return err_wrap(err, "linux.gidMappings: ");
	return 0;
}

int ns_join(struct making *m, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(by_child); i++) {
		enum spec_ns kind = by_child[i];

		int rc = m->plan->join[kind] >= 0 ? enter(m, kind, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Until here we are the overflow id, in a joined namespace too, to whom files that we make could not belong. */
int ns_become_root(struct making *m, struct err *err)
{
	(void)m;
	if (setresgid(0, 0, 0) < 0)
		return err_sys(err, "linux.gidMappings: become group 0, which must be mapped");
	if (setresuid(0, 0, 0) < 0)
		return err_sys(err, "linux.uidMappings: become user 0, which must be mapped");
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_sys(err, "drop the host's groups");
	return 0;
}

/*
 * In the child, and not among the flags of the clone: there it would root the namespace at the
 * parent's group.
 */
int ns_cgroup(struct making *m, struct err *err)
{
	(void)m;
	return unshare(CLONE_NEWCGROUP) < 0 ? err_sys(err, "linux.namespaces (cgroup): unshare") :
					      0;
}

int ns_hostname(struct making *m, struct err *err)
{
	const char *host = m->plan->spec->hostname, *domain = m->plan->spec->domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return err_sys(err, "hostname: set \"%s\"", host);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_sys(err, "domainname: set \"%s\"", domain);
	return 0;
}

int ns_loopback(struct making *m, struct err *err)
{
	(void)m;
	return netns_loopback_up(err);
}
