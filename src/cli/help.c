/* The tables as text for people, and as roff for man pages. */
#include "cli/program.h"

#include <string.h>

#define WIDTH 96
#define INDENT 34

const struct opt_row help_rows[] = {
	{ "man", NULL, "As roff, for man pages", .kind = OPT_FLAG, .hidden = true,
	  OPT_TO(struct help_flags, man) },
	{ 0 },
};

/* Words of `text` in lines of WIDTH, all but the first indented. `at` is where the cursor is. */
static void wrap(struct str *out, const char *text, size_t indent, size_t at)
{
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!first && at + 1 + len > WIDTH) {
			str_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			str_add(out, " ");
			at++;
		}
		str_add_bytes(out, text, len);
		at += len;
		text += len + strspn(text + len, " ");
		first = false;
	}
	str_add(out, "\n");
}

/* A term at the left, what it means at the right. */
static void entry(struct str *out, const char *term, const char *meaning)
{
	size_t len = strlen(term);

	if (len + 1 < INDENT)
		str_printf(out, "%-*s", INDENT, term);
	else
		str_printf(out, "%s\n%*s", term, INDENT, "");
	wrap(out, meaning, INDENT, INDENT);
}

/* "[=small|systemd]": what may stand behind a flag that goes without as well. */
static void choices(const struct opt_row *row, struct str *out)
{
	str_add(out, "[=");
	for (const char *c = row->words; *c; c++)
		str_add_bytes(out, *c == ' ' ? "|" : c, 1);
	str_add(out, "]");
}

static void flags(const struct opt_set *set, struct str *out)
{
	const struct opt_row *r = opt_next(set, NULL);

	if (r && r->kind != OPT_HEADING)
		str_add(out, "\nFlags:\n");
	for (; r; r = opt_next(set, r)) {
		CLEAN(str) struct str term = { 0 };

		if (r->kind == OPT_HEADING) {
			str_printf(out, "\n%s:\n", r->help);
			continue;
		}
		if (r->hidden)
			continue;
		if (r->letter)
			str_printf(&term, "  -%c, --%s", r->letter, r->name);
		else
			str_printf(&term, "      --%s", r->name);
		if (r->arg)
			str_printf(&term, " %s", r->arg);
		if (r->kind == OPT_CHOICE)
			choices(r, &term);
		entry(out, term.text, r->help);
	}
}

void help_all(const struct program *program, struct str *out)
{
	str_printf(out, "Usage: %s [flags] VERB [flags] [operands]\n\n%s\n\nVerbs:\n",
		   program->name, program->about);
	for (const struct command *c = program->commands; c->name; c++) {
		CLEAN(free) char *term = NULL;

		if (c->hidden)
			continue;
		term = xasprintf("  %-15s ", c->name);
		str_add(out, term);
		str_printf(out, "%s\n", c->help);
	}
	flags(&program->options, out);
	str_printf(out, "\n`%s help VERB` and `%s VERB --help` say more. %s\n", program->name,
		   program->name, program->hint);
}

void help_command(const struct program *program, const struct command *cmd, struct str *out)
{
	str_printf(out, "Usage: %s %s %s\n\n%s.\n", program->name, cmd->name, cmd->synopsis,
		   cmd->help);
	if (cmd->about) {
		str_add(out, "\n");
		wrap(out, cmd->about, 0, 0);
	}
	flags(&cmd->options, out);
	if (program->more_help)
		program->more_help(cmd, false, out);
}

/* ---- roff -------------------------------------------------------------------------- */

static void roff(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			str_add(out, "\\-");
		else if (*text == '\\')
			str_add(out, "\\e");
		else if (*text == '\'')
			str_add(out, "\\(aq");
		else
			str_add_bytes(out, text, 1);
	}
}

/* A line of text: one that begins with a dot would be a request. */
static void roff_line(struct str *out, const char *text)
{
	if (*text == '.')
		str_add(out, "\\&");
	roff(out, text);
	str_add(out, ".\n");
}

static void roff_row(struct str *out, const struct opt_row *r)
{
	if (r->kind == OPT_HEADING) {
		str_add(out, ".SS \"");
		roff(out, r->help);
		str_add(out, "\"\n");
		return;
	}
	str_add(out, ".TP\n");
	if (r->letter)
		str_printf(out, "\\fB\\-%c\\fR, ", r->letter);
	str_add(out, "\\fB\\-\\-");
	roff(out, r->name);
	str_add(out, "\\fR");
	if (r->arg) {
		str_add(out, " \\fI");
		roff(out, r->arg);
		str_add(out, "\\fR");
	}
	if (r->kind == OPT_CHOICE)
		choices(r, out);
	str_add(out, "\n");
	roff_line(out, r->help);
}

void help_man(const struct program *program, const struct command *cmd, struct str *out)
{
	const struct opt_set *set = cmd ? &cmd->options : &program->options;

	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (!r->hidden)
			roff_row(out, r);
	if (cmd && program->more_help)
		program->more_help(cmd, true, out);
}

void help_entry(struct str *out, bool as_roff, const char *term, const char *meaning)
{
	if (!as_roff) {
		CLEAN(free) char *indented = xasprintf("      %s", term);

		entry(out, indented, meaning);
		return;
	}
	str_add(out, ".TP\n\\fB");
	roff(out, term);
	str_add(out, "\\fR\n");
	roff_line(out, meaning);
}

/* ---- the verb ---------------------------------------------------------------------- */

int verb_help(struct call *call)
{
	const struct help_flags *f = call->flags;
	const struct command *cmd = NULL;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int words;

	if (call->count) {
		cmd = program_verb(call->program, call->args, &words, &err);
		if (!cmd)
			return call_fail(call, &err);
	}
	if (f->man)
		help_man(call->program, cmd, &out);
	else if (cmd)
		help_command(call->program, cmd, &out);
	else
		help_all(call->program, &out);
	return call_print(call, out.text, out.len);
}
