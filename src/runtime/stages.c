#include "runtime/stages.h"

/* clang-format off */

/*
 * Read downwards: this is what happens, in this order. Read upwards from a failure: this is what is
 * undone. man/ctr-stages.7 explains each row.
 */
const struct stage create_stages[] = {
	/* name                              side    after       opens       wanted                run                     undo */
	{ "reserve the name",                PARENT, NOW,        NOW,        NULL,                 make_name,              unmake_name },
	{ "write down what will be made",    PARENT, NOW,        NOW,        NULL,                 make_record,            NULL },
	{ "make the cgroup",                 PARENT, NOW,        NOW,        want_cgroup,          make_cgroup,            unmake_cgroup },
	{ "have systemd make the slice",     PARENT, NOW,        NOW,        want_slice,           unit_start_slice,       unit_stop },
	{ "set its limits",                  PARENT, NOW,        NOW,        want_limits,          make_limits,            NULL },
	{ "attach the device rules",         PARENT, NOW,        NOW,        want_device_rules,    make_device_rules,      NULL },
	{ "give the cgroup to its user",     PARENT, NOW,        NOW,        want_cgroup_owner,    make_cgroup_owner,      NULL },
	{ "make the notify socket",          PARENT, NOW,        NOW,        want_notify,          make_notify,            NULL },
	{ "open the sources of mounts",      PARENT, NOW,        NOW,        want_rootfs,          make_sources,           unmake_sources },
	{ "make the start socket",           PARENT, NOW,        NOW,        NULL,                 make_start_socket,      NULL },
	{ "make the guest's sockets",        PARENT, NOW,        NOW,        want_vm,              make_guest_sockets,     NULL },
	{ "set time offsets",                PARENT, NOW,        NOW,        want_time_offsets,    ns_time_offsets,        ns_go_home },
	{ "enter given namespaces",          PARENT, NOW,        NOW,        want_given,           ns_enter_given,         ns_go_home },
	{ "clone the init process",          PARENT, NOW,        NOW,        NULL,                 make_child,             unmake_child },
	{ "leave given namespaces",          PARENT, NOW,        NOW,        want_given,           ns_leave_given,         NULL },
	{ "have systemd make the scope",     PARENT, NOW,        NOW,        want_scope,           unit_start,             unit_stop },
	{ "attach the scope's device rules", PARENT, NOW,        NOW,        want_scope_rules,     unit_device_rules,      NULL },
	{ "set the scope's limits",          PARENT, NOW,        IN_SCOPE,   want_scope,           unit_limits,            NULL },
	{ "set the OOM score",               PARENT, NOW,        NOW,        want_oom_score,       make_oom_score,         NULL },
	{ "map user ids",                    PARENT, NOW,        IDS_MAPPED, want_id_maps,         ns_map_ids,             NULL },
	{ "move network devices",            PARENT, NOW,        NET_READY,  want_net_devices,     net_devices_in,         net_devices_out },
	{ "keep the configuration",          PARENT, NOW,        NOW,        NULL,                 make_config,            NULL },

	{ "wait for the scope",              CHILD,  IN_SCOPE,   NOW,        want_scope,           in_scope,               NULL },
	{ "join namespaces",                 CHILD,  NOW,        NOW,        want_join,            ns_join,                NULL },
	{ "become root of the namespace",    CHILD,  IDS_MAPPED, NOW,        want_root,            ns_become_root,         NULL },
	{ "begin a session",                 CHILD,  NET_READY,  NOW,        NULL,                 in_session,             NULL },
	{ "unshare the cgroup namespace",    CHILD,  NOW,        NOW,        want_cgroup_ns,       ns_cgroup,              NULL },
	{ "set the hostname",                CHILD,  NOW,        NOW,        want_hostname,        ns_hostname,            NULL },
	{ "bring up loopback",               CHILD,  NOW,        NOW,        want_loopback,        ns_loopback,            NULL },
	{ "set sysctls",                     CHILD,  NOW,        NOW,        want_sysctls,         in_sysctls,             NULL },
	{ "mount the rootfs",                CHILD,  NOW,        NOW,        want_rootfs,          in_root,                NULL },
	{ "mount what belongs in it",        CHILD,  NOW,        NOW,        want_rootfs,          in_mounts,              NULL },
	{ "make the console",                CHILD,  NOW,        NOW,        want_terminal,        in_console,             NULL },
	{ "make the devices",                CHILD,  NOW,        MOUNTED,    want_rootfs,          in_devices,             NULL },
	{ "run the runtime's hooks",         PARENT, MOUNTED,    HOOKS_RAN,  want_runtime_hooks,   hooks_runtime,          NULL },
	{ "run createContainer hooks",       CHILD,  HOOKS_RAN,  NOW,        want_create_container_hooks, hooks_create_container, NULL },
	{ "protect paths",                   CHILD,  HOOKS_RAN,  NOW,        want_rootfs,          in_protect,             NULL },
	{ "pivot into the rootfs",           CHILD,  NOW,        NOW,        want_rootfs,          in_pivot,               NULL },
	{ "take over standard streams",      CHILD,  HOOKS_RAN,  NOW,        NULL,                 in_stdio,               NULL },
	{ "find the command",                CHILD,  NOW,        READY,      NULL,                 in_command,             NULL },
	{ "set resource limits",             PARENT, READY,      NOW,        want_rlimits,         make_rlimits,           NULL },
	{ "let nobody else into the cgroup", PARENT, READY,      NOW,        want_cgroup_closed,   make_cgroup_closed,     NULL },
	{ "write down that it is created",   PARENT, READY,      CREATED,    NULL,                 make_created,           NULL },

	{ "wait for start",                  CHILD,  CREATED,    NOW,        NULL,                 stages_await_start,     NULL },
	{ "run startContainer hooks",        CHILD,  NOW,        NOW,        want_start_container_hooks, hooks_start_container, NULL },
	{ "bring in the small init",         CHILD,  NOW,        NOW,        want_small_init,      bring_init,             NULL },
	{ "give up rights",                  CHILD,  NOW,        NOW,        NULL,                 give_up_rights,         NULL },
	{ "become the payload",              CHILD,  NOW,        NOW,        NULL,                 become_payload,         NULL },
	{ NULL }
};

/* One more process in a container that runs. */
const struct stage exec_stages[] = {
	{ "make the socket to the child",    PARENT, NOW,        NOW,        NULL,                 exec_socket,            NULL },
	{ "go to the first CPUs",            PARENT, NOW,        NOW,        want_initial_cpus,    exec_initial_cpus,      exec_former_cpus },
	{ "enter the pid namespace",         PARENT, NOW,        NOW,        want_pid_ns,          exec_pid_ns,            ns_go_home },
	{ "write the session down",          PARENT, NOW,        NOW,        want_session,         exec_session,           unmake_session },
	{ "make the group of the session",   PARENT, NOW,        NOW,        want_session_group,   exec_session_group,     unmake_session_group },
	{ "clone into the cgroup",           PARENT, NOW,        NOW,        NULL,                 exec_child,             unmake_child },
	{ "leave the pid namespace",         PARENT, NOW,        NOW,        NULL,                 ns_leave_given,         NULL },
	{ "come back from them",             PARENT, NOW,        NOW,        want_initial_cpus,    exec_leave_cpus,        NULL },
	{ "have systemd move it",            PARENT, NOW,        IN_SCOPE,   want_attach,          unit_attach,            NULL },
	{ "set the OOM score",               PARENT, NOW,        NOW,        want_oom_score,       make_oom_score,         NULL },
	{ "wait for the scope",              CHILD,  IN_SCOPE,   NOW,        want_attach,          in_scope,               NULL },
	{ "begin a session",                 CHILD,  NOW,        NOW,        NULL,                 in_session,             NULL },
	{ "enter the container",             CHILD,  NOW,        NOW,        NULL,                 exec_enter,             NULL },
	{ "make the terminal",               CHILD,  NOW,        NOW,        want_terminal,        exec_console,           NULL },
	{ "take over standard streams",      CHILD,  NOW,        NOW,        NULL,                 in_stdio,               NULL },
	{ "find the command",                CHILD,  NOW,        READY,      NULL,                 in_command,             NULL },
	{ "set resource limits",             PARENT, READY,      NOW,        want_rlimits,         make_rlimits,           NULL },
	{ "note the pid of the session",     PARENT, READY,      NOW,        want_session,         exec_session_pid,       NULL },
	{ "write the pid file",              PARENT, READY,      CREATED,    NULL,                 make_pid_file,          NULL },
	{ "give up rights",                  CHILD,  CREATED,    NOW,        NULL,                 give_up_rights,         NULL },
	{ "become the payload",              CHILD,  NOW,        NOW,        NULL,                 become_payload,         NULL },
	{ NULL }
};

/* A container whose processes come from a checkpoint. There is no child of ours: criu makes it. */
const struct stage restore_stages[] = {
	{ "reserve the name",                PARENT, NOW,        NOW,        NULL,                 make_name,              unmake_name },
	{ "write down what will be made",    PARENT, NOW,        NOW,        NULL,                 make_record,            NULL },
	{ "make the cgroup",                 PARENT, NOW,        NOW,        want_cgroup,          make_cgroup,            unmake_cgroup },
	{ "set its limits",                  PARENT, NOW,        NOW,        want_cgroup,          make_limits,            NULL },
	{ "attach the device rules",         PARENT, NOW,        NOW,        want_device_rules,    make_device_rules,      NULL },
	{ "keep the configuration",          PARENT, NOW,        NOW,        NULL,                 make_config,            NULL },
	{ "make the mount points",           PARENT, NOW,        NOW,        want_rootfs,          restore_points,         NULL },
	{ "restore the processes",           PARENT, NOW,        NOW,        NULL,                 restore_processes,      unrestore_processes },
	{ "write down that it runs",         PARENT, NOW,        NOW,        NULL,                 make_running,           NULL },
	{ NULL }
};
/* clang-format on */

static const char *const gate_names[] = {
	[NOW] = "-",
	[IN_SCOPE] = "in-scope",
	[IDS_MAPPED] = "ids-mapped",
	[NET_READY] = "net-ready",
	[MOUNTED] = "mounted",
	[HOOKS_RAN] = "hooks-ran",
	[READY] = "ready",
	[CREATED] = "created",
};

void stages_print(const struct stage *table, const struct plan *plan, FILE *out)
{
	fprintf(out, "%-3s %-6s %-32s %-11s %-11s %s\n", "#", "SIDE", "STAGE", "AFTER", "OPENS",
		"UNDO");
	for (const struct stage *s = table; s->name; s++)
		fprintf(out, "%-3d %-6s %-32s %-11s %-11s %s%s\n", (int)(s - table) + 1,
			s->side == PARENT ? "parent" : "child", s->name, gate_names[s->after],
			gate_names[s->opens], s->undo ? "yes" : "-",
			s->wanted && !s->wanted(plan) ? "  (not needed)" : "");
}
