/* ctr completion zsh */
#include "ctr/completion.h"

#include "ctr/commands.h"

#include <string.h>

/* Text within an _arguments spec, itself within single quotes: [ ] : and \ have a meaning there. */
static void spec_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			str_add(out, "\\");
		if (*text == '\'')
			str_add(out, "'\\''");
		else
			str_add_bytes(out, text, 1);
	}
}

static void action(struct str *out, const char *words)
{
	CLEAN(str) struct str caps = { 0 };

	if (!words) {
		str_add(out, " ");
	} else if (str_eq(words, "@file")) {
		str_add(out, "_files");
	} else if (str_eq(words, "@dir")) {
		str_add(out, "_files -/");
	} else if (str_eq(words, "@signal")) {
		str_add(out, "_signals -s");
	} else if (completion_lister(words)) {
		str_printf(out, "_ctr_%ss", words + 1);
	} else if (str_eq(words, "@verb")) {
		str_add(out, "_ctr_verbs");
	} else {
		if (str_eq(words, "@cap")) {
			completion_caps(&caps);
			words = caps.text;
		}
		str_add(out, "(");
		spec_text(out, words);
		str_add(out, ")");
	}
}

/* '*-e[help]:NAME:action' '*--env=[help]:NAME:action' */
static void flag(struct str *out, const struct opt_row *r, bool letter)
{
	str_printf(out, " '%s", r->kind == OPT_LIST ? "*" : "");
	if (letter)
		str_printf(out, "-%c%s", r->letter, r->arg ? "+" : "");
	else
		str_printf(out, "--%s%s", r->name,
			   r->arg                ? "=" :
			   r->kind == OPT_CHOICE ? "=-" :
						   "");
	str_add(out, "[");
	spec_text(out, r->help);
	str_add(out, "]");
	if (r->arg) {
		str_add(out, ":");
		spec_text(out, r->arg);
		str_add(out, ":");
		action(out, r->words);
	}
	if (r->kind == OPT_CHOICE) {
		str_add(out, "::WORD:");
		action(out, r->words);
	}
	str_add(out, "'");
}

static void flags(struct str *out, const struct opt_set *set)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r)) {
		if (!r->name || r->hidden)
			continue;
		str_add(out, " \\\n\t\t");
		flag(out, r, false);
		if (r->letter)
			flag(out, r, true);
	}
}

static void listers(struct str *out)
{
	for (size_t i = 0; completion_listed(i); i++) {
		CLEAN(free) char *words = xasprintf("@%s", completion_listed(i));

		str_printf(out,
			   "_ctr_%ss() {\n\tlocal -a found\n\tfound=(${(f)\"$(%s)\"})\n"
			   "\tcompadd -a found\n}\n",
			   completion_listed(i), completion_lister(words));
	}
}

static void family_verbs(struct str *out, const char *family)
{
	size_t len = strlen(family);

	str_printf(out, "_ctr_%s_verbs() {\n\tlocal -a found\n\tfound=(", family);
	for (const struct command *c = ctr_program.commands; c->name; c++) {
		if (!str_starts(c->name, family) || c->name[len] != ' ')
			continue;
		str_printf(out, "\n\t\t'%s:", c->name + len + 1);
		spec_text(out, c->help);
		str_add(out, "'");
	}
	str_add(out, ")\n\t_describe verb found\n}\n");
}

static void verbs(struct str *out)
{
	str_add(out, "_ctr_verbs() {\n\tlocal -a found\n\tfound=(");
	for (const struct command *c = ctr_program.commands; c->name; c++) {
		if (c->hidden || strchr(c->name, ' '))
			continue;
		str_printf(out, "\n\t\t'%s:", c->name);
		spec_text(out, c->help);
		str_add(out, "'");
	}
	for (const struct completion_family *f = completion_families; f->name; f++)
		str_printf(out, "\n\t\t'%s:%s'", f->name, f->help);
	str_add(out, ")\n\t_describe verb found\n}\n");
	for (const struct completion_family *f = completion_families; f->name; f++)
		family_verbs(out, f->name);
}

static void verb_case(struct str *out, const struct command *c)
{
	str_printf(out, "\t\"%s\") _arguments -s%s '--help[Help]'", c->name,
		   c->stop ? " -A \"-*\"" : "");
	flags(out, &c->options);
	if (c->stop) {
		str_add(out, " \\\n\t\t'1: :");
		action(out, c->operands);
		str_add(out, "' '*:: :_normal'");
	} else if (c->operands) {
		str_add(out, " \\\n\t\t'*: :");
		action(out, c->operands);
		str_add(out, "'");
	}
	str_add(out, " ;;\n");
}

void completion_zsh(struct str *out)
{
	str_add(out, "#compdef ctr\n# zsh completion for ctr, made by `ctr completion zsh`\n");
	listers(out);
	verbs(out);
	str_add(out, "_ctr_flags_of() {\n\tcase $1 in\n");
	for (const struct command *c = ctr_program.commands; c->name; c++)
		verb_case(out, c);
	str_add(out, "\tesac\n}\n_ctr() {\n\tlocal curcontext=$curcontext state line\n"
		     "\t_arguments -C -A \"-*\" '--help[Help]'");
	flags(out, &ctr_program.options);
	str_add(out,
		" \\\n\t\t'1: :_ctr_verbs' '*:: :->rest' && return\n"
		"\t[[ $state == rest ]] || return\n"
		"\tlocal family=$words[1]\n"
		"\tif (( $+functions[_ctr_${family}_verbs] )); then\n"
		"\t\tif (( CURRENT == 2 )); then _ctr_${family}_verbs; return; fi\n"
		"\t\tshift words; (( CURRENT-- ))\n"
		"\t\t_ctr_flags_of \"$family $words[1]\"\n"
		"\telse _ctr_flags_of \"$words[1]\"\n\tfi\n}\n"
		"if [ \"$funcstack[1]\" = _ctr ]; then _ctr \"$@\"; else compdef _ctr ctr; fi\n");
}
