/* ctr completion bash */
#include "ctr/completion.h"

#include "ctr/commands.h"

#include <string.h>

/*
 * bash breaks words at = and : before it asks; so the line is split here, and what stands before
 * the last break is taken off the answers again.
 */
static const char before[] =
	"# bash completion for ctr, made by `ctr completion bash`\n"
	"_ctr_offer() {\n"
	"\tlocal w\n"
	"\tfor w in $1; do [[ $w == \"$cur\"* ]] && COMPREPLY+=(\"$w\"); done\n"
	"}\n"
	"_ctr_values() {\n"
	"\tcase $1 in\n"
	"\t@file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\t@dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\t@signal) _ctr_offer \"$(compgen -A signal SIG)\" ;;\n";

static const char after[] =
	"_ctr() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} verb= flag= words=() i operands=0 kind prefix cur\n"
	"\tCOMPREPLY=()\n"
	"\tread -ra words <<<\"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=('')\n"
	"\tcur=${words[-1]}\n"
	"\tfor ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tif [[ -n $flag ]]; then flag=; continue; fi\n"
	"\t\tif [[ ${words[i]} == -* ]]; then\n"
	"\t\t\t[[ ${words[i]} != *=* ]] && _ctr_takes \"$verb\" \"${words[i]}\" >/dev/null && flag=${words[i]}\n"
	"\t\telif [[ -z $verb ]]; then verb=${words[i]}\n"
	"\t\telif [[ $verb == pool || $verb == volume ]]; then verb=\"$verb ${words[i]}\"\n"
	"\t\telse\n"
	"\t\t\toperands=$((operands + 1))\n"
	"\t\t\tcase $verb in run|create|exec) return ;; esac\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tif [[ -n $flag ]]; then _ctr_values \"$(_ctr_takes \"$verb\" \"$flag\")\"\n"
	"\telif [[ $cur == --*=* ]] && kind=$(_ctr_takes \"$verb\" \"${cur%%=*}\"); then\n"
	"\t\tprefix=${cur%%=*}; cur=${cur#*=}; _ctr_values \"$kind\"\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$prefix=}\"); cur=$prefix=$cur\n"
	"\telif [[ $cur == -* ]]; then _ctr_offer \"$(_ctr_flags \"$verb\") --help\"\n"
	"\telse _ctr_operands \"$verb\"\n"
	"\tfi\n"
	"\tif [[ $cur == *[=:]* ]]; then\n"
	"\t\tprefix=${cur%\"${cur##*[=:]}\"}\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
	"\tfi\n"
	"\t[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:,] ]] && compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"complete -o default -F _ctr ctr\n";

static void each_flag(const char *verb, const struct opt_set *set, struct str *out)
{
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r)) {
		if (!r->name || !r->arg)
			continue;
		str_printf(out, "\t'%s:--%s'", verb, r->name);
		if (r->letter)
			str_printf(out, "|'%s:-%c'", verb, r->letter);
		str_printf(out, ") echo '%s' ;;\n", r->words ? r->words : "");
	}
}

/* What a flag takes; status 1 where it takes nothing. */
static void takes(struct str *out)
{
	str_add(out, "_ctr_takes() {\n\tcase $1:$2 in\n");
	each_flag("", &ctr_program.options, out);
	for (const struct command *c = ctr_program.commands; c->name; c++)
		each_flag(c->name, &c->options, out);
	/* -it: only the last of a bundle can take a value */
	str_add(out,
		"\t*:-[!-]?*) _ctr_takes \"$1\" \"-${2: -1}\" ;;\n\t*) return 1 ;;\n\tesac\n}\n");
}

/* What is one word with its flag is offered with it. */
static void choices(const struct opt_row *r, struct str *out)
{
	CLEAN(strv) struct strv words = { 0 };

	strv_split(&words, r->words, ' ');
	for (size_t i = 0; i < words.count; i++)
		str_printf(out, " --%s=%s", r->name, words.items[i]);
}

static void flag_names(const char *verb, const struct opt_set *set, struct str *out)
{
	str_printf(out, "\t'%s') echo '", verb);
	for (const struct opt_row *r = opt_next(set, NULL); r; r = opt_next(set, r)) {
		if (!r->name || r->hidden)
			continue;
		str_printf(out, " --%s", r->name);
		if (r->kind == OPT_CHOICE)
			choices(r, out);
	}
	str_add(out, "' ;;\n");
}

static void operands(struct str *out)
{
	CLEAN(str) struct str verbs = { 0 };

	completion_verbs(&verbs);
	str_printf(out, "_ctr_operands() {\n\tcase $1 in\n\t''|help) _ctr_offer '%s' ;;\n\t",
		   verbs.text);
	for (const struct completion_family *f = completion_families; f->name; f++) {
		size_t len = strlen(f->name);

		str_printf(out, "%s) _ctr_offer '", f->name);
		for (const struct command *c = ctr_program.commands; c->name; c++)
			if (str_starts(c->name, f->name) && c->name[len] == ' ')
				str_printf(out, "%s ", c->name + len + 1);
		str_add(out, "' ;;\n");
	}
	for (const struct command *c = ctr_program.commands; c->name; c++)
		if (c->operands && !str_eq(c->operands, "@verb"))
			str_printf(out, "\t'%s') _ctr_values '%s' ;;\n", c->name, c->operands);
	str_add(out, "\tesac\n}\n");
}

void completion_bash(struct str *out)
{
	CLEAN(str) struct str caps = { 0 };

	completion_caps(&caps);
	str_add(out, before);
	str_printf(out, "\t@cap) _ctr_offer '%s' ;;\n", caps.text);
	for (size_t i = 0; completion_listed(i); i++) {
		CLEAN(free) char *words = xasprintf("@%s", completion_listed(i));

		str_printf(out, "\t%s) _ctr_offer \"$(%s)\" ;;\n", words, completion_lister(words));
	}
	str_add(out, "\t*) _ctr_offer \"$1\" ;;\n\tesac\n}\n");
	takes(out);
	str_add(out, "_ctr_flags() {\n\tcase $1 in\n");
	flag_names("", &ctr_program.options, out);
	for (const struct command *c = ctr_program.commands; c->name; c++)
		flag_names(c->name, &c->options, out);
	str_add(out, "\tesac\n}\n");
	operands(out);
	str_add(out, after);
}
