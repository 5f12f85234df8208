#include "monitor/tty.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

/* ---- our own terminal -------------------------------------------------------------- */

/* Alone here because a signal handler needs it. */
static struct {
	int tty;
	struct termios saved;
	volatile sig_atomic_t raw;
} own;

/* A pipe takes this much without blocking once poll says that it is writable (PIPE_BUF). */
#define PIPE_SAFE 4096

static sigset_t ignored; /* signals that were when we were started */

static const int fatal[] = { SIGHUP, SIGINT,  SIGQUIT, SIGTERM, SIGSEGV,
			     SIGBUS, SIGABRT, SIGFPE,  SIGILL,  SIGSYS };

void tty_restore(int when)
{
	int saved = errno;

	if (own.raw)
		(void)tcsetattr(own.tty, when, &own.saved);
	own.raw = 0;
	errno = saved;
}

/* SA_RESETHAND has put the default action back: the signal then ends us as if we had not been here. */
static void on_fatal(int signal)
{
	tty_restore(TCSANOW);
	(void)raise(signal);
}

/* Does nothing when that is no terminal: keys then reach nobody, and ^C is still a signal. */
void tty_raw(int fd)
{
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, &raw) < 0)
		return;
	if (!own.raw) {
		own.tty = fd;
		own.saved = raw;
		own.raw = 1;
	}
	cfmakeraw(&raw);
	/* What was typed ahead stays: not TCSAFLUSH. */
	(void)tcsetattr(fd, TCSANOW, &raw);
}

void tty_guard(void)
{
	struct sigaction act = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		if (sigismember(&ignored, fatal[i]) <= 0)
			(void)sigaction(fatal[i], &act, NULL);
}

bool tty_is_raw(void)
{
	return own.raw;
}

ssize_t tty_write_some(int fd, const char *bytes, size_t len)
{
	struct iovec part = { (void *)bytes, len };
	ssize_t n = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
	struct stat st;

	if (n >= 0 || errno != EOPNOTSUPP)
		return n;
	/* Where the kernel can't do it that way: files never wait for long, others take a little. */
	if (len > PIPE_SAFE && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		len = PIPE_SAFE;
	return write(fd, bytes, len);
}

int relay_own_tty(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

void relay_resize(int master, int tty)
{
	struct winsize size;

	if (tty >= 0 && ioctl(tty, TIOCGWINSZ, &size) == 0 && size.ws_col)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

/* ---- signals ----------------------------------------------------------------------- */

/* Not passed on: what can't be taken, what is about ourselves, and what a crash of ours is. */
static const int kept[] = { SIGSEGV, SIGBUS,  SIGABRT, SIGFPE,  SIGILL,  SIGSYS,
			    SIGTRAP, SIGCHLD, SIGURG,  SIGTTIN, SIGTTOU, SIGPIPE };

static void nothing(int signal)
{
	(void)signal;
}

/* A handler is gone after exec, where SIG_IGN would stay; for us the two are the same. */
void relay_inherited(void)
{
	static const int usual[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE };
	struct sigaction act = { .sa_handler = nothing, .sa_flags = SA_RESTART }, old;

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (sigaction(usual[i], NULL, &old) < 0 || old.sa_handler != SIG_IGN)
			continue;
		sigaddset(&ignored, usual[i]);
		(void)sigaction(usual[i], &act, NULL);
	}
}

int relay_signals(bool passing_on, struct err *err)
{
	sigset_t set;
	int fd;

	if (passing_on) {
		sigfillset(&set);
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			sigdelset(&set, kept[i]);
		for (int signal = 1; signal < SIGRTMIN; signal++)
			if (sigismember(&ignored, signal) > 0)
				sigdelset(&set, signal);
	} else {
		sigemptyset(&set);
		sigaddset(&set, SIGWINCH);
		sigaddset(&set, SIGCONT);
		sigaddset(&set, SIGTSTP);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(err, "make a signalfd") : fd;
}
