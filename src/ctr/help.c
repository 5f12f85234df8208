/* ctr help: the tables as text for people, and as roff for man pages. */
#include "ctr/commands.h"
#include "ctr/verbs.h"
#include "sandbox/profile.h"

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
		entry(out, term.text, r->help);
	}
}

static void allow_words(struct str *out)
{
	str_add(out,
		"\nWords of --security-opt allow=, what the default seccomp profile denies:\n");
	for (const struct profile_group *g = profile_groups; *g->name; g++) {
		CLEAN(free) char *term = xasprintf("      %s", g->name);

		entry(out, term, g->help);
	}
}

void help_all(struct str *out)
{
	str_add(out,
		"Usage: ctr [--root DIR] VERB [flags] [operands]\n\nRun containers.\n\nVerbs:\n");
	for (const struct command *c = commands; c->name; c++) {
		CLEAN(free) char *term = NULL;

		if (c->hidden)
			continue;
		term = xasprintf("  %-14s", c->name);
		str_add(out, term);
		str_printf(out, "%s\n", c->help);
	}
	flags(&global_options, out);
	str_add(out,
		"\n`ctr help VERB` and `ctr VERB --help` say more. A container of the machine's "
		"own programs:\n  ctr run -it host bash\n");
}

void help_command(const struct command *cmd, struct str *out)
{
	str_printf(out, "Usage: ctr %s %s\n\n%s.\n", cmd->name, cmd->synopsis, cmd->help);
	if (cmd->about) {
		str_add(out, "\n");
		wrap(out, cmd->about, 0, 0);
	}
	flags(&cmd->options, out);
	if (cmd->options.rows == run_rows)
		allow_words(out);
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
	str_add(out, "\n");
	roff_line(out, r->help);
}

void help_man(const struct command *cmd, struct str *out)
{
	const struct opt_set *set = cmd ? &cmd->options : &global_options;

	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r))
		if (!r->hidden)
			roff_row(out, r);
	if (set->rows != run_rows)
		return;
	str_add(out, ".SS \"Words of \\-\\-security\\-opt allow=\"\n");
	for (const struct profile_group *g = profile_groups; *g->name; g++) {
		str_add(out, ".TP\n\\fB");
		roff(out, g->name);
		str_add(out, "\\fR\n");
		roff_line(out, g->help);
	}
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
		cmd = verb_find(call->args, &words, &err);
		if (!cmd)
			return call_fail(call, &err);
	}
	if (f->man)
		help_man(cmd, &out);
	else if (cmd)
		help_command(cmd, &out);
	else
		help_all(&out);
	return call_print(call, out.text, out.len);
}
