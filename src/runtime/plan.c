#include "runtime/plan.h"

#include "base/json.h"
#include "runtime/notify.h"
#include "runtime/sdnotify.h"
#include "sandbox/caps.h"
#include "sandbox/profile.h"
#include "sandbox/rights.h"
#include "sandbox/sysctl.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_CGROUP_PARENT "/ctr"
#define SECCOMP_CACHE ".seccomp"

void plan_free(struct plan *p)
{
	free(p->name);
	free(p->id);
	free(p->staging);
	free(p->root_path);
	free(p->cgroup);
	free(p->attach_below);
	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		clean_fd(&p->join[kind]);
	cgroup_host_free(&p->host);
	cgroup_settings_free(&p->limits);
	cgroup_devices_free(&p->devices);
	systemd_unit_free(&p->unit);
	systemd_manager_free(&p->systemd);
	free(p->unit_mark);
	json_drop(&p->unit_props);
	if (p->have_rootfs)
		rootfs_plan_free(&p->rootfs);
	seccomp_filter_free(&p->seccomp);
	strv_free(&p->env);
	clean_fd(&p->console_socket);
	clean_fd(&p->net_helper);
	vm_free(&p->vm);
	*p = PLAN_INIT;
}

/* What the container may have at most: in a user namespace of its own, all that there are. */
static void plan_caps(struct plan *p, struct strv *warnings)
{
	bool own = (p->clone_flags & CLONE_NEWUSER) || p->join[NS_USER] >= 0;

	p->caps = p->process->caps;
	/* No list is an empty list: who forgets it must not get everything. */
	p->caps.set = true;
	caps_clip(&p->caps, own ? caps_known_mask() : caps_available(), warnings);
}

static int plan_seccomp(struct plan *p, struct strv *warnings, struct err *err)
{
	const char *profile = spec_annotation(p->spec, SPEC_ANNOTATION_SECCOMP);
	const char *allow_text = spec_annotation(p->spec, SPEC_ANNOTATION_ALLOW);
	CLEAN(free) char *cache = xasprintf("%s/" SECCOMP_CACHE, p->root_path);
	CLEAN(strv) struct strv allow = { 0 };
	int rc;

	if (p->spec->lin.seccomp.set) {
		rc = seccomp_filter_get(cache, &p->spec->lin.seccomp, &p->seccomp, warnings, err);
	} else if (profile && str_eq(profile, "default")) {
		if (allow_text && *allow_text)
			strv_split(&allow, allow_text, ',');
		rc = seccomp_filter_get_default(cache, p->caps.bounding, &allow, &p->seccomp,
						warnings, err);
	} else if (profile) {
		rc = err_set(err, EINVAL,
			     "annotations." SPEC_ANNOTATION_SECCOMP
			     ": no such profile \"%s\"; there is \"default\"",
			     profile);
	} else {
		return 0;
	}
	if (rc == 0)
		rc = notify_check(&p->spec->lin.seccomp, p->seccomp.wants_listener, err);
	return rc;
}

/* What is in the standard and can't be had from this version: said, not passed over. */
static int refuse_unsupported(const struct spec *spec, struct err *err)
{
	const char *isolation = spec_annotation(spec, SPEC_ANNOTATION_ISOLATION);

	if (spec->lin.intel_rdt.set)
		return err_set(
			err, ENOTSUP, "linux.intelRdt: %s; leave the key out",
			access("/sys/fs/resctrl", F_OK) < 0 ?
				"this kernel controls no caches nor memory bandwidth: there is no "
				"/sys/fs/resctrl (it needs a processor with RDT)" :
				"this version does not write to /sys/fs/resctrl");
	if (isolation && !str_eq(isolation, "process") && !spec_wants_vm(spec))
		return err_set(err, ENOTSUP,
			       "annotations." SPEC_ANNOTATION_ISOLATION
			       ": \"%s\" is not supported by this version, only \"process\", "
			       "\"vm\" and \"emulated\"",
			       isolation);
	return 0;
}

static int console_connect(struct plan *p, const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (!path)
		return 0;
	if (!p->process->terminal)
		return err_set(err, EINVAL,
			       "a console socket was given (%s) but process.terminal is false",
			       path);
	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(err, ENAMETOOLONG, "console socket %s: the path is too long", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	p->console_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->console_socket < 0 ||
	    connect(p->console_socket, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, "connect to the console socket %s", path);
	return 0;
}

static int plan_rootfs(struct plan *p, struct strv *warnings, struct err *err)
{
	CLEAN(free)
	char *notify = p->notify_socket ? xasprintf("%s/" SDNOTIFY_FOLDER, p->staging) : NULL;
	struct rootfs_choices choices = {
		.notify_from = notify,
		.notify_to = SDNOTIFY_DIR,
		.bundle = p->opt->bundle,
		.staging = p->staging,
		.cgroup_mount = p->host.mount,
		.cgroup_own = p->cgroup,
		.no_pivot = p->opt->no_pivot,
	};

	int rc;

	if (p->join[NS_MOUNT] >= 0)
		return 0;
	rc = rootfs_plan_make(p->spec, &choices, &p->rootfs, warnings, err);
	p->have_rootfs = rc == 0;
	return rc;
}

static void plan_process(struct plan *p, const struct spec_process *process)
{
	p->process = process;
	for (size_t i = 0; i < process->env.count; i++)
		strv_add(&p->env, process->env.items[i]);
}

/* Whose sockets they are is known when it is there (LISTEN_PID: rights.c). */
static void plan_listen(struct plan *p)
{
	CLEAN(free) char *count = xasprintf("LISTEN_FDS=%u", p->opt->listen_fds);
	CLEAN(free) char *names = NULL;

	p->listen_fds = p->opt->listen_fds;
	if (!p->listen_fds)
		return;
	strv_env_put(&p->env, count);
	if (!p->opt->listen_names)
		return;
	names = xasprintf("LISTEN_FDNAMES=%s", p->opt->listen_names);
	strv_env_put(&p->env, names);
}

/* How the payload says of its state, to whom it says it not. */
static void plan_notify(struct plan *p)
{
	CLEAN(free) char *usec = NULL;

	p->notify_socket = p->opt->notify_socket;
	if (!p->notify_socket)
		return;
	strv_env_put(&p->env, "NOTIFY_SOCKET=" SDNOTIFY_DIR "/" SDNOTIFY_NAME);
	if (!p->opt->watchdog_usec)
		return;
	usec = xasprintf("WATCHDOG_USEC=%s", p->opt->watchdog_usec);
	strv_env_put(&p->env, usec);
}

static void plan_basics(struct plan *p, const char *root_path)
{
	char id[65];
	const char *init = spec_annotation(p->spec, SPEC_ANNOTATION_INIT);

	if (!p->opt->id)
		container_id_make(id);
	p->name = xstrdup(p->opt->name);
	p->id = xstrdup(p->opt->id ? p->opt->id : id);
	p->root_path = xstrdup(root_path);
	p->staging = xasprintf("%s/%s", root_path, p->name);
	p->small_init = str_eq(init, "true");
	p->boots = str_eq(init, "systemd");
	p->preserve_fds = p->opt->preserve_fds;
	p->no_new_keyring = p->opt->no_new_keyring;
	p->pid_file = p->opt->pid_file;
	memcpy(p->stdio, p->opt->stdio, sizeof(p->stdio));
	plan_process(p, &p->spec->process);
	plan_listen(p);
	plan_notify(p);
}

static int sysctls_check(const struct plan *p, struct err *err)
{
	uint64_t own = p->clone_flags;

	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		if (p->join[kind] >= 0)
			own |= spec_ns_flag(kind);
	return sandbox_sysctl_check_all(&p->spec->lin.sysctl, own, err);
}

static int plan_all(struct plan *p, struct strv *warnings, struct err *err)
{
	int rc = state_name_check(p->name, err);

	if (rc == 0)
		rc = spec_validate(p->spec, err);
	if (rc == 0 && p->opt->start_by_caller && !p->spec->has_process)
		rc = err_set(err, EINVAL, "process: is missing; what is to be run?");
	if (rc == 0)
		rc = refuse_unsupported(p->spec, err);
	if (rc == 0)
		rc = rights_check(p->spec, err);
	if (rc == 0)
		rc = plan_namespaces(p, err);
	if (rc == 0)
		rc = plan_net_devices(p, err);
	if (rc == 0)
		rc = sysctls_check(p, err);
	if (rc == 0)
		plan_caps(p, warnings);
	if (rc == 0)
		rc = plan_seccomp(p, warnings, err);
	if (rc == 0)
		rc = plan_cgroup(p, warnings, err);
	if (rc == 0)
		rc = plan_rootfs(p, warnings, err);
	return rc < 0 ? rc : console_connect(p, p->opt->console_socket, err);
}

/* What is passed to a process by its fds or by a socket of the host's doesn't reach one in a guest. */
static int plan_vm(struct plan *p, struct err *err)
{
	const struct create_options *opt = p->opt;
	int rc = spec_validate(p->whole, err);

	if (rc == 0 && (opt->preserve_fds || opt->listen_fds || opt->notify_socket))
		rc = err_set(
			err, ENOTSUP,
			"fds, sockets of a service manager and a notify socket can't be passed "
			"into a micro-VM (--isolation vm)");
	if (rc == 0)
		rc = vm_plan(p->whole, opt, &p->vm, err);
	p->spec = &p->vm.host;
	return rc;
}

int plan_make(const char *root_path, struct spec *spec, const struct create_options *opt,
	      struct plan *ret, struct strv *warnings, struct err *err)
{
	int rc = 0;

	ret->spec = spec;
	ret->whole = spec;
	ret->opt = opt;
	if (spec_wants_vm(spec))
		rc = plan_vm(ret, err);
	if (rc == 0)
		plan_basics(ret, root_path);
	if (rc == 0)
		rc = plan_all(ret, warnings, err);
	if (rc < 0)
		plan_free(ret);
	return rc;
}

/* On the host it's a ctr-vm that passes on what the process in the guest says. */
static int plan_vm_exec(struct plan *p, const struct exec_options *opt, struct err *err)
{
	struct spec_process *launcher = &p->vm.host.process;
	CLEAN(free) char *folder = xasprintf("%s/%s", p->root_path, p->name);
	CLEAN(fd) int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (opt->preserve_fds)
		return err_set(err, ENOTSUP, "--preserve-fds: no fd can be passed into a micro-VM");
	if (dir < 0)
		return err_sys(err, "open %s", folder);
	launcher->cwd = xstrdup("/");
	strv_add(&launcher->args, VM_LAUNCHER);
	launcher->terminal = opt->process->terminal;
	launcher->console_width = opt->process->console_width;
	launcher->console_height = opt->process->console_height;
	launcher->no_new_privileges = true;
	return vm_plan_exec(opt->process, dir, &p->vm, err);
}

int plan_make_exec(const char *root_path, struct spec *spec, const struct exec_options *opt,
		   const struct state *of, struct plan *ret, struct strv *warnings, struct err *err)
{
	int rc = 0;

	ret->spec = spec;
	ret->whole = spec;
	ret->name = xstrdup(of->name);
	ret->id = xstrdup(of->id ? of->id : of->name);
	ret->root_path = xstrdup(root_path);
	ret->preserve_fds = opt->preserve_fds;
	ret->no_new_keyring = opt->no_new_keyring;
	ret->pid_file = opt->pid_file;
	ret->session = opt->session;
	ret->ends_with_caller = opt->ends_with_caller;
	memcpy(ret->stdio, opt->stdio, sizeof(ret->stdio));
	/* The filter is the container's, also where the process is given more than its init has. */
	ret->caps = spec->process.caps;
	if (spec_wants_vm(spec))
		rc = plan_vm_exec(ret, opt, err);
	else
		rc = plan_seccomp(ret, warnings, err);
	ret->boots = str_eq(spec_annotation(spec, SPEC_ANNOTATION_INIT), "systemd");
	plan_process(ret, ret->vm.wanted ? &ret->vm.host.process : opt->process);
	if (spec->lin.namespaces[NS_USER].wanted)
		ret->clone_flags = CLONE_NEWUSER;
	plan_caps(ret, warnings);
	if (rc == 0)
		rc = plan_attach(ret, opt, of, err);
	if (rc == 0)
		rc = console_connect(ret, opt->console_socket, err);
	if (rc < 0)
		plan_free(ret);
	return rc;
}
