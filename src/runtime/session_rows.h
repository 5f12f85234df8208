/* What session.c and session_life.c share with each other and with the rows of exec. */
#ifndef CTR_RUNTIME_SESSION_ROWS_H
#define CTR_RUNTIME_SESSION_ROWS_H

#include "runtime/session.h"
#include "runtime/stages.h"

#define SESSION_NAME_ROOM (sizeof(SESSION_PREFIX) + SESSION_ID_LEN)

/* The name of its file and of its group. */
void session_name(const struct session *s, char ret[SESSION_NAME_ROOM]);

/* Its file, made new: the fd, the caller's. What becomes known is added. */
int session_write(int dir, const struct session *s, struct err *err) MUST_CHECK;
int session_write_pid(int fd, const struct session *s, struct err *err) MUST_CHECK;
int session_write_end(int dir, const struct session *s, int exit_code, struct err *err) MUST_CHECK;

/* Failed after its rows: what they made is taken away. */
void session_undo(struct making *m);

#endif
