/* exec */
#include "oci/oci.h"

#include "base/process.h"
#include "monitor/foreground.h"
#include "monitor/tty.h"
#include "sandbox/rights.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TO(field) OPT_TO(struct oci_exec_flags, field)

const struct opt_row oci_exec_rows[] = {
	{ "process", "FILE", "The process object, as in config.json", "@file", .kind = OPT_STRING,
	  .letter = 'p', TO(process) },
	{ "console-socket", "SOCKET", "Unix socket that gets the master of the terminal", "@file",
	  .kind = OPT_STRING, TO(console_socket) },
	{ "pid-file", "FILE", "Write its pid to a file", "@file", .kind = OPT_STRING,
	  TO(pid_file) },
	{ "detach", NULL, "Don't wait for its end", .kind = OPT_FLAG, .letter = 'd', TO(detach) },
	{ "tty", NULL, "Give it a terminal", .kind = OPT_FLAG, .letter = 't', TO(tty) },
	{ "cwd", "DIR", "Working directory in the container", .kind = OPT_STRING, TO(cwd) },
	{ "env", "NAME=VALUE", "Set a variable", .kind = OPT_LIST, .letter = 'e', TO(env) },
	{ "user", "UID[:GID]", "Numbers", .kind = OPT_STRING, .letter = 'u', TO(user) },
	{ "additional-gids", "GID", "One more group", .kind = OPT_LIST, .letter = 'g', TO(groups) },
	{ "cap", "CAPABILITY", "One more capability", "@cap", .kind = OPT_LIST, .letter = 'c',
	  TO(caps) },
	{ "no-new-privs", NULL, "It can't get more rights than it begins with", .kind = OPT_FLAG,
	  TO(no_new_privs) },
	{ "apparmor", "PROFILE", "AppArmor profile", .kind = OPT_STRING, TO(apparmor) },
	{ "process-label", "LABEL", "SELinux label", .kind = OPT_STRING, TO(process_label) },
	{ "cgroup", "PATH", "An existing group below the container's", .kind = OPT_STRING,
	  TO(cgroup) },
	{ "ignore-paused", NULL, "In a paused container it begins once that is resumed",
	  .kind = OPT_FLAG, TO(ignore_paused) },
	{ "preserve-fds", "N", "Leave this many fds from 3 on open for it", .kind = OPT_INT,
	  .min = 0, .max = 1000, TO(preserve_fds) },
	{ 0 },
};

static int to_id(const char *flag, const char *text, uint32_t *ret, struct err *err)
{
	uint64_t n;

	/* 2^32-1 means "leave it as it is" to the kernel. */
	if (str_to_u64(text, 0, UINT32_MAX - 1, &n) < 0)
		return err_set(err, EINVAL, "--%s: \"%s\" is no id: a number is asked for", flag,
			       text);
	*ret = (uint32_t)n;
	return 0;
}

static int put_user(const struct oci_exec_flags *f, struct spec_process *p, struct err *err)
{
	CLEAN(free) char *user = f->user ? xstrdup(f->user) : NULL;
	char *group = user ? strchr(user, ':') : NULL;
	int r = 0;

	if (group)
		*group++ = '\0';
	if (user)
		r = to_id("user", user, &p->uid, err);
	if (r == 0 && group)
		r = to_id("user", group, &p->gid, err);
	for (size_t i = 0; r == 0 && i < f->groups.count; i++)
		r = to_id("additional-gids", f->groups.items[i], SPEC_ADD(&p->additional_gids),
			  err);
	return r;
}

/* Not inheritable, and so not ambient either: a file's inheritable bits would give it away
 * (CVE-2022-29162). */
static int put_caps(const struct strv *names, struct spec_caps *caps, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		int cap = spec_cap_from_name(names->items[i]);

		if (cap < 0)
			return err_set(err, EINVAL, "--cap: unknown capability \"%s\"",
				       names->items[i]);
		caps->set = true;
		caps->bounding |= 1ull << cap;
		caps->effective |= 1ull << cap;
		caps->permitted |= 1ull << cap;
	}
	return 0;
}

static void put_string(char **to, const char *value)
{
	if (!value)
		return;
	free(*to);
	*to = xstrdup(value);
}

/* The container's own process with another command, and what the flags say. */
static int from_flags(const struct oci_exec_flags *f, char **args, struct spec_process *p,
		      struct err *err)
{
	int r;

	if (str_eq(*args, "--"))
		args++;
	strv_free(&p->args);
	while (*args)
		strv_add(&p->args, *args++);
	if (!p->args.count)
		return err_set(err, EINVAL, "what is to be run? Give a COMMAND, or --process FILE");
	p->terminal = f->tty;
	for (size_t i = 0; i < f->env.count; i++)
		strv_env_put(&p->env, f->env.items[i]);
	put_string(&p->cwd, f->cwd);
	put_string(&p->apparmor_profile, f->apparmor);
	put_string(&p->selinux_label, f->process_label);
	if (f->no_new_privs)
		p->no_new_privileges = true;
	r = put_user(f, p, err);
	return r < 0 ? r : put_caps(&f->caps, &p->caps, err);
}

static int exec_process(struct call *call, struct spec *spec, struct err *err)
{
	const struct oci_exec_flags *f = call->flags;
	int r;

	if (f->process) {
		spec_process_free(&spec->process);
		r = spec_load_process(AT_FDCWD, f->process, &spec->process, &call->warnings, err);
		spec->process.terminal |= f->tty;
	} else {
		r = from_flags(f, call->args + 1, &spec->process, err);
	}
	spec->has_process = true;
	if (r == 0)
		r = spec_validate(spec, err);
	if (r == 0)
		r = rights_check(spec, err);
	return r < 0 ? r :
		       oci_check_console(spec->process.terminal, f->detach, f->console_socket, err);
}

static int serve(struct foreground *fg, int pidfd, int master, int *ret_code, struct err *err)
{
	int status = 0, r = foreground_signals(fg, err);

	foreground_resize(master);
	if (r >= 0)
		r = foreground_serve(fg, pidfd, master, err);
	if (r >= 0)
		r = process_wait(pidfd, &status);
	if (r < 0)
		return err->code ? r : err_set(err, -r, "wait for the process: %s", strerror(-r));
	*ret_code = process_exit_code(status);
	return 0;
}

static int exec_it(struct call *call, struct container *c, struct spec *spec,
		   const struct spec_process *process, int *ret_code, struct err *err)
{
	const struct oci_exec_flags *f = call->flags;
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	struct exec_options opt = {
		.spec = spec,
		.process = process,
		.cgroup = f->cgroup,
		.ignore_paused = f->ignore_paused,
		.pid_file = f->pid_file,
		.console_socket = f->console_socket,
		.preserve_fds = (unsigned int)f->preserve_fds.value,
		.stdio = { 0, 1, 2 },
	};
	CLEAN(fd) int pidfd = -1;
	int master = -1;
	pid_t pid;

	fg.tty = process->terminal && !f->console_socket;
	fg.interactive = true;
	pid = container_exec(c, &opt, &call->warnings, &pidfd, &master, err);
	if (pid < 0)
		return (int)pid;
	call_warn(call);
	return f->detach ? 0 : serve(&fg, pidfd, master, ret_code, err);
}

int oci_verb_exec(struct call *call)
{
	const struct oci_exec_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(spec) struct spec spec = { 0 };
	struct spec_process process;
	struct spec_caps caps;
	struct err err = { 0 };
	int code = 0, r;

	r = foreground_inherited(NULL, f->preserve_fds.value, &err);
	if (r == 0)
		r = oci_open(call, &c, &err);
	if (r == 0)
		r = container_spec(&c, &spec, &err);
	caps = spec.process.caps;
	if (r == 0)
		r = exec_process(call, &spec, &err);
	/* What is to run was checked as a part of the whole; the filter goes by the container's own. */
	process = spec.process;
	spec.process = (struct spec_process){ .caps = caps };
	if (r == 0)
		r = exec_it(call, &c, &spec, &process, &code, &err);
	spec.process = process;
	return r < 0 ? call_fail(call, &err) : code;
}
