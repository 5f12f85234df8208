/* ctr vm doctor: can this host run containers in machines of their own? ctr-vm tries it, we show it. */
#include "ctr/verbs.h"

#include "base/file.h"
#include "base/helper.h"
#include "base/json.h"
#include "base/process.h"
#include "ctr/format.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define LAUNCHER "ctr-vm"
#define PROBE_MS 60000
#define PROBE_BYTES (1U << 20)
#define EXIT_UNUSABLE 1

/* In the child: become the launcher, with `out` as its standard output. */
static void become(int exe, int out)
{
	static const char *const argv[] = { LAUNCHER, "--probe", NULL };
	static const char *const env[] = { NULL };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(out, STDOUT_FILENO) >= 0)
		fexecve(exe, (char *const *)argv, (char *const *)env);
}

/* What it printed, in a file without a name that is the caller's. */
static int ask_launcher(int *ret, struct err *err)
{
	CLEAN(fd) int exe = helper_open(LAUNCHER, err), pidfd = -1;
	CLEAN(fd) int out = memfd_create("ctr-vm-doctor", MFD_CLOEXEC);
	int status;
	pid_t pid;

	if (exe < 0)
		return exe;
	if (out < 0)
		return err_sys(err, "memfd_create");
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return err_set(err, (int)-pid, "start %s: %s", LAUNCHER, strerror((int)-pid));
	if (pid == 0) {
		become(exe, out);
		_exit(127);
	}
	if (!process_ended(pidfd, PROBE_MS)) {
		(void)!process_signal(pidfd, SIGKILL);
		return err_set(err, ETIMEDOUT, "%s --probe did not end within %d s", LAUNCHER,
			       PROBE_MS / 1000);
	}
	if (process_wait(pidfd, &status) < 0 || process_exit_code(status) > EXIT_UNUSABLE)
		return err_set(err, EIO, "%s --probe failed, with status %d", LAUNCHER,
			       process_exit_code(status));
	*ret = take_fd(&out);
	return 0;
}

static int read_document(struct json_object **ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	CLEAN(fd) int out = -1;
	size_t len = 0;
	int rc = ask_launcher(&out, err);

	if (rc == 0 && lseek(out, 0, SEEK_SET) < 0)
		rc = err_sys(err, "read what %s says", LAUNCHER);
	if (rc == 0)
		rc = file_read_fd(out, LAUNCHER " --probe", PROBE_BYTES, &text, &len, err);
	if (rc == 0)
		rc = json_parse(text, len, LAUNCHER " --probe", ret, err);
	return rc;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return value ? json_object_get_string(value) : "";
}

static void show(struct json_object *doc, bool usable, struct str *out)
{
	struct json_object *reasons = json_object_object_get(doc, "reasons");
	struct json_object *checks = json_object_object_get(doc, "checks");
	struct json_object *host = json_object_object_get(doc, "host");

	str_printf(out, "Machines of their own on this host: %s\n",
		   usable ? "usable" : "not usable");
	for (size_t i = 0; i < json_object_array_length(reasons); i++)
		str_printf(out, "%s\n",
			   json_object_get_string(json_object_array_get_idx(reasons, i)));
	str_add(out, "\nTried:\n");
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *o = json_object_array_get_idx(checks, i);
		bool ok = json_object_get_boolean(json_object_object_get(o, "ok"));

		str_printf(out, "  %s %s%s%s\n", ok ? "ok    " : "FAILED", text_of(o, "name"),
			   ok ? "" : ": ", ok ? "" : text_of(o, "detail"));
	}
	str_add(out, "\nThe host:\n");
	for (size_t i = 0; i < json_object_array_length(host); i++) {
		struct json_object *o = json_object_array_get_idx(host, i);

		str_printf(out, "  %-30s %s\n", text_of(o, "name"), text_of(o, "value"));
	}
}

int verb_vm_doctor(struct call *call)
{
	const struct format_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	bool usable;
	int rc = read_document(&doc, &err);

	if (rc < 0)
		return call_fail(call, &err);
	usable = json_object_get_boolean(json_object_object_get(doc, "usable"));
	if (!f->format)
		show(doc, usable, &out);
	else if (str_eq(f->format, "json"))
		format_json(doc, &out);
	else
		rc = format_render(f->format, doc, &out, &err);
	if (rc < 0)
		return call_fail(call, &err);
	if (f->format && out.len && out.text[out.len - 1] != '\n')
		str_add(&out, "\n");
	rc = call_print(call, out.text, out.len);
	return rc ? rc : usable ? 0 : EXIT_UNUSABLE;
}
