/* Our own terminal, and the signals that are passed on: what a foreground and an attached client share. */
#ifndef CTR_MONITOR_TTY_H
#define CTR_MONITOR_TTY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Put our terminal into raw mode, remembering its settings the first time; nothing where `fd` is none.
 * tty_guard() sees to it that it has them again when a signal ends us; tty_restore() gives them back
 * (`when` as in tcsetattr(3)).
 */
void tty_raw(int fd);
void tty_guard(void);
void tty_restore(int when);
bool tty_is_raw(void);

/* Write once what can be written without waiting for long, as write(2). */
ssize_t tty_write_some(int fd, const char *bytes, size_t len) MUST_CHECK;

/*
 * A shell has ignored signals for us (nohup, a job in the background): they stay without effect on us
 * and are not passed on, but the payload is not to inherit that. Call it before the process is made.
 */
void relay_inherited(void);

/*
 * Block the signals that are passed on and return a signalfd for them, the caller's, or -errno.
 * Call it before the process is made, so that none gets lost; the new process has to unblock all
 * before its exec. With passing_on false only SIGWINCH, SIGCONT and SIGTSTP are taken.
 */
int relay_signals(bool passing_on, struct err *err) MUST_CHECK;

/* Which of our fds 0, 1, 2 is a terminal; -1: none. */
int relay_own_tty(void);

/* Give the terminal behind `master` the size of ours. Failing is fine: it keeps its own. */
void relay_resize(int master, int tty);

#endif
