#include "ctr/commands.h"

#include "ctr/verbs.h"
#include "runtime/guard.h"
#include "sandbox/profile.h"

#include <stdlib.h>

/* ctr's own flags, those in front of the verb. */
struct global_flags {
	const char *root, *data_root;
	bool version;
};

static const struct opt_row global_rows[] = {
	{ "root", "DIR",
	  "Where the state of containers is kept (default " DEFAULT_ROOT ", or $CTR_ROOT)", "@dir",
	  .kind = OPT_STRING, OPT_TO(struct global_flags, root) },
	{ "data-root", "DIR",
	  "Where volumes are kept (default /var/lib/ctr, of users ~/.local/share/ctr, or "
	  "$CTR_DATA_ROOT)",
	  "@dir", .kind = OPT_STRING, OPT_TO(struct global_flags, data_root) },
	{ "version", NULL, "Print the version", .kind = OPT_FLAG, .letter = 'v',
	  OPT_TO(struct global_flags, version) },
	{ 0 },
};

#define RUN_ABOUT                                                                                \
	"SOURCE is host (the machine's own programs, read-only below a throw-away layer) or "    \
	"busybox; with --rootfs or --bundle there is none. What follows it belongs to COMMAND. " \
	"Exit status: that of the command, 128+n when signal n ended it; 127: no such command, " \
	"126: it can't be run, 125: ctr failed."

static const struct command commands[] = {
	{ "run", "[flags] SOURCE [--] [COMMAND [ARG...]]",
	  "Make a container and run a command in it", RUN_ABOUT, verb_run, .enters = true,
	  .options = { run_rows, RUN_VARIANT }, .flags_size = sizeof(struct run_flags),
	  .operands = "host busybox", .max = -1, .stop = true },
	{ "create", "[flags] SOURCE [--] [COMMAND [ARG...]]",
	  "Make a container; `start` runs its command", RUN_ABOUT, verb_create, .enters = true,
	  .options = { run_rows, CREATE_VARIANT }, .flags_size = sizeof(struct run_flags),
	  .operands = "host busybox", .max = -1, .stop = true },
	{ "start", "[flags] CONTAINER...",
	  "Run the command of created containers, or once more that of stopped ones", NULL,
	  verb_start, FLAGS(attach_flags, start_rows), .operands = "@container", .min = 1,
	  .max = -1 },
	{ "attach", "[flags] CONTAINER", "Show what a container prints, and type into it",
	  "Exit status: that of the container; 0 when it was left by the keys.", verb_attach,
	  FLAGS(attach_flags, attach_rows), .operands = "@container", .min = 1, .max = 1 },
	{ "logs", "[flags] CONTAINER", "Print what a container has printed", NULL, verb_logs,
	  FLAGS(logs_flags, logs_rows), .operands = "@container", .min = 1, .max = 1 },
	{ "exec", "[flags] CONTAINER [--] COMMAND [ARG...]",
	  "Run another command in a running container", NULL, verb_exec, .enters = true,
	  FLAGS(exec_flags, exec_rows), .operands = "@container", .min = 1, .max = -1,
	  .stop = true },
	{ "session ls", "[flags] [CONTAINER...]", "List what exec started and what runs on", NULL,
	  verb_session_ls, FLAGS(session_flags, session_ls_rows), .operands = "@container",
	  .max = -1 },
	{ "session inspect", "[flags] SESSION...", "Show all about exec sessions, as JSON", NULL,
	  verb_session_inspect, FLAGS(format_flags, format_rows), .operands = "@session", .min = 1,
	  .max = -1 },
	{ "session kill", "[flags] SESSION...", "End exec sessions, or send them a signal", NULL,
	  verb_session_kill, FLAGS(session_flags, session_kill_rows), .operands = "@session",
	  .min = 1, .max = -1 },
	{ "kill", "[flags] CONTAINER...", "Send a signal to containers", NULL, verb_kill,
	  FLAGS(kill_flags, kill_rows), .operands = "@container", .min = 1, .max = -1 },
	{ "stop", "[flags] CONTAINER...", "Ask containers to end, and kill them when they don't",
	  NULL, verb_stop, FLAGS(stop_flags, stop_rows), .operands = "@container", .max = -1 },
	{ "restart", "[flags] CONTAINER...", "Stop containers, and start them again", NULL,
	  verb_restart, FLAGS(stop_flags, restart_rows), .operands = "@container", .max = -1 },
	{ "wait", "CONTAINER...", "Wait for the end of containers, and print their exit codes",
	  NULL, verb_wait, .operands = "@container", .min = 1, .max = -1 },
	{ "pause", "CONTAINER...", "Freeze all processes of containers", NULL, verb_pause,
	  .operands = "@container", .min = 1, .max = -1 },
	{ "resume", "CONTAINER...", "Let paused containers go on", NULL, verb_resume,
	  .operands = "@container", .min = 1, .max = -1 },
	{ "unpause", "CONTAINER...", "As resume", NULL, verb_resume, .operands = "@container",
	  .min = 1, .max = -1, .hidden = true },
	{ "update", "[flags] CONTAINER...", "Set other limits for containers",
	  "What no flag names stays as it is; 0 takes a limit away (--memory, --cpus, --cpu-quota, "
	  "--cpu-shares, --pids-limit, rates of disks). All is checked before anything is changed, and "
	  "undone when the kernel refuses a part. A container that has ended is started with them.",
	  verb_update, FLAGS(run_flags, update_rows), .operands = "@container", .min = 1,
	  .max = -1 },
	{ "rm", "[flags] CONTAINER...", "Remove containers",
	  "Exit status: 1 when a container of that name is not there, 2 when one still runs, 125 for "
	  "other failures.",
	  verb_rm, FLAGS(rm_flags, rm_rows), .operands = "@container", .max = -1 },
	{ "prune", "[flags]", "Remove all containers that have ended",
	  "Asks first, unless --force is given. A created one has not ended: its init waits for `start`.",
	  verb_prune, FLAGS(prune_flags, prune_rows) },
	{ "container prune", "[flags]", "As prune", NULL, verb_prune,
	  FLAGS(prune_flags, prune_rows), .hidden = true },
	{ "rename", "CONTAINER NAME", "Give a container another name",
	  "Its cgroup, its host name and what it was started with stay as they are.", verb_rename,
	  .operands = "@container", .min = 2, .max = 2 },
	{ "checkpoint", "[flags] CONTAINER", "Write the processes of a container into a folder",
	  "By criu. Without --leave-running the container is stopped then, and `restore` makes it go on: "
	  "here or on another machine that has the same rootfs.",
	  verb_checkpoint, .options = { checkpoint_rows, 'c' },
	  .flags_size = sizeof(struct checkpoint_flags), .operands = "@container", .min = 1,
	  .max = 1 },
	{ "restore", "[flags] NAME", "Make a container of a checkpoint, and let it go on",
	  "Exit status: that of its first process, as with run; 125: ctr failed.", verb_restore,
	  .options = { checkpoint_rows, 'r' }, .flags_size = sizeof(struct checkpoint_flags),
	  .min = 1, .max = 1 },
	{ "clone", "[flags] NAME NUMBER",
	  "Make copies of a micro-VM's checkpoint, and let them go on",
	  "They are NAME-1, NAME-2 and so on, in the background. Each has random numbers, a hostname (its "
	  "name), a machine-id, addresses, and a throw-away layer above the files of its own. One that "
	  "fails leaves those before it.",
	  verb_clone, FLAGS(checkpoint_flags, clone_rows), .min = 2, .max = 2 },
	{ "cp", "[flags] SRC DST", "Copy files between a container and the machine",
	  "One of SRC and DST is CONTAINER:PATH, or both are; the other one is a path of this machine, or - "
	  "for an archive (tar) on standard input or output. SRC/. is what is in the folder SRC.",
	  verb_cp, FLAGS(cp_flags, cp_rows), .operands = "@container", .min = 2, .max = 2 },
	{ "export", "[flags] CONTAINER", "Write the file tree of a container as an archive (tar)",
	  NULL, verb_export, FLAGS(export_flags, export_rows), .operands = "@container", .min = 1,
	  .max = 1 },
	{ "diff", "[flags] CONTAINER", "List what a container changed in its file tree",
	  "A line each: A added, C changed, D deleted.", verb_diff, FLAGS(format_flags, diff_rows),
	  .operands = "@container", .min = 1, .max = 1 },
	{ "ps", "[flags]", "List containers", NULL, verb_ps, FLAGS(ps_flags, ps_rows) },
	{ "top", "CONTAINER [COLUMN...|PS-OPTION...]", "Show the processes of a container",
	  "COLUMN: args comm etime group hgroup hpid huser nice pcpu pgid pid ppid rss seccomp state time "
	  "tty user vsz; those with h are as the host has them. Anything else is for the host's ps(1), "
	  "which prints the container's processes alone; its output needs a column PID.",
	  verb_top, .operands = "@container", .min = 1, .max = -1, .stop = true },
	{ "stats", "[flags] [CONTAINER...]", "Show what containers use, again and again",
	  "Without names all that run. What this machine can't tell is shown as -.", verb_stats,
	  FLAGS(stats_flags, stats_rows), .operands = "@container", .max = -1 },
	{ "events", "[flags]", "Tell what happens to containers",
	  "From now on, until it is ended by a signal; --since begins earlier, --until ends it.",
	  verb_events, FLAGS(events_flags, events_rows) },
	{ "inspect", "[flags] CONTAINER...", "Show all about containers, as JSON", NULL,
	  verb_inspect, FLAGS(format_flags, format_rows), .operands = "@container", .min = 1,
	  .max = -1 },
	{ "state", "CONTAINER", "Show the state document of the OCI runtime specification", NULL,
	  verb_state, .operands = "@container", .min = 1, .max = 1 },
	{ "spec", "[flags]", "Write the config.json of a default container", NULL, verb_spec,
	  FLAGS(spec_flags, spec_rows) },
	{ "pool create", "[flags] NAME [KEY=VALUE...]",
	  "Make a pool: a group with limits for containers", NULL, verb_pool_create,
	  FLAGS(pool_flags, pool_create_rows), .min = 1, .max = -1 },
	{ "pool ls", "[flags]", "List pools", NULL, verb_pool_ls, FLAGS(ps_flags, pool_ls_rows) },
	{ "pool inspect", "[flags] POOL...", "Show all about pools, as JSON", NULL,
	  verb_pool_inspect, FLAGS(format_flags, format_rows), .operands = "@pool", .min = 1,
	  .max = -1 },
	{ "pool set", "[flags] POOL [KEY=VALUE...]", "Change the limits of a pool", NULL,
	  verb_pool_set, FLAGS(pool_flags, pool_set_rows), .operands = "@pool", .min = 1,
	  .max = -1 },
	{ "pool rm", "POOL...", "Remove empty pools", NULL, verb_pool_rm, .operands = "@pool",
	  .min = 1, .max = -1 },
	{ "volume create", "[flags] [NAME]", "Make a volume: a folder that outlives containers",
	  NULL, verb_volume_create, FLAGS(volume_flags, volume_create_rows), .max = 1 },
	{ "volume ls", "[flags]", "List volumes", NULL, verb_volume_ls,
	  FLAGS(volume_flags, volume_ls_rows) },
	{ "volume inspect", "[flags] VOLUME...", "Show all about volumes, as JSON", NULL,
	  verb_volume_inspect, FLAGS(format_flags, format_rows), .operands = "@volume", .min = 1,
	  .max = -1 },
	{ "volume rm", "[flags] VOLUME...", "Remove volumes that no container uses",
	  "Exit status: 1 when a volume of that name is not there, 2 when one is in use, 125 for other "
	  "failures.",
	  verb_volume_rm, FLAGS(volume_flags, volume_rm_rows), .operands = "@volume", .min = 1,
	  .max = -1 },
	{ "volume prune", "[flags]", "Remove the volumes that no container uses", NULL,
	  verb_volume_prune, FLAGS(volume_flags, volume_prune_rows) },
	{ "vm doctor", "[flags]",
	  "Try whether this host can run containers in virtual machines of their own",
	  "Exit status: 0 it can; 1 it can't, and why is said; 125 ctr failed.", verb_vm_doctor,
	  FLAGS(format_flags, format_rows) },
	{ "info", "[flags]", "Show what this machine offers", NULL, verb_info,
	  FLAGS(format_flags, format_rows) },
	{ "version", "[flags]", "Show versions", NULL, verb_version,
	  FLAGS(format_flags, format_rows) },
	{ "completion", "SHELL", "Print the completion script for bash, zsh or fish", NULL,
	  verb_completion, .operands = "bash zsh fish", .min = 1, .max = 1 },
	{ "help", "[VERB]", "Show this, or all about a verb", NULL, verb_help,
	  FLAGS(help_flags, help_rows), .operands = "@verb", .max = 2 },
	{ 0 },
};

/* ---- the program ------------------------------------------------------------------- */

static int begin(struct call *call, struct err *err)
{
	static const char version[] = "ctr version " CTR_VERSION "\n";
	const struct global_flags *g = call->globals;
	int r;

	if (g->version) {
		(void)!call_print(call, version, sizeof(version) - 1);
		return 1;
	}
	call->data_root = g->data_root;
	call->root = g->root ? g->root : getenv("CTR_ROOT");
	if (call->root && *call->root)
		return 0;
	r = call_usual_root(&call->root_text, err);
	call->root = call->root_text;
	return r;
}

static void allow_words(const struct command *cmd, bool roff, struct str *out)
{
	if (cmd->options.rows != run_rows)
		return;
	str_add(out, roff ? ".SS \"Words of \\-\\-security\\-opt allow=\"\n" :
			    "\nWords of --security-opt allow=, what the default seccomp profile "
			    "denies:\n");
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		help_entry(out, roff, g->name, g->help);
}

const struct program ctr_program = {
	.name = "ctr",
	.about = "Run containers.",
	.hint = "A container of the machine's own programs:\n  ctr run -it host bash",
	.commands = commands,
	.options = { .rows = global_rows },
	.globals_size = sizeof(struct global_flags),
	.exit_failed = EXIT_CTR,
	.begin = begin,
	.guard = guard_self,
	.more_help = allow_words,
};
