/* Processes by pidfd: made, signalled, waited for, recognised again. */
#ifndef CTR_BASE_PROCESS_H
#define CTR_BASE_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * fork() with namespaces: clone3 with these CLONE_NEW* (and CLONE_PARENT) flags, into the cgroup
 * behind cgroup_fd (-1: the caller's). Returns the pid in the parent with *ret_pidfd set (the
 * caller's), 0 in the child, -errno. The child is a copy-on-write copy as after fork(): malloc and
 * stdio work in it as long as the caller has one thread.
 */
pid_t process_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd) MUST_CHECK;

/* An exit status as waitpid gives it, from the child behind pidfd; blocks. 0 or -errno. */
int process_wait(int pidfd, int *ret_status) MUST_CHECK;

/* The same, but it can be waited for once more. */
int process_peek(int pidfd, int *ret_status) MUST_CHECK;

/*
 * How a process ended that somebody else has waited for. On kernels from 6.15 whoever had it open before
 * may ask; -ESRCH: nobody has waited yet; -ENOTTY or -EINVAL: the kernel doesn't tell.
 */
int process_exit_status(int pidfd, int *ret_status) MUST_CHECK;

/* True once the process behind pidfd has ended. timeout_ms as poll(2): 0 looks, -1 waits. */
bool process_ended(int pidfd, int timeout_ms);

int process_signal(int pidfd, int signal) MUST_CHECK;

/* What a shell would say: the exit code, or 128 + the signal. */
int process_exit_code(int wait_status);

/*
 * When a process started, in clock ticks since boot (/proc/PID/stat, field 22): with its pid it
 * names one process for ever. 0 or -errno (-ESRCH when there is none).
 */
int process_start_time(pid_t pid, uint64_t *ret_ticks) MUST_CHECK;

/* Whose child it is, by its number; 0: one outside of our pid namespace. Errors as above. */
int process_parent(pid_t pid, pid_t *ret) MUST_CHECK;

/* The one process with that pid and start time as a pidfd, the caller's; -ESRCH when it is gone. */
int process_open(pid_t pid, uint64_t start_ticks) MUST_CHECK;

/* The same by a moment (clock_boot_ticks()) at which it had that pid: one that began later is another one. */
int process_open_of(pid_t pid, uint64_t seen_ticks) MUST_CHECK;

/* Does this environment variable hold our pid? It is how systemd says for whom the others are. */
bool process_named_by(const char *variable) MUST_CHECK;

/* "KILL", "SIGKILL", "kill", "9" -> 9; -EINVAL. And back: 9 -> "SIGKILL", NULL for none. */
int process_signal_from_name(const char *name) MUST_CHECK;
const char *process_signal_name(int signal);

#endif
