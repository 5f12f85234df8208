#include "cli/program.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- how a verb speaks ------------------------------------------------------------- */

/* One write: lines of programs side by side don't mix. */
static void say(const struct call *call, const char *level, const char *text)
{
	CLEAN(str) struct str line = { 0 };
	bool warning = str_eq(level, "warning");

	if (call->program->say) {
		call->program->say(call, level, text);
		return;
	}
	str_printf(&line, "%s: ", call->program->name);
	if (warning)
		str_add(&line, "warning: ");
	else if (call->command)
		str_printf(&line, "%s: ", call->command->name);
	/* There may be texts of a stranger's in it: they are not to speak to the terminal. */
	str_add_shown(&line, text, true);
	str_add(&line, "\n");
	(void)!fd_write_all(STDERR_FILENO, line.text, line.len);
}

int call_fail(const struct call *call, const struct err *err)
{
	say(call, "error", err->text);
	return err->exit_status ? err->exit_status : call->program->exit_failed;
}

void call_warn(struct call *call)
{
	for (size_t i = 0; i < call->warnings.count; i++)
		say(call, "warning", call->warnings.items[i]);
	strv_free(&call->warnings);
}

int call_print(const struct call *call, const char *text, size_t len)
{
	struct err err = { 0 };
	int r = len ? fd_write_all(STDOUT_FILENO, text, len) : 0;

	if (r == 0)
		return 0;
	err_set(&err, -r, "write to standard output: %s", strerror(-r));
	return call_fail(call, &err);
}

int call_findings(const struct call *call, const struct strv *found)
{
	CLEAN(str) struct str text = { 0 };
	int status;

	for (size_t i = 0; i < found->count; i++)
		str_printf(&text, "%s\n", found->items[i]);
	status = call_print(call, text.text, text.len);
	return status ? status : found->count > 0;
}

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

const struct command *program_verb(const struct program *program, char *const *args, int *ret_words,
				   struct err *err)
{
	struct opt_guess guess = { .word = args[0], .distance = 4 };
	CLEAN(free) char *two = NULL;
	bool family = false;
	size_t len = strlen(args[0]);

	for (const struct command *c = program->commands; c->name; c++) {
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
		for (const struct command *c = program->commands; c->name; c++)
			opt_guess_add(&guess, c->name);
	}
	if (family && !args[1])
		err_set(err, EINVAL, "%s: what about it? `%s help` lists the verbs", args[0],
			program->name);
	else if (guess.best)
		err_set(err, EINVAL, "no verb \"%s\"; did you mean %s?", guess.word, guess.best);
	else
		err_set(err, EINVAL, "no verb \"%s\"; `%s help` lists them", guess.word,
			program->name);
	return NULL;
}

/* ---- running ----------------------------------------------------------------------- */

static int say_help(const struct call *call)
{
	CLEAN(str) struct str out = { 0 };

	if (call->command)
		help_command(call->program, call->command, &out);
	else
		help_all(call->program, &out);
	return call_print(call, out.text, out.len);
}

static int operands_check(const struct call *call, struct err *err)
{
	const struct command *cmd = call->command;

	if (call->count < cmd->min || (cmd->max >= 0 && call->count > cmd->max))
		return err_set(err, EINVAL, "%s operands; usage: %s %s %s",
			       call->count < cmd->min ? "too few" : "too many", call->program->name,
			       cmd->name, cmd->synopsis);
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
		r = say_help(call);
	else
		r = r < 0 ? call_fail(call, &err) : cmd->run(call);
	opt_free(&cmd->options, flags);
	strv_free(&call->names);
	strv_free(&call->warnings);
	return r;
}

static int find_and_run(struct call *call, char **args)
{
	struct err err = { 0 };
	int words;

	call->command = program_verb(call->program, args, &words, &err);
	if (!call->command)
		return call_fail(call, &err);
	if (call->command->enters && call->program->guard && call->program->guard(&err) < 0)
		return call_fail(call, &err);
	return run_command(call, args + words);
}

int program_main(const struct program *program, char **args)
{
	CLEAN(free) void *globals = xcalloc(1, program->globals_size);
	struct call call = { .program = program, .globals = globals };
	struct err err = { 0 };
	bool help;
	int r, status;

	fd_standard_fill();
	r = opt_parse(&program->options, args, true, globals, &err);
	help = r == OPT_HELP;
	if (r >= 0 && !help)
		r = program->begin(&call, &err);
	if (r < 0)
		status = call_fail(&call, &err);
	else if (help || (r == 0 && !*args))
		status = say_help(&call);
	else
		status = r > 0 ? 0 : find_and_run(&call, args);
	opt_free(&program->options, globals);
	free(call.root_text);
	return status;
}
