/* ctr exec */
#include "ctr/verbs.h"

#include "base/process.h"
#include "ctr/run_make.h"
#include "monitor/client.h"
#include "monitor/foreground.h"
#include "runtime/account.h"
#include "runtime/events.h"
#include "runtime/session.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TO(field) OPT_TO(struct exec_flags, field)

const struct opt_row exec_rows[] = {
	{ "detach", NULL, "Let it run in the background, its streams /dev/null", .kind = OPT_FLAG,
	  .letter = 'd', TO(detach) },
	{ "keep", NULL,
	  "Let it live on when this command is killed (default: its processes are ended)",
	  .kind = OPT_FLAG, TO(keep) },
	{ "interactive", NULL, "Let it read standard input (else it reads /dev/null)",
	  .kind = OPT_FLAG, .letter = 'i', TO(p.interactive) },
	{ "tty", NULL, "Give it a terminal of its own", .kind = OPT_FLAG, .letter = 't',
	  TO(p.tty) },
	{ "sig-proxy", NULL, "Pass the signals that ctr gets on to it (default true)",
	  .kind = OPT_OFF, TO(p.proxy_off) },
	{ "user", "USER[:GROUP]", "Names or numbers, looked up in the container's own /etc",
	  .kind = OPT_STRING, .letter = 'u', TO(p.user) },
	{ "workdir", "DIR", "Working directory in the container", .kind = OPT_STRING, .letter = 'w',
	  TO(p.workdir) },
	{ "env", "NAME[=VALUE]", "Set a variable; a NAME alone is copied from here",
	  .kind = OPT_LIST, .letter = 'e', TO(p.env) },
	{ "env-file", "FILE", "Read variables from a file, one NAME[=VALUE] a line", "@file",
	  .kind = OPT_LIST, TO(p.env_file) },
	{ "cap-add", "CAPABILITY", "Add a capability to those of the container, or ALL", "@cap",
	  .kind = OPT_LIST, TO(p.cap_add) },
	{ "cap-drop", "CAPABILITY", "Take a capability away, or ALL", "@cap", .kind = OPT_LIST,
	  TO(p.cap_drop) },
	{ "privileged", NULL, "Give it all capabilities", .kind = OPT_FLAG, TO(p.privileged) },
	{ "pidfile", "FILE", "Write its pid to a file", "@file", .kind = OPT_STRING,
	  TO(p.pid_file) },
	{ "pid-file", "FILE", "As --pidfile", "@file", .kind = OPT_STRING, .hidden = true,
	  TO(p.pid_file) },
	{ "preserve-fds", "N", "Leave this many fds from 3 on open for it", .kind = OPT_INT,
	  .min = 0, .max = 1000, TO(p.preserve_fds) },
	{ 0 },
};

/* The user as the running container's /etc has it now. */
static int exec_user(const struct exec_flags *f, const struct container *c, const struct spec *spec,
		     struct spec_process *p, struct err *err)
{
	CLEAN(account) struct account account = { 0 };
	CLEAN(free) char *home = NULL;
	bool image = vm_root_is_image(spec, c->state.bundle);
	CLEAN(fd) int tree = -1;
	int r;

	if (!f->p.user)
		return 0;
	if (!image)
		tree = container_files_open(c);
	if (tree < 0 && !image)
		return err_set(err, -tree, "--user: open the container's root: %s",
			       strerror(-tree));
	r = account_find(tree, f->p.user, &account, err);
	if (r < 0)
		return err_wrap(err, "--user %s: ", f->p.user);
	account_apply(&account, p);
	/* Without one the guest looks for it, who can. */
	home = xasprintf("HOME=%s", account.home ? account.home : image ? "" : "/");
	strv_env_put(&p->env, home);
	return 0;
}

static int exec_rights(const struct exec_flags *f, const struct spec *spec, struct spec_process *p,
		       struct err *err)
{
	if (f->p.privileged)
		p->no_new_privileges = false;
	if (!f->p.user && !f->p.cap_add.count && !f->p.cap_drop.count && !f->p.privileged)
		return 0;
	return caps_from_flags(&f->p, p->uid, spec->lin.namespaces[NS_USER].wanted, &p->caps, err);
}

/* What the container's own process was started with, changed by the flags. */
static int exec_process(const struct exec_flags *f, const struct container *c, char **args,
			const struct spec *spec, struct spec_process *p, struct err *err)
{
	int r;

	strv_free(&p->args);
	while (*args)
		strv_add(&p->args, *args++);
	p->terminal = f->p.tty;
	r = workdir_apply(&f->p, p, err);
	if (r == 0)
		r = exec_user(f, c, spec, p, err);
	if (r < 0)
		return r;
	if (p->terminal && !strv_env_get(&p->env, "TERM"))
		strv_add(&p->env, "TERM=xterm");
	r = env_apply(&f->p, &p->env, err);
	return r < 0 ? r : exec_rights(f, spec, p, err);
}

/* What there is to know of it for others (ctr session). */
static int exec_session(const struct exec_flags *f, const struct spec_process *process,
			struct session *ret, struct err *err)
{
	ret->keep = f->detach || f->keep;
	ret->terminal = f->p.tty;
	ret->interactive = f->p.interactive;
	ret->privileged = f->p.privileged;
	ret->user = f->p.user ? xstrdup(f->p.user) : NULL;
	for (size_t i = 0; i < process->args.count; i++)
		strv_add(&ret->args, process->args.items[i]);
	return session_new(ret, err);
}

/* Nobody stays beside it: it has nothing to say to anybody, and goes with the container. */
static int exec_detached(struct call *call, struct container *c, struct exec_options *opt,
			 int *ret_code, struct err *err)
{
	char line[SESSION_ID_LEN + 2];
	CLEAN(fd) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN(fd) int pidfd = -1;
	int terminal = -1;
	pid_t pid;

	if (null < 0)
		return err_sys(err, "open /dev/null");
	for (size_t i = 0; i < ARRAY_LEN(opt->stdio); i++)
		opt->stdio[i] = null;
	pid = container_exec(c, opt, &call->warnings, &pidfd, &terminal, err);
	call_warn(call);
	if (pid < 0)
		return (int)pid;
	snprintf(line, sizeof(line), "%s\n", opt->session->id);
	*ret_code = call_print(call, line, strlen(line));
	return 0;
}

static int exec_it(struct call *call, struct container *c, struct spec *spec,
		   const struct spec_process *process, int *ret_code, struct err *err)
{
	CLEAN(foreground) struct foreground fg = FOREGROUND_INIT;
	const struct exec_flags *f = call->flags;
	CLEAN(session) struct session session = { 0 };
	struct exec_options opt = {
		.spec = spec, .process = process, .stdio = { 0, 1, 2 }, .session = &session
	};
	CLEAN(fd) int pidfd = -1;
	int master = -1, status = 0;
	pid_t pid;
	int r;

	opt.pid_file = f->p.pid_file;
	opt.preserve_fds = (unsigned int)f->p.preserve_fds.value;
	opt.ends_with_caller = !f->detach && !f->keep;
	r = exec_session(f, process, &session, err);
	if (r < 0)
		return r;
	if (f->detach)
		return exec_detached(call, c, &opt, ret_code, err);
	fg.tty = f->p.tty;
	fg.interactive = f->p.interactive;
	fg.sig_proxy = !f->p.proxy_off;
	r = foreground_stdio(&fg, opt.stdio, err);
	if (r < 0)
		return r;
	/* Before there is anything of it: who is to sweep up after us must know us by then. */
	if (opt.ends_with_caller)
		monitor_tell(c->dir, WIRE_SESSION, (uint64_t)getpid());
	pid = container_exec(c, &opt, &call->warnings, &pidfd, &master, err);
	call_warn(call);
	if (pid < 0)
		return (int)pid;
	r = foreground_signals(&fg, err);
	foreground_resize(master);
	if (r >= 0)
		r = foreground_serve(&fg, pidfd, master, err);
	if (r < 0)
		return r;
	r = process_wait(pidfd, &status);
	if (r < 0)
		return err_set(err, -r, "wait for the process: %s", strerror(-r));
	*ret_code = process_exit_code(status);
	session_over(c, &session, *ret_code);
	event_note(c->root, &c->state, EVENT_EXEC_DIED, event_number("exitCode", *ret_code));
	return 0;
}

int verb_exec(struct call *call)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(spec) struct spec spec = { 0 };
	struct spec_process process;
	char **args = call->args + 1;
	struct err err = { 0 };
	const struct exec_flags *f = call->flags;
	CLEAN(fd) int root = -1;
	int code = 0, r;

	r = foreground_inherited(NULL, f->p.preserve_fds.value, &err);
	if (r >= 0)
		r = root = call_root(call, &err);
	if (str_eq(*args, "--"))
		args++;
	if (r >= 0 && !*args)
		r = err_set(&err, EINVAL, "no COMMAND: ctr exec [flags] CONTAINER [--] COMMAND");
	if (r >= 0 && f->detach && (f->p.tty || f->p.interactive))
		r = err_set(
			&err, EINVAL,
			"--detach with --tty or --interactive: nobody would be at the other end");
	if (r >= 0)
		r = container_open(root, call->args[0], &c, &err);
	if (r >= 0 && c.state.status != STATUS_RUNNING)
		r = err_set(&err, EINVAL, "container \"%s\" is %s, not running", c.state.name,
			    status_name(c.state.status));
	if (r >= 0)
		r = container_spec(&c, &spec, &err);
	/* All of it but the capabilities, which the filter of the container is made for. */
	process = spec.process;
	spec.process = (struct spec_process){ .caps = process.caps };
	if (r >= 0)
		r = exec_process(f, &c, args, &spec, &process, &err);
	if (r >= 0)
		r = exec_it(call, &c, &spec, &process, &code, &err);
	spec.process = process;
	return r < 0 ? call_fail(call, &err) : code;
}
