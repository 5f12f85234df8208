/* The processes of a container, for `top`: what /proc tells of each, this kernel's or that of a micro-VM's guest. */
#ifndef CTR_RUNTIME_PROCESSES_H
#define CTR_RUNTIME_PROCESSES_H

#include "runtime/container.h"

#include <stdint.h>
#include <sys/types.h>

#define PROC_COMM_MAX 64

struct proc {
	int dir; /* its folder in /proc: of this process and no later one of its number; -1 */
	pid_t pid, ppid, pgid;  /* as its kernel's first pid namespace has them */
	pid_t inside;           /* as it sees itself */
	int64_t uid_in, gid_in; /* effective, in its user namespace; -1: it has no number there */
	int64_t hpid, uid, gid; /* as this host sees them; -1: it is no process of its */
	char state, comm[PROC_COMM_MAX];
	char *args; /* the caller's to free; NULL: a kernel's or ended one */
	int tty, nice, seccomp;
	uint64_t cpu_ms, elapsed_ms, vsz_bytes, rss_bytes;
};

struct procs {
	struct proc *items;
	size_t count;
};

void proc_free(struct proc *p);
void procs_free(struct procs *p);
CLEAN_DEFINE(procs, struct procs, procs_free)

/*
 * Those that can be read; of a micro-VM what its guest says of those in it (vm_ask.h), which may be anything but is
 * bounded. ret must be all zero.
 */
int container_processes(struct container *c, struct procs *ret, struct err *err) MUST_CHECK;

/* Inside this room only: fill all but `dir`, which is open, and `pid`. 0; -errno when it has ended. No words. */
int proc_read(struct proc *p) MUST_CHECK;

#endif
