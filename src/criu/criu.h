/*
 * Our side of criu(8), the program that checkpoints and restores processes. It is started as
 * `criu swrk 3` with a SOCK_SEQPACKET socket as its fd 3; one request goes over that, then it says
 * at which step it is and waits until we have done our part of it, and at last comes an answer. Each
 * is one protocol buffers message. Source: criu's rpc.proto (field numbers), criu.org/RPC, the criu(8)
 * of 3.17.
 *
 * criu is our child: what it restores as a sibling of itself (rst_sibling) is then our child as well,
 * and goes to our subreaper when we end, as the init of a container does that we made ourselves.
 */
#ifndef CTR_CRIU_CRIU_H
#define CTR_CRIU_CRIU_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* cgroup v2's freezer since 3.14, external pid namespaces since 3.15. */
#define CRIU_VERSION_MIN 31500
/* --lsm-profile and --lsm-mount-context */
#define CRIU_VERSION_LSM 31600

/* criu's own fds: the socket, its folders, and from there on the inherited ones in their order. */
#define CRIU_SOCKET_FD 3
#define CRIU_IMAGES_FD 4
#define CRIU_WORK_FD 5
#define CRIU_INHERIT_FIRST 6

/* Numbers are criu's own. */
enum criu_job {
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_CHECK = 3,
	CRIU_PRE_DUMP = 4,
	CRIU_NOTIFY = 6,
	CRIU_FEATURES = 9,
	CRIU_VERSION = 10,
};

enum criu_cgroups {
	CRIU_CGROUPS_IGNORE = 0,
	CRIU_CGROUPS_SOFT = 3,
	CRIU_CGROUPS_FULL = 4,
	CRIU_CGROUPS_STRICT = 5,
};

/* A pair of words: of a namespace and its file; of a controller and a group. */
struct criu_pair {
	char *first, *second;
};

/* An open file of ours that takes the place of what the image knows as `key`. */
struct criu_inherit {
	char *key; /* "pipe:[12]", "extRootNetNS", "file[1a:2b]" */
	int fd;    /* borrowed */
};

/* criu's own options; what is zero or NULL is not said. Texts are borrowed. */
struct criu_options {
	const char *images_path, *work_path; /* absolute; opened in criu's own view (`prepare`) */
	pid_t pid;
	int log_level;
	const char *log_file, *root, *parent_img, *freeze_cgroup, *config_file;
	const char *lsm_profile, *lsm_mount_context;
	char *page_server; /* an address, owned; NULL: none */
	int page_server_port;
	enum criu_cgroups cgroups;
	uint32_t empty_ns; /* CLONE_NEW* */
	bool leave_running, ext_unix_sk, tcp_established, tcp_skip_in_flight, evasive_devices,
		shell_job, file_locks, notify_scripts, track_mem, auto_dedup, link_remap,
		rst_sibling, ext_masters, lazy_pages, orphan_pts_master, skip_file_rwx_check;
	struct strv external; /* "mnt[/data]:/data", "net[4026532193]:extRootNetNS" */
	struct criu_pair *join_ns, *cgroup_roots;
	size_t join_ns_count, cgroup_root_count;
	struct criu_inherit *inherit;
	size_t inherit_count;
};

#define CRIU_OPTIONS_INIT                    \
	(struct criu_options)                \
	{                                    \
		.cgroups = CRIU_CGROUPS_SOFT \
	}

void criu_options_free(struct criu_options *o);
CLEAN_DEFINE(criu_options, struct criu_options, criu_options_free)

void criu_inherit_add(struct criu_options *o, const char *key, int fd);
void criu_join_add(struct criu_options *o, const char *ns, const char *file);
void criu_cgroup_root_add(struct criu_options *o, const char *controller, const char *path);

/* What the answer says; what doesn't belong to the job stays zero. */
struct criu_answer {
	int version;                /* 31701 for 3.17.1 */
	bool mem_track, lazy_pages; /* features of this criu on this kernel */
	bool ours;                  /* of a failure: `notify` failed, and criu only followed */
};

struct criu_call {
	const char *program; /* from criu_find() */
	enum criu_job job;
	const struct criu_options *options; /* NULL where the job has none */
	int cgroup;                         /* fd of the group that criu starts in; -1: ours */
	/* criu and all that it restores can't get more rights by an exec (PR_SET_NO_NEW_PRIVS), which
	 * criu before 4.0 neither dumps nor restores. */
	bool no_new_privs;
	/* In criu's process before it is executed, in a mount namespace of its own, to change what it
	 * sees; NULL: nothing, and it stays in ours. */
	int (*prepare)(void *data, struct err *err);
	/* Our part of a step: "setup-namespaces", "orphan-pts-master" ... pid 0: none; *fd is what came
	 * along (-1: nothing), taken over by whoever sets it to -1. A failure ends criu's work. */
	int (*notify)(void *data, const char *step, pid_t pid, int *fd, struct err *err);
	void *data;
};

/* criu's executable, by PATH and then by the places where a system has it; the caller's to free.
 * -ENOENT: "criu is not installed; install the package criu". */
int criu_find(char **ret, struct err *err) MUST_CHECK;

/*
 * Let it do one job and wait for its end. ret may be NULL; it is
 * filled after a failure too. What criu says when it fails before it has a
 * log is in the error; what is in its log is for criu_log_errors() to find. Needs a caller with one thread.
 */
int criu_run(const struct criu_call *call, struct criu_answer *ret, struct err *err) MUST_CHECK;

/* 31701 for 3.17.1, or -errno with words. */
int criu_version(const char *program, struct err *err) MUST_CHECK;

/*
 * Is there all that criu needs of this kernel (`criu check`)? 0; -ENOTSUP with what it said.
 */
int criu_check(const char *program, struct err *err) MUST_CHECK;

/*
 * The first errors of a log, one after the other with "; " between, without the times in front. False:
 * there is no log, or no error in it.
 */
bool criu_log_errors(int dir, const char *file, struct str *ret) MUST_CHECK;

/* request.c, for criu_run() and its tests: the bytes of a request. */
void criu_request_put(enum criu_job job, const struct criu_options *o, struct str *ret);
void criu_notified_put(struct str *ret);

/* What criu sent: a step or the answer. */
struct criu_reply {
	enum criu_job job;
	bool success;
	int error; /* errno of a failure; 0: it doesn't say */
	char message[256];
	char step[64];
	pid_t pid;
	struct criu_answer answer;
};

int criu_reply_read(const void *bytes, size_t len, struct criu_reply *ret) MUST_CHECK;

#endif
