/* What went wrong, in words for the person who has to mend it. */
#ifndef CTR_BASE_ERR_H
#define CTR_BASE_ERR_H

#define ERR_TEXT_MAX 1024

#define MUST_CHECK __attribute__((warn_unused_result))

struct err {
	int code;                /* positive errno; 0: nothing went wrong */
	int exit_status;         /* what a program should exit with; 0: its own usual status */
	char text[ERR_TEXT_MAX]; /* NUL-terminated; cut at the end if too long */
};

/*
 * Record a failure and return -code, so that a caller can `return err_set(...)`.
 * The text names what was tried, on what, because of which key or flag, and what to do.
 * Keeps errno. Safe between fork and exec. The struct has no owner: copy it freely,
 * also over a socket as bytes.
 */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), nonnull(1, 3)));

/*
 * The same for a system call that just failed: the code is errno, and ": " with the text
 * of errno is put behind the message.
 */
int err_sys(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

/*
 * Put words in front of a failure that is already recorded ("mounts[3] (/proc): ...") and
 * return its -code. For a caller that knows what its callee could not: which key it was.
 */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* Put words behind it. */
void err_append(struct err *err, const char *text);

/*
 * For what can't go on and can't be told to a caller either: one line on stderr, exit status 125. Nothing
 * is allocated.
 */
void err_die(const char *text) __attribute__((noreturn));

#endif
