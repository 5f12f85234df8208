#include "monitor/log_journal.h"

#include "base/fd.h"
#include "base/helper.h"
#include "base/json.h"
#include "base/process.h"
#include "systemd/ask.h"
#include "systemd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

_Static_assert(LOG_CHUNK_MAX <= JOURNAL_CHUNK_MAX, "a chunk is one message");

struct log_journal {
	char *name, *id, *tag;
	int sock; /* to the helper; -1: it is still to be started */
};

int log_journal_open(const struct log_choice *choice, struct log_journal **ret, struct err *err)
{
	struct log_journal *j;

	/* Without it the library would say that all is well, and write nothing. */
	if (access(JOURNAL_SOCKET, W_OK) < 0)
		return err_set(
			err, errno,
			"--log-driver journald: there is no journal here, %s: %s; take k8s-file "
			"or json-file",
			JOURNAL_SOCKET, strerror(errno));
	*ret = j = xcalloc(1, sizeof(*j));
	j->name = xstrdup(choice->name);
	j->id = xstrdup(choice->id);
	j->tag = choice->tag ? xstrdup(choice->tag) : xstrndup(choice->id, 12);
	j->sock = -1;
	return 0;
}

void log_journal_close(struct log_journal **journal)
{
	struct log_journal *j = *journal;

	if (!j)
		return;
	if (j->sock >= 0)
		close(j->sock);
	free(j->name);
	free(j->id);
	free(j->tag);
	free(j);
	*journal = NULL;
}

int log_journal_fd(const struct log_journal *j)
{
	return j->sock;
}

/* In the child. */
__attribute__((noreturn)) static void become(int exe, int sock)
{
	char *const argv[] = { (char *)SYSTEMD_HELPER, NULL }, *const env[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(sock, STDIN_FILENO) == STDIN_FILENO) {
		fd_cloexec_from(3);
		(void)execveat(exe, "", argv, env, AT_EMPTY_PATH);
	}
	_exit(127);
}

static int send_request(const struct log_journal *j)
{
	CLEAN(json) struct json_object *o = json_object_new_object();
	size_t len;
	const char *text;

	json_put_u64(o, "version", SYSTEMD_VERSION);
	json_put_string(o, "job", JOURNAL_JOB);
	json_put_string(o, "name", j->name);
	json_put_string(o, "id", j->id);
	json_put_string(o, "tag", j->tag);
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	return fd_send(j->sock, text, len, NULL, 0);
}

/*
 * As the keeper's child: it is waited for there, like all that a monitor leaves, and outlives us for as
 * long as there is something on its socket.
 */
static int start(struct log_journal *j, struct err *err)
{
	CLEAN(fd) int exe = helper_open(SYSTEMD_HELPER, err);
	CLEAN(fd) int theirs = -1;
	CLEAN(fd) int child = -1;
	int ends[2], rc;
	pid_t pid;

	if (exe < 0)
		return exe;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "socketpair");
	j->sock = ends[0];
	theirs = ends[1];
	pid = process_clone(CLONE_PARENT, -1, &child);
	if (pid == 0)
		become(exe, theirs);
	rc = pid < 0 ? (int)pid : send_request(j);
	if (rc == 0 && fcntl(j->sock, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	close(take_fd(&j->sock));
	return err_set(err, -rc, "start " SYSTEMD_HELPER ": %s", strerror(-rc));
}

int log_journal_write(struct log_journal *j, enum log_stream stream, const char *bytes, size_t len,
		      struct err *err)
{
	struct journal_head head = { SYSTEMD_VERSION, stream == LOG_STDERR ? (uint32_t)LOG_ERR :
									     (uint32_t)LOG_INFO };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)bytes, len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	int rc = j->sock < 0 ? start(j, err) : 0;
	ssize_t n;

	if (rc < 0)
		return rc;
	do
		n = sendmsg(j->sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	rc = -errno;
	/* It died. */
	if (rc != -EAGAIN)
		close(take_fd(&j->sock));
	return err_set(err, -rc, "write to the journal by " SYSTEMD_HELPER ": %s", strerror(-rc));
}
