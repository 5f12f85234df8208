/* ctr-vm: a guest's kernel on /dev/kvm, its console on standard output, until it powers off or resets. */
#include "base/fd.h"
#include "base/json.h"
#include "microvm/launch.h"
#include "microvm/main_flags.h"
#include "microvm/probe.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_FAILED 125

/* 0: usable; 1: not. */
static int probe(void)
{
	CLEAN(json) struct json_object *doc = probe_host("/dev/kvm");
	bool usable = json_object_get_boolean(json_object_object_get(doc, "usable"));

	puts(json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	return fflush(stdout) ? EXIT_FAILED : !usable;
}

static int fail(const struct err *err)
{
	fprintf(stderr, "ctr-vm: %s\n", err->text);
	return err->exit_status ? err->exit_status : EXIT_FAILED;
}

static int prepare(const struct words *w)
{
	CLEAN(free) char *folder = NULL;
	struct err err = { 0 };

	if (prepare_guest(&w->prepare, &folder, &err) < 0)
		return fail(&err);
	puts(folder);
	return fflush(stdout) ? EXIT_FAILED : 0;
}

/* A further process in a guest. */
static int exec_payload(const struct words *w)
{
	struct err err = { 0 };
	int status = 0;

	return launch_exec(w->exec, w->launch.text, &status, &err) < 0 ? fail(&err) : status;
}

/* While a guest runs. */
static void note(const char *text)
{
	fprintf(stderr, "ctr-vm: %s\n", text);
}

static int run(struct words *w)
{
	CLEAN(machine_result) struct machine_result result = { 0 };
	struct err err = { 0 };
	int status = 0, rc;

	if (w->launch.text)
		rc = launch_payload(&w->opt, &w->launch, &status, &result, &err);
	else
		rc = machine_run(&w->opt, &result, &err);
	/* As it would have done without our doing. */
	if (result.signal) {
		raise(result.signal);
		return 128 + result.signal;
	}
	if (rc < 0)
		status = fail(&err);
	else if (err.code)
		(void)fail(&err);
	if (result.tail.len)
		fprintf(stderr, "The last lines of its console:\n%s", result.tail.text);
	return status;
}

int main(int argc, char **argv)
{
	CLEAN(words)
	struct words w = { .opt = { .memory = 256ULL << 20,
				    .cpus = 1,
				    .console = STDOUT_FILENO,
				    .input = STDIN_FILENO,
				    .kvm = "/dev/kvm",
				    .note = note,
				    .devices = DEVICES_OPTIONS_NONE,
				    .stop = -1 } };
	struct err err = { 0 };
	int rc;

	fd_standard_fill();
	rc = words_parse(argc, argv, &w, &err);
	if (rc > 0)
		return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
	if (rc < 0)
		return fail(&err);
	if (w.probe)
		return probe();
	if (w.prepare.cache)
		return prepare(&w);
	return w.exec ? exec_payload(&w) : run(&w);
}
