#include "guest/renew.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MACHINE_ID "/etc/machine-id" /* machine-id(5): 32 digits and the end of the line */
#define ID_DIGITS 32

static int set_clock(const struct wire_renew *r, struct err *err)
{
	const struct timespec now = { .tv_sec = (time_t)(r->unix_ns / 1000000000),
				      .tv_nsec = (long)(r->unix_ns % 1000000000) };

	return clock_settime(CLOCK_REALTIME, &now) < 0 ? err_sys(err, "set the guest's clock") : 0;
}

/* As random as a new one would be: the host's numbers, for ours may still be those of whose copy we are. */
static void machine_id(const uint8_t random[WIRE_ID_BYTES], char ret[ID_DIGITS + 2])
{
	uint8_t id[WIRE_ID_BYTES];

	memcpy(id, random, sizeof(id));
	/* A UUID of version 4, as systemd makes them. */
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
	memcpy(ret + ID_DIGITS, "\n", 2);
}

/* One that isn't there, or is none yet, stays so. The container's files are its own to play with. */
static bool write_machine_id(const uint8_t random[WIRE_ID_BYTES])
{
	CLEAN(fd)
	int fd = open(MACHINE_ID, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[ID_DIGITS + 2];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < ID_DIGITS)
		return true;
	machine_id(random, text);
	return fd_write_all(fd, text, ID_DIGITS + 1) == 0 && ftruncate(fd, ID_DIGITS + 1) == 0;
}

/* In a process of its own, in the container's namespaces: there its root is ours. */
static bool become(const struct wire_renew *r, const struct container *c)
{
	return setns(c->pidfd, CLONE_NEWUTS | CLONE_NEWNS) == 0 &&
	       sethostname(r->hostname, strlen(r->hostname)) == 0 && write_machine_id(r->id);
}

static int rename_container(const struct wire_renew *r, const struct container *c, struct err *err)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(become(r, c) ? 0 : 1 + (errno & 0x7f));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_sys(err, "tell the container who it is now");
	if (status == 0)
		return 0;
	return err_set(err, EIO, "give the container another hostname and machine-id: %s",
		       WIFEXITED(status) ? strerror(WEXITSTATUS(status) - 1) : "killed");
}

int renew(const struct wire_frame *f, const struct container *c, struct err *err)
{
	struct wire_renew r;
	int rc;

	if (f->len != sizeof(r))
		return err_set(err, EPROTO, "the host says what time it is in no known way");
	memcpy(&r, f->data, sizeof(r));
	r.hostname[sizeof(r.hostname) - 1] = '\0';
	rc = set_clock(&r, err);
	return rc == 0 && r.copy ? rename_container(&r, c, err) : rc;
}
