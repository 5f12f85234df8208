/* What ctr's verbs have in common beside the tables: the state root, and containers by name. */
#ifndef CTR_CTR_CALL_H
#define CTR_CTR_CALL_H

#include "cli/program.h"
#include "runtime/container.h"

#include <stdbool.h>

/* ctr itself failed; docker and podman use the same. A payload that can't become one is 126 or 127,
 * which err.exit_status then says. */
#define EXIT_CTR 125

#define DEFAULT_ROOT "/run/ctr"
#define DEFAULT_DATA "/var/lib/ctr"

#define CALL_MISSING_FINE (-1)

/* The state root as an fd, the caller's; an existing or new folder. */
int call_root(const struct call *call, struct err *err) MUST_CHECK;

/*
 * Where root, or the user that we are, has the state and what is to stay, if no flag says otherwise. The
 * caller's to free. call_usual_data: NULL where there is no home.
 */
int call_usual_root(char **ret, struct err *err) MUST_CHECK;
char *call_usual_data(void) MUST_CHECK;

/*
 * Do one thing to each container that is named. Every failure is said; the others are still done.
 * With `print`, the name is written when it went well. The gravest status when any failed.
 */
typedef int (*call_each_fn)(struct call *call, struct container *c, struct err *err);
int call_each(struct call *call, call_each_fn fn, bool print);

/* Make all containers the operands (--all), or see to it that there is at least one. 0 or the status
 * to exit with, words said. */
int call_names(struct call *call, bool all);

#endif
