/* The child's last rows: rights are dropped in an order in which each step still has what it needs. */
#include "sandbox/rights.h"

#include "base/fd.h"
#include "runtime/command.h"
#include "runtime/notify.h"
#include "runtime/small_init.h"
#include "runtime/stages.h"
#include "sandbox/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What needs rights that will be gone: how the payload is scheduled and labelled. */
static int shape_process(const struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	const struct spec_linux *lin = &m->plan->spec->lin;
	int rc = rights_personality(lin->personality_domain, err);

	if (rc == 0)
		rc = rights_scheduler(&p->scheduler, err);
	if (rc == 0)
		rc = rights_io_priority(p, err);
	if (rc == 0)
		rc = rights_memory_policy(lin, err);
	if (rc == 0)
		rc = rights_apparmor(AT_FDCWD, p->apparmor_profile, err);
	if (rc == 0)
		rc = rights_selinux(AT_FDCWD, p->selinux_label, err);
	if (rc == 0)
		rights_umask(p, m->umask);
	return rc;
}

/*
 * process.execCPUAffinity, which is not for the container's init. `initial` came with us from our parent:
 * where nothing is said of the end, it is over now, and the group's cpuset alone counts.
 */
static int exec_cpus(const struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	const char *initial = p->exec_cpu_affinity_initial, *final = p->exec_cpu_affinity_final;

	if (m->target < 0)
		return 0;
	if (final && *final)
		return rights_cpu_affinity(final, "final", err);
	return initial && *initial ? rights_cpu_affinity_all(err) : 0;
}

static int drop_caps(const struct plan *plan, const struct spec_process *p, struct err *err)
{
	int rc = caps_bounding_limit(plan->caps.bounding, err);

	if (rc == 0)
		rc = caps_keep_across_setuid(err);
	if (rc == 0)
		rc = rights_user(p, err);
	return rc < 0 ? rc : caps_apply(&plan->caps, err);
}

static int load_filter(struct making *m, struct err *err)
{
	const struct seccomp_filter *f = &m->plan->seccomp;

	return f->wants_listener ? notify_load(m, err) : seccomp_filter_load(f, NULL, err);
}

/*
 * The filter without no_new_privs needs CAP_SYS_ADMIN, so it has to come before the capabilities go
 * and must let their system calls through; with it, it comes last and need not.
 */
int give_up_rights(struct making *m, struct err *err)
{
	const struct plan *plan = m->plan;
	const struct spec_process *p = plan->process;
	int rc = shape_process(m, err);

	if (rc == 0)
		rc = exec_cpus(m, err);
	fd_cloexec_from(3 + (int)plan->preserve_fds);
	fd_leave_open(plan->preserve_fds);
	if (rc == 0 && !p->no_new_privileges)
		rc = load_filter(m, err);
	if (rc == 0)
		rc = drop_caps(plan, p, err);
	if (rc == 0)
		rc = in_callers_life(m, err);
	if (rc == 0 && p->no_new_privileges)
		rc = rights_no_new_privs(err);
	if (rc == 0 && p->no_new_privileges)
		rc = load_filter(m, err);
	return rc;
}

bool want_small_init(const struct plan *p)
{
	return p->small_init;
}

int bring_init(struct making *m, struct err *err)
{
	m->init = small_init_open(err);
	return m->init < 0 ? m->init : 0;
}

/* ctr-init FILE ARG0 ARG...: returns only on failure. */
static int exec_init(struct making *m, char *const *env)
{
	const struct strv *args = &m->plan->process->args;
	char **argv = xcalloc(args->count + 3, sizeof(*argv));
	char name[] = "ctr-init";

	argv[0] = name;
	argv[1] = m->command;
	memcpy(argv + 2, args->items, args->count * sizeof(*argv));
	execveat(m->init, "", argv, env, AT_EMPTY_PATH);
	return -errno;
}

/* The small init writes its child's pid into the digits, once it has one. */
static void tell_listen_pid(const struct making *m)
{
	CLEAN(free)
	char *pid = m->init >= 0 ? xstrdup("LISTEN_PID=" INIT_LISTEN_PID) :
				   xasprintf("LISTEN_PID=%d", (int)getpid());

	strv_env_put(&m->plan->env, pid);
}

/*
 * A stop that comes before systemd listens would be lost: the kernel drops what process 1 has no handler
 * for. What it blocks waits, and systemd blocks this one itself, to read it from a signalfd.
 */
static void hold_halt(const struct making *m)
{
	sigset_t set;

	if (!m->plan->boots || m->target >= 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Returns only on failure. */
static int become_launcher(struct making *m, char *const *env, struct err *err)
{
	CLEAN(strv) struct strv args = { 0 };

	vm_args(&m->plan->vm, &args);
	execveat(m->plan->vm.fds[VM_EXE], "", args.items, env, AT_EMPTY_PATH);
	return err_sys(err, "execute " VM_LAUNCHER ", the micro-VM's launcher");
}

int become_payload(struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	char *const none[] = { NULL };
	char *const *env;
	int rc;

	if (m->plan->listen_fds)
		tell_listen_pid(m);
	env = m->plan->env.items ? m->plan->env.items : none;
	if (m->init >= 0) {
		rc = exec_init(m, env);
		return err_set(err, -rc, "execute the small init (--init): %s", strerror(-rc));
	}
	if (m->plan->vm.wanted)
		return become_launcher(m, env, err);
	hold_halt(m);
	execve(m->command, p->args.items, env);
	return command_not_executed(p->args.items[0], m->command, errno, err);
}
