#include "ctr/commands.h"

#include "ctr/verbs.h"
#include "runtime/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS(type, table) .options = { .rows = (table) }, .flags_size = sizeof(struct type)

static const struct opt_row global_rows[] = {
	{ "root", "DIR",
	  "Where the state of containers is kept (default " DEFAULT_ROOT ", or $CTR_ROOT)", "@dir",
	  .kind = OPT_STRING, OPT_TO(struct global_flags, root) },
	{ "version", NULL, "Print the version", .kind = OPT_FLAG, .letter = 'v',
	  OPT_TO(struct global_flags, version) },
	{ 0 },
};

const struct opt_set global_options = { .rows = global_rows };

#define RUN_ABOUT                                                                                \
	"SOURCE is host (the machine's own programs, read-only below a throw-away layer) or "    \
	"busybox; with --rootfs or --bundle there is none. What follows it belongs to COMMAND. " \
	"Exit status: that of the command, 128+n when signal n ended it; 127: no such command, " \
	"126: it can't be run, 125: ctr failed."

const struct command commands[] = {
	{ "run", "[flags] SOURCE [--] [COMMAND [ARG...]]",
	  "Make a container and run a command in it", RUN_ABOUT, verb_run, .enters = true,
	  .options = { run_rows, RUN_VARIANT }, .flags_size = sizeof(struct run_flags),
	  .operands = "host busybox", .max = -1, .stop = true },
	{ "create", "[flags] SOURCE [--] [COMMAND [ARG...]]",
	  "Make a container; `start` runs its command", RUN_ABOUT, verb_create, .enters = true,
	  .options = { run_rows, CREATE_VARIANT }, .flags_size = sizeof(struct run_flags),
	  .operands = "host busybox", .max = -1, .stop = true },
	{ "start", "CONTAINER...", "Run the command of created containers", NULL, verb_start,
	  .operands = "@container", .min = 1, .max = -1 },
	{ "exec", "[flags] CONTAINER [--] COMMAND [ARG...]",
	  "Run another command in a running container", NULL, verb_exec, .enters = true,
	  FLAGS(exec_flags, exec_rows), .operands = "@container", .min = 1, .max = -1,
	  .stop = true },
	{ "kill", "[flags] CONTAINER...", "Send a signal to containers", NULL, verb_kill,
	  FLAGS(kill_flags, kill_rows), .operands = "@container", .min = 1, .max = -1 },
	{ "stop", "[flags] CONTAINER...", "Ask containers to end, and kill them when they don't",
	  NULL, verb_stop, FLAGS(stop_flags, stop_rows), .operands = "@container", .max = -1 },
	{ "pause", "CONTAINER...", "Freeze all processes of containers", NULL, verb_pause,
	  .operands = "@container", .min = 1, .max = -1 },
	{ "resume", "CONTAINER...", "Let paused containers go on", NULL, verb_resume,
	  .operands = "@container", .min = 1, .max = -1 },
	{ "unpause", "CONTAINER...", "As resume", NULL, verb_resume, .operands = "@container",
	  .min = 1, .max = -1, .hidden = true },
	{ "rm", "[flags] CONTAINER...", "Remove containers",
	  "Exit status: 1 when a container of that name is not there, 2 when one still runs, 125 for "
	  "other failures.",
	  verb_rm, FLAGS(rm_flags, rm_rows), .operands = "@container", .max = -1 },
	{ "ps", "[flags]", "List containers", NULL, verb_ps, FLAGS(ps_flags, ps_rows) },
	{ "inspect", "[flags] CONTAINER...", "Show all about containers, as JSON", NULL,
	  verb_inspect, FLAGS(format_flags, format_rows), .operands = "@container", .min = 1,
	  .max = -1 },
	{ "state", "CONTAINER", "Show the state document of the OCI runtime specification", NULL,
	  verb_state, .operands = "@container", .min = 1, .max = 1 },
	{ "spec", "[flags]", "Write the config.json of a default container", NULL, verb_spec,
	  FLAGS(spec_flags, spec_rows) },
	{ "pool create", "[flags] NAME [KEY=VALUE...]",
	  "Make a pool: a group with limits for containers", NULL, verb_pool_create,
	  FLAGS(pool_flags, pool_create_rows), .min = 1, .max = -1 },
	{ "pool ls", "[flags]", "List pools", NULL, verb_pool_ls, FLAGS(ps_flags, pool_ls_rows) },
	{ "pool inspect", "[flags] POOL...", "Show all about pools, as JSON", NULL,
	  verb_pool_inspect, FLAGS(format_flags, format_rows), .operands = "@pool", .min = 1,
	  .max = -1 },
	{ "pool set", "[flags] POOL [KEY=VALUE...]", "Change the limits of a pool", NULL,
	  verb_pool_set, FLAGS(pool_flags, pool_set_rows), .operands = "@pool", .min = 1,
	  .max = -1 },
	{ "pool rm", "POOL...", "Remove empty pools", NULL, verb_pool_rm, .operands = "@pool",
	  .min = 1, .max = -1 },
	{ "info", "[flags]", "Show what this machine offers", NULL, verb_info,
	  FLAGS(format_flags, format_rows) },
	{ "version", "[flags]", "Show versions", NULL, verb_version,
	  FLAGS(format_flags, format_rows) },
	{ "completion", "SHELL", "Print the completion script for bash, zsh or fish", NULL,
	  verb_completion, .operands = "bash zsh fish", .min = 1, .max = 1 },
	{ "help", "[VERB]", "Show this, or all about a verb", NULL, verb_help,
	  FLAGS(help_flags, help_rows), .operands = "@verb", .max = 2 },
	{ 0 },
};

/* ---- finding ----------------------------------------------------------------------- */

/* Does the row's name begin with these words? Returns how many words it has, 0: no. */
static int matches(const struct command *c, char *const *args)
{
	size_t len = strlen(args[0]);

	if (strncmp(c->name, args[0], len) != 0)
		return 0;
	if (!c->name[len])
		return 1;
	return c->name[len] == ' ' && str_eq(c->name + len + 1, args[1]) ? 2 : 0;
}

const struct command *verb_find(char *const *args, int *ret_words, struct err *err)
{
	struct opt_guess guess = { .word = args[0], .distance = 4 };
	CLEAN(free) char *two = NULL;
	bool family = false;
	size_t len = strlen(args[0]);

	for (const struct command *c = commands; c->name; c++) {
		*ret_words = matches(c, args);
		if (*ret_words)
			return c;
		family |= strncmp(c->name, args[0], len) == 0 && c->name[len] == ' ';
		if (!c->hidden)
			opt_guess_add(&guess, c->name);
	}
	if (family && args[1]) {
		two = xasprintf("%s %s", args[0], args[1]);
		guess = (struct opt_guess){ .word = two, .distance = 4 };
		for (const struct command *c = commands; c->name; c++)
			opt_guess_add(&guess, c->name);
	}
	if (family && !args[1])
		err_set(err, EINVAL, "%s: what about it? `ctr help` lists the verbs", args[0]);
	else if (guess.best)
		err_set(err, EINVAL, "no verb \"%s\"; did you mean %s?", guess.word, guess.best);
	else
		err_set(err, EINVAL, "no verb \"%s\"; `ctr help` lists them", guess.word);
	return NULL;
}

/* ---- running ----------------------------------------------------------------------- */

static int say_help(const struct call *call, const struct command *cmd)
{
	CLEAN(str) struct str out = { 0 };

	if (cmd)
		help_command(cmd, &out);
	else
		help_all(&out);
	return call_print(call, out.text, out.len);
}

static int operands_check(const struct call *call, struct err *err)
{
	const struct command *cmd = call->command;

	if (call->count < cmd->min || (cmd->max >= 0 && call->count > cmd->max))
		return err_set(err, EINVAL, "%s operands; usage: ctr %s %s",
			       call->count < cmd->min ? "too few" : "too many", cmd->name,
			       cmd->synopsis);
	return 0;
}

static int run_command(struct call *call, char **args)
{
	const struct command *cmd = call->command;
	CLEAN(free) void *flags = xcalloc(1, cmd->flags_size);
	struct err err = { 0 };
	int r;

	call->flags = flags;
	call->args = args;
	r = opt_parse(&cmd->options, args, cmd->stop, flags, &err);
	while (args[call->count])
		call->count++;
	if (r == 0)
		r = operands_check(call, &err);
	if (r == OPT_HELP)
		r = say_help(call, cmd);
	else
		r = r < 0 ? call_fail(call, &err) : cmd->run(call);
	opt_free(&cmd->options, flags);
	strv_free(&call->names);
	strv_free(&call->warnings);
	return r;
}

int ctr_main(char **args)
{
	static const char version[] = "ctr version " CTR_VERSION "\n";
	struct global_flags g = { 0 };
	struct call call = { 0 };
	struct err err = { 0 };
	int words, r = opt_parse(&global_options, args, true, &g, &err);

	if (r < 0)
		return call_fail(&call, &err);
	if (r != OPT_HELP && g.version)
		return call_print(&call, version, sizeof(version) - 1);
	if (r == OPT_HELP || !*args)
		return say_help(&call, NULL);
	call.root = g.root ? g.root : getenv("CTR_ROOT");
	if (!call.root || !*call.root)
		call.root = DEFAULT_ROOT;
	call.command = verb_find(args, &words, &err);
	if (!call.command)
		return call_fail(&call, &err);
	if (call.command->enters && guard_self(&err) < 0)
		return call_fail(&call, &err);
	return run_command(&call, args + words);
}
