/* What /proc tells of one process, for `top`. */
#ifndef CTR_CTR_TOP_READ_H
#define CTR_CTR_TOP_READ_H

#include "base/str.h"

#include <stdint.h>
#include <sys/types.h>

struct proc {
	int dir;           /* its folder in /proc: of this process and no later one of its number */
	pid_t pid;         /* as we see it */
	pid_t ppid, pgid;  /* likewise */
	pid_t inside;      /* as it sees itself */
	uint32_t uid, gid; /* effective, as we see them */
	int64_t uid_in, gid_in; /* in its user namespace; -1: it has no number there */
	char state, comm[64];
	char *args; /* the caller's to free; NULL: a kernel's or ended one */
	int tty, nice, seccomp;
	uint64_t cpu_ms, elapsed_ms, vsz_bytes, rss_bytes;
};

void proc_free(struct proc *p);

/* Fill all but `dir`, which is open, and `pid`. 0; -errno when it has ended. No words. */
int proc_read(struct proc *p) MUST_CHECK;

#endif
