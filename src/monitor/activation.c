#include "monitor/activation.h"

#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int activation_read(struct activation *ret, struct err *err)
{
	const char *count = getenv("LISTEN_FDS");
	uint64_t fds;

	*ret = (struct activation){ 0 };
	if (!count || !process_named_by("LISTEN_PID"))
		return 0;
	if (str_to_u64(count, 0, ACTIVATION_MAX, &fds) < 0)
		return err_set(err, EINVAL, "LISTEN_FDS=%s: not a number up to %d", count,
			       ACTIVATION_MAX);
	ret->count = (unsigned int)fds;
	ret->names = getenv("LISTEN_FDNAMES");
	return 0;
}

void activation_pass(const struct activation *a, struct create_options *opt)
{
	opt->preserve_fds += a->count;
	opt->listen_fds = a->count;
	opt->listen_names = a->names;
}

/* OpenFile= and the fd store of a service may hold anything. A folder of the host's is a way out. */
int activation_check(const struct activation *a, struct err *err)
{
	for (unsigned int i = 0; i < a->count; i++) {
		struct stat st;

		if (fstat(3 + (int)i, &st) < 0)
			return err_sys(err, "LISTEN_FDS=%u: fd %u", a->count, 3 + i);
		if (S_ISDIR(st.st_mode))
			return err_set(
				err, EISDIR,
				"LISTEN_FDS=%u: fd %u is a folder of the host's, through which "
				"the container could leave its root; --volume shows it one",
				a->count, 3 + i);
	}
	return 0;
}
