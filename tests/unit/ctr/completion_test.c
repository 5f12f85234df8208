/* What a shell is told, and help and man pages from the same table. bash is asked for real. */
#include "ctr/commands.h"
#include "ctr/run_flags.h"

#include "base/fd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct question {
	const char *line, *answer; /* answers have | between */
};

/* One bash for all: it takes a tenth of a second to start. The cursor is at each line's end. */
static void offers(const struct question *q, size_t count)
{
	static const char tail[] =
		"\nctr() { case $1 in ps) echo c1; echo d2 ;; pool) echo fast ;; volume) echo v1 ;; esac; }\n"
		"for line; do COMP_LINE=$line; COMP_POINT=${#line}; _ctr; IFS='|'\n"
		"echo \"${COMPREPLY[*]}\"; unset IFS; done\n";
	char path[] = "/tmp/ctr-bash-XXXXXX", answer[8192];
	CLEAN(fd) int fd = mkstemp(path);
	CLEAN(str) struct str script = { 0 }, command = { 0 };
	FILE *out;

	assert_int_equal(completion_script("bash", &script), 0);
	str_add(&script, tail);
	assert_int_equal(fd_write_all(fd, script.text, script.len), 0);
	str_printf(&command, "bash --norc %s", path);
	for (size_t i = 0; i < count; i++)
		str_printf(&command, " '%s'", q[i].line);
	out = popen(command.text, "r");
	assert_non_null(out);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(fgets(answer, sizeof(answer), out));
		answer[strcspn(answer, "\n")] = '\0';
		if (strcmp(answer, q[i].answer) != 0)
			fail_msg("%s: offers\n  %s, expected\n  %s", q[i].line, answer,
				 q[i].answer);
	}
	assert_int_equal(pclose(out), 0);
	unlink(path);
}

static void test_bash_offers_verbs_flags_names_and_values(void **state)
{
	static const struct question q[] = {
		{ "ctr ru", "run" },
		{ "ctr --root /x ru", "run" },
		{ "ctr pool i", "inspect" },
		{ "ctr help com", "completion" },
		{ "ctr run --memory-", "--memory-swap|--memory-reservation" },
		{ "ctr rm --", "--force|--volumes|--all|--help" },
		{ "ctr create --atta", "--attach" },
		{ "ctr run --atta", "" },
		{ "ctr stop ", "c1|d2" },
		{ "ctr stop c1 d", "d2" },
		{ "ctr exec -it ", "c1|d2" },
		{ "ctr pool rm ", "fast" },
		{ "ctr volume rm ", "v1" },
		{ "ctr volume pr", "prune" },
		{ "ctr diff ", "c1|d2" },
		{ "ctr run --cgroup-parent ", "fast" },
		{ "ctr run --network h", "host" },
		{ "ctr run --network=h", "host" },
		{ "ctr run --cap-add CAP_NET_",
		  "CAP_NET_BIND_SERVICE|CAP_NET_BROADCAST|CAP_NET_ADMIN|CAP_NET_RAW" },
		{ "ctr run --security-opt seccomp=u", "unconfined" },
		{ "ctr kill -s SIGTE", "SIGTERM" },
		{ "ctr run --init", "--init|--init=small|--init=systemd|--initrd" },
		{ "ctr run --init=sy", "systemd" },
		{ "ctr run b", "busybox" },
		{ "ctr run --rm -it --name x h", "host" },
	};

	(void)state;
	offers(q, ARRAY_LEN(q));
}

static void test_bash_leaves_the_payload_alone(void **state)
{
	static const struct question q[] = {
		{ "ctr run host --me", "" },
		{ "ctr exec c1 ", "" },
	};

	(void)state;
	offers(q, ARRAY_LEN(q));
}

static void has(const struct str *out, const char *part)
{
	if (!strstr(out->text, part))
		fail_msg("no \"%s\" in:\n%s", part, out->text);
}

static void test_zsh_and_fish_know_every_flag(void **state)
{
	static const struct opt_set set = { run_rows, RUN_VARIANT };
	CLEAN(str) struct str zsh = { 0 }, fish = { 0 };

	(void)state;
	assert_int_equal(completion_script("zsh", &zsh), 0);
	assert_int_equal(completion_script("fish", &fish), 0);
	for (const struct opt_row *r = opt_next(&set, NULL); r; r = opt_next(&set, r)) {
		const char *sign = r->kind == OPT_CHOICE ? "=-" : r->arg ? "=" : "";
		CLEAN(free) char *in_zsh = xasprintf("--%s%s[", r->name, sign);
		CLEAN(free) char *in_fish = xasprintf("'__ctr_is run' -l %s ", r->name);

		if (!r->name || r->hidden)
			continue;
		has(&zsh, in_zsh);
		has(&fish, in_fish);
	}
	assert_int_equal(completion_script("tcsh", &zsh), -EINVAL);
}

static void test_man_has_an_entry_for_every_flag(void **state)
{
	char *args[] = { "run", NULL };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int words = 0;

	(void)state;
	help_man(&ctr_program, program_verb(&ctr_program, args, &words, &err), &out);
	has(&out, ".TP\n\\fB\\-e\\fR, \\fB\\-\\-env\\fR \\fINAME[=VALUE]\\fR\nSet a variable");
	has(&out, "\\fB\\-\\-init\\fR[=small|systemd]\nRun a small");
	has(&out, ".SS \"Limits\"\n");
	has(&out, "Words of \\-\\-security\\-opt allow=");
	assert_null(strstr(out.text, "console"));
}

static void test_help_wraps_its_lines(void **state)
{
	char *args[] = { "run", NULL };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int words = 0;

	(void)state;
	help_command(&ctr_program, program_verb(&ctr_program, args, &words, &err), &out);
	for (char *line = strtok(out.text, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > 100)
			fail_msg("too long: %s", line);
}

static void test_verbs_are_found_and_guessed(void **state)
{
	char *pool_ls[] = { "pool", "ls", "-q", NULL }, *pool[] = { "pool", NULL };
	char *wrong[] = { "rnu", NULL }, *pool_wrong[] = { "pool", "creat", NULL };
	char *strange[] = { "frobnicate", NULL };
	struct err err = { 0 };
	int words = 0;

	(void)state;
	assert_string_equal(program_verb(&ctr_program, pool_ls, &words, &err)->name, "pool ls");
	assert_int_equal(words, 2);
	assert_null(program_verb(&ctr_program, pool, &words, &err));
	assert_null(program_verb(&ctr_program, wrong, &words, &err));
	assert_string_equal(err.text, "no verb \"rnu\"; did you mean run?");
	assert_null(program_verb(&ctr_program, strange, &words, &err));
	assert_string_equal(err.text, "no verb \"frobnicate\"; `ctr help` lists them");
	assert_null(program_verb(&ctr_program, pool_wrong, &words, &err));
	assert_string_equal(err.text, "no verb \"pool creat\"; did you mean pool create?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bash_offers_verbs_flags_names_and_values),
		cmocka_unit_test(test_bash_leaves_the_payload_alone),
		cmocka_unit_test(test_zsh_and_fish_know_every_flag),
		cmocka_unit_test(test_man_has_an_entry_for_every_flag),
		cmocka_unit_test(test_help_wraps_its_lines),
		cmocka_unit_test(test_verbs_are_found_and_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
