/* From a spec to a container whose init waits for start. */
#include "runtime/container.h"

#include "base/fd.h"
#include "base/process.h"
#include "runtime/events.h"
#include "runtime/hooks.h"
#include "runtime/plan.h"
#include "runtime/stages.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

void container_id_make(char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[32];

	/* 32 bytes never fail nor come short once the kernel has booted. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		err_die("no random bytes from the kernel");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[64] = '\0';
}

void state_begin(const struct plan *p, struct state *s)
{
	*s = (struct state){
		.name = xstrdup(p->name),
		.id = xstrdup(p->id),
		.bundle = p->opt->bundle ? xstrdup(p->opt->bundle) : NULL,
		.cgroup = p->cgroup ? xstrdup(p->cgroup) : NULL,
		.cgroup_levels = p->cgroup_levels,
		.unit = p->unit.name ? xstrdup(p->unit.name) : NULL,
		.unit_mark = p->unit_mark ? xstrdup(p->unit_mark) : NULL,
		.unit_user = p->unit_user,
		.status = STATUS_CREATING,
		.auto_remove = p->opt->auto_remove,
		.monitor_pid = p->opt->monitor_pid,
		.restart_count = p->opt->restart_count,
		.restart_policy = p->opt->restart_policy ? xstrdup(p->opt->restart_policy) : NULL,
		.log_driver = p->opt->log_driver ? xstrdup(p->opt->log_driver) : NULL,
		.log_path = p->opt->log_path ? xstrdup(p->opt->log_path) : NULL,
		.terminal = p->spec->process.terminal,
		.no_process = !p->spec->has_process,
		.vm = p->vm.wanted,
		.emulated = p->vm.emulated,
		.no_late_hooks = !p->spec->hooks[HOOK_POSTSTART].count &&
				 !p->spec->hooks[HOOK_POSTSTOP].count,
	};
	if (p->opt->source || p->spec->root_path)
		s->rootfs = xstrdup(p->opt->source ? p->opt->source : p->spec->root_path);
	for (size_t i = 0; i < p->whole->annotations.count; i++)
		strv_add(&s->annotations, p->whole->annotations.items[i]);
}

/* The engine that asked for the terminal gets its master, with the name of the container. */
int console_deliver(const struct plan *p, int *terminal, struct err *err)
{
	int rc;

	if (p->console_socket < 0 || *terminal < 0)
		return 0;
	rc = fd_send(p->console_socket, p->name, strlen(p->name), terminal, 1);
	close(take_fd(terminal));
	return rc < 0 ? err_set(err, -rc, "send the terminal to %s: %s", p->opt->console_socket,
				strerror(-rc)) :
			0;
}

/* Who ran hooks of the create has something to clean up: a create that failed ends with poststop, too. */
static bool hooks_began(const struct making *m)
{
	for (const struct stage *s = m->failed; s && s >= create_stages; s--)
		if (s->run == hooks_runtime)
			return true;
	return false;
}

static int create_walk(struct plan *p, int root, struct strv *warnings, struct container *ret,
		       struct err *err)
{
	CLEAN(making) struct making m;
	int rc;

	state_begin(p, &ret->state);
	making_init(&m, p, &ret->state, warnings);
	m.root = root;
	rc = stages_walk(create_stages, &m, err);
	if (rc < 0 && hooks_began(&m))
		hooks_run_all(p->spec, HOOK_POSTSTOP, &ret->state, STATUS_STOPPED, warnings);
	if (p->have_rootfs)
		rootfs_sources_close(&p->rootfs);
	if (rc == 0)
		rc = console_deliver(p, &m.terminal, err);
	if (rc < 0)
		return rc;
	ret->dir = take_fd(&m.dir);
	ret->pidfd = take_fd(&m.pidfd);
	ret->cgroup = take_fd(&m.cgroup);
	ret->terminal = take_fd(&m.terminal);
	ret->notify = take_fd(&m.notify);
	if (p->opt->start_by_caller)
		ret->start_sock = take_fd(&m.sync);
	return 0;
}

int container_create(int root, struct spec *spec, const struct create_options *opt,
		     struct strv *warnings, struct container *ret, struct err *err)
{
	CLEAN(plan) struct plan p = PLAN_INIT;
	char path[PATH_MAX];
	int rc = fd_path(root, path, sizeof(path), err);

	*ret = CONTAINER_INIT;
	ret->root = root;
	if (rc == 0)
		rc = plan_make(path, spec, opt, &p, warnings, err);
	if (rc == 0)
		rc = create_walk(&p, root, warnings, ret, err);
	if (rc == 0)
		event_note(root, &ret->state, EVENT_CREATE, NULL);
	if (rc < 0)
		container_close(ret);
	return rc;
}

static void print_plan(const struct plan *p, FILE *out)
{
	CLEAN(str) struct str text = { 0 };

	fprintf(out, "name      %s\n", p->name);
	fprintf(out, "state     %s\n", p->staging);
	fprintf(out, "cgroup    %s%s\n", p->cgroup ? p->host.mount : "",
		p->cgroup ? p->cgroup : "none");
	if (p->unit.name)
		fprintf(out, "unit      %s\n", p->unit.name);
	for (size_t i = 0; i < p->limits.count; i++)
		fprintf(out, "limit     %s = %s\n", p->limits.items[i].file,
			p->limits.items[i].value);
	fprintf(out, "devices   %s\n", p->devices.allow_all ? "all" : "by an eBPF program");
	fprintf(out, "seccomp   ");
	if (p->seccomp.count)
		fprintf(out, "%zu instructions\n", p->seccomp.count);
	else
		fprintf(out, "no filter\n");
	if (p->have_rootfs)
		rootfs_plan_describe(&p->rootfs, &text);
	fprintf(out, "%s\n", text.text ? text.text : "");
}

int container_dry_run(int root, struct spec *spec, const struct create_options *opt, FILE *out,
		      struct strv *warnings, struct err *err)
{
	CLEAN(plan) struct plan p = PLAN_INIT;
	char path[PATH_MAX];
	int rc = fd_path(root, path, sizeof(path), err);

	if (rc == 0)
		rc = plan_make(path, spec, opt, &p, warnings, err);
	if (rc < 0)
		return rc;
	print_plan(&p, out);
	stages_print(create_stages, &p, out);
	return 0;
}
