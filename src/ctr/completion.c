#include "ctr/completion.h"

#include "ctr/commands.h"
#include "ctr/verbs.h"
#include "spec/names.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	void (*print)(struct str *out);
} shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

static const struct {
	const char *words, *command;
} listers[] = {
	{ "@container", "ctr ps -aq --format '{{.Name}}' 2>/dev/null" },
	{ "@session", "ctr session ls -q 2>/dev/null" },
	{ "@volume", "ctr volume ls -q 2>/dev/null" },
	{ "@pool", "ctr pool ls -q 2>/dev/null" },
};

const char *completion_lister(const char *words)
{
	for (size_t i = 0; i < ARRAY_LEN(listers); i++)
		if (str_eq(words, listers[i].words))
			return listers[i].command;
	return NULL;
}

const char *completion_listed(size_t i)
{
	return i < ARRAY_LEN(listers) ? listers[i].words + 1 : NULL;
}

const struct completion_family completion_families[] = {
	{ "pool", "Named groups with limits" },
	{ "volume", "Folders that outlive containers" },
	{ "session", "What exec started" },
	{ 0 },
};

void completion_caps(struct str *out)
{
	const char *name;

	str_add(out, "ALL");
	for (int cap = 0; (name = spec_cap_name(cap)); cap++)
		str_printf(out, " %s", name);
}

void completion_verbs(struct str *out)
{
	const char *last = "";

	for (const struct command *c = ctr_program.commands; c->name; c++) {
		size_t len = strcspn(c->name, " ");

		if (c->hidden || (strncmp(c->name, last, len) == 0 && last[len] == ' '))
			continue;
		if (out->len)
			str_add(out, " ");
		str_add_bytes(out, c->name, len);
		last = c->name;
	}
}

int completion_script(const char *shell, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (str_eq(shell, shells[i].name)) {
			shells[i].print(out);
			return 0;
		}
	}
	return -EINVAL;
}

int verb_completion(struct call *call)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (completion_script(call->args[0], &out) < 0) {
		err_set(&err, EINVAL, "no script for \"%s\": bash, zsh or fish", call->args[0]);
		return call_fail(call, &err);
	}
	return call_print(call, out.text, out.len);
}
