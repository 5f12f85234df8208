/*
 * The flags of checkpoint and restore, which are the same in every program that has them: runc's
 * names. `type` is the verb's own struct, whose member `c` is a struct checkpoint_options
 * (runtime/checkpoint.h). Variant 'c' is checkpoint, 'r' is restore.
 */
#ifndef CTR_CLI_CHECKPOINT_ROWS_H
#define CTR_CLI_CHECKPOINT_ROWS_H

#include "cli/options.h"

/* clang-format off */
#define CHECKPOINT_ROWS(type)                                                                            \
	{ "image-path", "DIR", "Folder of the checkpoint (default checkpoint, in this one)", "@dir",      \
	  .kind = OPT_STRING, OPT_TO(type, c.image_path) },                                               \
	{ "work-path", "DIR", "Folder for criu's log and sockets (default: that of the checkpoint)",      \
	  "@dir", .kind = OPT_STRING, OPT_TO(type, c.work_path) },                                        \
	{ "parent-path", "DIR", "An earlier --pre-dump, relative to --image-path", "@dir",                \
	  .kind = OPT_STRING, .only = 'c', OPT_TO(type, c.parent_path) },                                 \
	{ "leave-running", NULL, "Let it go on afterwards", .kind = OPT_FLAG, .only = 'c',                \
	  OPT_TO(type, c.leave_running) },                                                                \
	{ "pre-dump", NULL, "Only its memory, while it runs: a later one with --parent-path is quicker",  \
	  .kind = OPT_FLAG, .only = 'c', OPT_TO(type, c.pre_dump) },                                      \
	{ "tcp-established", NULL, "Keep open TCP connections", .kind = OPT_FLAG,                         \
	  OPT_TO(type, c.tcp_established) },                                                              \
	{ "tcp-skip-in-flight", NULL, "Leave out TCP connections that are being made",                    \
	  .kind = OPT_FLAG, .only = 'c', OPT_TO(type, c.tcp_skip_in_flight) },                            \
	{ "ext-unix-sk", NULL, "Allow unix sockets whose other end is outside", .kind = OPT_FLAG,         \
	  OPT_TO(type, c.ext_unix_sk) },                                                                  \
	{ "shell-job", NULL, "Allow a terminal that is not the container's own", .kind = OPT_FLAG,        \
	  OPT_TO(type, c.shell_job) },                                                                    \
	{ "file-locks", NULL, "Keep file locks", .kind = OPT_FLAG, OPT_TO(type, c.file_locks) },          \
	{ "link-remap", NULL, "Keep open files that were deleted, but have other names",                  \
	  .kind = OPT_FLAG, .only = 'c', OPT_TO(type, c.link_remap) },                                    \
	{ "lazy-pages", NULL, "Its memory comes page by page, as it is used (userfaultfd)",               \
	  .kind = OPT_FLAG, OPT_TO(type, c.lazy_pages) },                                                 \
	{ "status-fd", "FD", "Gets a NUL when --lazy-pages is ready to serve", .kind = OPT_INT,           \
	  .min = -1, .max = INT32_MAX, .only = 'c', OPT_TO(type, c.status_fd) },                          \
	{ "page-server", "ADDRESS:PORT", "Send its memory to `criu page-server` there",                   \
	  .kind = OPT_STRING, .only = 'c', OPT_TO(type, c.page_server) },                                 \
	{ "empty-ns", "NAMESPACE", "network: taken, and always so: what is in it is made from outside",   \
	  "network", .kind = OPT_LIST, OPT_TO(type, c.empty_ns) },                                        \
	{ "manage-cgroups-mode", "MODE", "Of groups below its own: soft (default), full, strict, ignore", \
	  "soft full strict ignore", .kind = OPT_STRING, OPT_TO(type, c.cgroups_mode) },                  \
	{ "auto-dedup", NULL, "Drop pages of earlier dumps that are in this one", .kind = OPT_FLAG,       \
	  OPT_TO(type, c.auto_dedup) },                                                                   \
	{ "lsm-profile", "TYPE:LABEL", "Another AppArmor profile or SELinux label", .kind = OPT_STRING,   \
	  .only = 'r', OPT_TO(type, c.lsm_profile) },                                                     \
	{ "lsm-mount-context", "LABEL", "Another SELinux context of mounts", .kind = OPT_STRING,          \
	  .only = 'r', OPT_TO(type, c.lsm_mount_context) },                                               \
	{ "check", NULL, "Only say what stands in the way: one line each, and status 1 if any",           \
	  .kind = OPT_FLAG, OPT_TO(type, check) }
/* clang-format on */

#endif
