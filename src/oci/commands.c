/* The table of verbs, and what comes before them. */
#include "oci/oci.h"

#include "base/fd.h"
#include "runtime/guard.h"
#include "runtime/rootless.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TO(field) OPT_TO(struct oci_globals, field)

static const struct opt_row global_rows[] = {
	{ "root", "DIR",
	  "Where the state of containers is kept (default " OCI_ROOT
	  "; for ordinary users below $XDG_RUNTIME_DIR)",
	  "@dir", .kind = OPT_STRING, TO(root) },
	{ "log", "FILE", "Write errors here as well as to standard error, and warnings here alone",
	  "@file", .kind = OPT_STRING, TO(log) },
	{ "log-format", "FORMAT", "Of --log: text (default) or json", "text json",
	  .kind = OPT_STRING, TO(log_format) },
	{ "debug", NULL, "Tell on standard error how long each stage took, and warnings too",
	  .kind = OPT_FLAG, TO(debug) },
	{ "systemd-cgroup", NULL, "Ask systemd for the cgroup; cgroupsPath is SLICE:PREFIX:NAME",
	  .kind = OPT_FLAG, TO(systemd_cgroup) },
	{ "cgroup-manager", "MANAGER", "cgroupfs (default), systemd, or disabled: no cgroup at all",
	  "cgroupfs systemd disabled", .kind = OPT_STRING, TO(cgroup_manager) },
	{ "rootless", "WHEN", "auto (default), true or false", "auto true false",
	  .kind = OPT_STRING, TO(rootless) },
	{ "criu", "FILE", "Taken and ignored: criu is looked up in PATH", "@file",
	  .kind = OPT_STRING, .hidden = true, TO(criu) },
	{ "version", NULL, "Print the version", .kind = OPT_FLAG, .letter = 'v', TO(version) },
	{ 0 },
};

static const struct command commands[] = {
	{ "create", "[flags] ID", "Make a container; `start` runs its process", NULL,
	  oci_verb_create, .enters = true, .options = { oci_create_rows, 'c' },
	  .flags_size = sizeof(struct oci_create_flags), .min = 1, .max = 1 },
	{ "start", "ID", "Run the process of a created container", NULL, oci_verb_start, .min = 1,
	  .max = 1 },
	{ "run", "[flags] ID", "Make a container and run its process", NULL, oci_verb_run,
	  .enters = true, .options = { oci_create_rows, 'r' },
	  .flags_size = sizeof(struct oci_create_flags), .min = 1, .max = 1 },
	{ "state", "ID", "Show the state document", NULL, oci_verb_state, .min = 1, .max = 1 },
	{ "kill", "[flags] ID [SIGNAL]", "Send a signal (default SIGTERM)", NULL, oci_verb_kill,
	  FLAGS(oci_kill_flags, oci_kill_rows), .min = 1, .max = 2 },
	{ "delete", "[flags] ID", "Remove what is left of a container", NULL, oci_verb_delete,
	  FLAGS(oci_delete_flags, oci_delete_rows), .min = 1, .max = 1 },
	{ "exec", "[flags] ID [COMMAND [ARG]...]", "Run one more process in a running container",
	  "With --process all but the container comes from that file; else it is the container's own "
	  "process with another command, changed by the flags. In the foreground its exit status is "
	  "ours.",
	  oci_verb_exec, .enters = true, FLAGS(oci_exec_flags, oci_exec_rows), .min = 1, .max = -1,
	  .stop = true },
	{ "ps", "[flags] ID [PS-OPTION]...", "Show its processes", NULL, oci_verb_ps,
	  FLAGS(oci_ps_flags, oci_ps_rows), .min = 1, .max = -1, .stop = true },
	{ "update", "[flags] ID", "Set other limits", NULL, oci_verb_update,
	  FLAGS(oci_update_flags, oci_update_rows), .min = 1, .max = 1 },
	{ "events", "[flags] ID", "Tell what it uses, and of its want of memory, as JSON lines",
	  NULL, oci_verb_events, FLAGS(oci_events_flags, oci_events_rows), .min = 1, .max = 1 },
	{ "checkpoint", "[flags] ID", "Write its processes into a folder, by criu",
	  "Without --leave-running it is stopped then, and `restore` makes it go on: here or on another "
	  "machine that has the same rootfs.",
	  oci_verb_checkpoint, .options = { oci_checkpoint_rows, 'c' },
	  .flags_size = sizeof(struct oci_checkpoint_flags), .min = 1, .max = 1 },
	{ "restore", "[flags] ID", "Make a container of a checkpoint, and let it go on",
	  "In the foreground its exit status is ours.", oci_verb_restore,
	  .options = { oci_checkpoint_rows, 'r' },
	  .flags_size = sizeof(struct oci_checkpoint_flags), .min = 1, .max = 1 },
	{ "features", "", "Print what this runtime can do, as the standard's document", NULL,
	  oci_verb_features },
	{ "spec", "[flags]", "Write a config.json to begin with", NULL, oci_verb_spec,
	  FLAGS(oci_spec_flags, oci_spec_rows) },
	{ "list", "[flags]", "List containers", NULL, oci_verb_list,
	  FLAGS(oci_list_flags, oci_list_rows) },
	{ "pause", "ID", "Freeze all its processes", NULL, oci_verb_pause, .min = 1, .max = 1 },
	{ "resume", "ID", "Let them go on", NULL, oci_verb_resume, .min = 1, .max = 1 },
	{ "help", "[VERB]", "Show this, or all about a verb", NULL, verb_help,
	  FLAGS(help_flags, help_rows), .operands = "@verb", .max = 2 },
	{ 0 },
};

static int one_of(const char *flag, const char *value, const char *const *words, struct err *err)
{
	for (size_t i = 0; value && words[i]; i++)
		if (str_eq(value, words[i]))
			return 0;
	return value ? err_set(err, EINVAL, "--%s: \"%s\" is not one of its values; see help", flag,
			       value) :
		       0;
}

static bool is_rootless(const struct oci_globals *g)
{
	if (g->rootless && !str_eq(g->rootless, "auto"))
		return str_eq(g->rootless, "true");
	return rootless_served();
}

static int begin(struct call *call, struct err *err)
{
	/* dockerd and podman read these three lines. */
	static const char version[] = "ctr-oci version " CTR_VERSION "\n"
				      "commit: " CTR_VERSION "\n"
				      "spec: 1.3.0\n";
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const managers[] = { "cgroupfs", "systemd", "disabled", NULL };
	const struct oci_globals *g = call->globals;
	int r = one_of("log-format", g->log_format, formats, err);

	if (r == 0)
		r = one_of("cgroup-manager", g->cgroup_manager, managers, err);
	if (r < 0)
		return r;
	if (g->version) {
		(void)!call_print(call, version, sizeof(version) - 1);
		return 1;
	}
	call->root = g->root ? g->root : OCI_ROOT;
	if (g->root || !is_rootless(g))
		return 0;
	r = rootless_state_root("ctr-oci", &call->root_text, err);
	call->root = call->root_text;
	return r;
}

const struct program oci_program = {
	.name = "ctr-oci",
	.about = "The runtime that container engines call: the command line of runc.",
	.hint = "ctr-oci(8) tells how to\nmake an engine use it.",
	.commands = commands,
	.options = { .rows = global_rows },
	.globals_size = sizeof(struct oci_globals),
	.exit_failed = 1,
	.begin = begin,
	.guard = guard_self,
	.say = oci_say,
};

int oci_open(const struct call *call, struct container *ret, struct err *err)
{
	int root = state_root_open(call->root, err);

	int r;

	*ret = CONTAINER_INIT;
	r = root < 0 ? root : container_open(root, call->args[0], ret, err);
	/* Engines speak of whole names: the start of another one's is not ours to take. */
	if (r == 0 && !str_eq(ret->state.name, call->args[0])) {
		container_close(ret);
		r = err_set(err, ENOENT, "container \"%s\" does not exist", call->args[0]);
	}
	return r;
}

int oci_bundle(const struct call *call, const char *bundle, char **ret_path, struct spec *ret,
	       struct strv *warnings, struct err *err)
{
	CLEAN(free) char *path = realpath(bundle ? bundle : ".", NULL);
	CLEAN(fd) int dir = -1;

	(void)call;
	if (!path)
		return err_sys(err, "--bundle %s", bundle ? bundle : ".");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "--bundle %s", path);
	*ret_path = take_ptr(path);
	return spec_load(dir, "config.json", ret, warnings, err);
}
