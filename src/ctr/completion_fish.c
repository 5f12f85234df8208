/* ctr completion fish */
#include "ctr/completion.h"

#include "ctr/commands.h"

#include <string.h>

/* __ctr_is VERB [VERB]: is that what has been typed so far? Without words: is there no verb yet? */
static const char before[] = "# fish completion for ctr, made by `ctr completion fish`\n"
			     "function __ctr_is\n"
			     "\tset -l typed (commandline -opc | string match -v -- '-*')\n"
			     "\tset -e typed[1]\n"
			     "\tif test (count $argv) = 0\n"
			     "\t\ttest (count $typed) = 0\n"
			     "\t\treturn\n"
			     "\tend\n"
			     "\tfor i in (seq (count $argv))\n"
			     "\t\ttest \"$typed[$i]\" = \"$argv[$i]\"; or return 1\n"
			     "\tend\n"
			     "end\n"
			     "complete -c ctr -f\n";

/* In single quotes fish knows \' and \\ only. */
static void quote(struct str *out, const char *text)
{
	str_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_add(out, "\\");
		str_add_bytes(out, text, 1);
	}
	str_add(out, "'");
}

static void values(struct str *out, const char *words)
{
	const char *lister = completion_lister(words);
	CLEAN(str) struct str text = { 0 };

	if (str_eq(words, "@file")) {
		str_add(out, " -F");
		return;
	}
	if (str_eq(words, "@dir"))
		str_add(&text, "(__fish_complete_directories)");
	else if (str_eq(words, "@signal"))
		str_add(&text, "(__fish_make_completion_signals; string replace -r ' .*' '' -- "
			       "$__kill_signals)");
	else if (str_eq(words, "@cap"))
		completion_caps(&text);
	else if (str_eq(words, "@verb"))
		completion_verbs(&text);
	else if (lister)
		str_printf(&text, "(%s)", lister);
	else
		str_add(&text, words);
	str_add(out, " -a ");
	quote(out, text.text);
}

static void flags(struct str *out, const char *verb, const struct opt_set *set)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r)) {
		if (!r->name || r->hidden)
			continue;
		str_printf(out, "complete -c ctr -n '__ctr_is %s' -l %s", verb, r->name);
		if (r->letter)
			str_printf(out, " -s %c", r->letter);
		if (r->arg)
			str_add(out, " -r");
		if (r->words)
			values(out, r->words);
		str_add(out, " -d ");
		quote(out, r->help);
		str_add(out, "\n");
	}
}

static void verb(struct str *out, const struct command *c)
{
	const char *second = strchr(c->name, ' ');

	str_add(out, "complete -c ctr -n '__ctr_is");
	if (second)
		str_printf(out, " %.*s; and test (count (commandline -opc)) = 2",
			   (int)(second - c->name), c->name);
	str_printf(out, "' -a %s -d ", second ? second + 1 : c->name);
	quote(out, c->help);
	str_add(out, "\n");
	flags(out, c->name, &c->options);
	if (c->operands) {
		str_printf(out, "complete -c ctr -n '__ctr_is %s'", c->name);
		values(out, c->operands);
		str_add(out, "\n");
	}
}

void completion_fish(struct str *out)
{
	str_add(out, before);
	flags(out, "", &ctr_program.options);
	for (const struct completion_family *f = completion_families; f->name; f++)
		str_printf(out, "complete -c ctr -n '__ctr_is' -a %s -d '%s'\n", f->name, f->help);
	for (const struct command *c = ctr_program.commands; c->name; c++)
		if (!c->hidden)
			verb(out, c);
}
