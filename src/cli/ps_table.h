/* The host's ps(1), of a container's processes alone: what `ctr-oci ps` and `ctr top` print. */
#ifndef CTR_CLI_PS_TABLE_H
#define CTR_CLI_PS_TABLE_H

#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

/*
 * Run ps with these options (NULL-terminated; none: -ef) and append its heading and those lines whose
 * column PID is one of the pids. -EINVAL: there is no such column with them, or ps failed.
 */
int ps_table(char **options, const pid_t *pids, size_t count, struct str *out,
	     struct err *err) MUST_CHECK;

#endif
