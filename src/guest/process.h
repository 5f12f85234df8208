/* The processes themselves, by the code that makes containers on a host. */
#ifndef CTR_GUEST_PROCESS_H
#define CTR_GUEST_PROCESS_H

#include "runtime/container.h"

/* Three fds for the process, of which the other ends are ours; all closed on failure. */
struct process_made {
	int pidfd;
	int terminal; /* pty master, where it has one; -1 */
	int ends[3];  /* ours of its pipes, where it has none; -1 */
};

/* Make the container of this document (config.json) and start its process. */
int process_first(const char *text, size_t len, struct container *c, struct process_made *ret,
		  struct err *err) MUST_CHECK;

/* One more process in it, which `process` of the document describes. */
int process_more(const char *text, size_t len, struct container *c, struct process_made *ret,
		 struct err *err) MUST_CHECK;

#endif
