/* Signals as flags give them. */
#ifndef CTR_CTR_SIGNALS_H
#define CTR_CTR_SIGNALS_H

#include "base/err.h"
#include "base/process.h"

#include <errno.h>

/* The number of the signal that --FLAG names; `otherwise` without one; -EINVAL. */
static inline int signal_of(const char *flag, const char *name, int otherwise, struct err *err)
{
	int signal = name ? process_signal_from_name(name) : otherwise;

	return signal < 0 ? err_set(err, EINVAL, "--%s: no signal \"%s\"", flag, name) : signal;
}

#endif
