/*
 * ctr-archive: tar streams of containers' files. It is started with a socket as its standard input, on
 * which lies one request with the fds it needs (archive/archive.h); it does what that says, answers,
 * and ends. Whoever can start it could do the same by hand: it gives no rights, it keeps few.
 */
#include "archive/main.h"

#include "base/fd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

static int serve(struct work *w, struct err *err)
{
	int rc = place_enter(w, err);

	if (rc < 0)
		return rc;
	switch (w->request->kind) {
	case ARCHIVE_PACK:
		return job_pack(w, err);
	case ARCHIVE_UNPACK:
		return job_unpack(w, err);
	default:
		return job_diff(w, err);
	}
}

int main(void)
{
	struct archive_answer answer = { .magic = ARCHIVE_MAGIC, .version = ARCHIVE_VERSION };
	static struct archive_request request;
	struct work w = { .request = &request, .lower = -1, .userns = -1, .proc = -1 };
	int fds[ARCHIVE_FDS];
	size_t count = ARRAY_LEN(fds), at = 0;

	/* Executed by an fd, we would be called by its number. */
	prctl(PR_SET_NAME, ARCHIVE_HELPER);
	signal(SIGPIPE, SIG_IGN);
	if (fd_recv(0, &request, sizeof(request), fds, &count) != sizeof(request) ||
	    !archive_request_ok(&request, count)) {
		fprintf(stderr,
			ARCHIVE_HELPER " is a part of ctr and not for use by hand, or of another "
				       "version than the ctr that started it\n");
		return 2;
	}
	w.root = fds[at++];
	w.stream = fds[at++];
	if (request.kind == ARCHIVE_DIFF)
		w.lower = fds[at++];
	if (request.has_userns)
		w.userns = fds[at++];
	/* What libarchive and we make is meant as it is written. */
	umask(0);
	if (serve(&w, &answer.err) < 0 && !answer.err.code)
		answer.err.code = EIO;
	answer.counts = w.counts;
	return fd_send(0, &answer, sizeof(answer), NULL, 0) < 0 ? 1 : 0;
}
