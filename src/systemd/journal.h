/*
 * The journal, written to by ctr-systemd: its job that stays. The first message on its socket is the
 * request, {"version", "job": "journal", "name", "id", "tag"}; each one after it is a head and a chunk of
 * what the container printed. It ends when the other end of the socket is closed, and all is written.
 */
#ifndef CTR_SYSTEMD_JOURNAL_H
#define CTR_SYSTEMD_JOURNAL_H

#include <stdint.h>

#define JOURNAL_JOB "journal"
#define JOURNAL_SOCKET "/run/systemd/journal/socket" /* of journald's */
#define JOURNAL_CHUNK_MAX 32768

struct journal_head {
	uint32_t version;  /* SYSTEMD_VERSION */
	uint32_t priority; /* as syslog(3) has them */
};

#endif
