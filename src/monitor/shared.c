#include "monitor/shared.h"

#include <string.h>
#include <sys/mman.h>

int shared_make(struct shared **ret, struct err *err)
{
	const int anybody = MAP_SHARED | MAP_ANONYMOUS;
	/* cppcheck-suppress invalidFunctionArg */
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, anybody, -1, 0);

	if (p == MAP_FAILED)
		return err_sys(err, "map %zu bytes of shared memory", sizeof(struct shared));
	*ret = p;
	return 0;
}

void replay_put(struct shared *s, const char *bytes, size_t len)
{
	while (len) {
		size_t at = s->replay_end % REPLAY_MAX, n = REPLAY_MAX - at;

		if (n > len)
			n = len;
		/* What is forgotten is not without effect. */
		if (s->replay_end >= REPLAY_MAX)
			modes_follow(&s->modes, s->replay + at, n);
		memcpy(s->replay + at, bytes, n);
		s->replay_end += n;
		bytes += n;
		len -= n;
	}
}

size_t replay_get(const struct shared *s, char *ret, struct modes *ret_modes)
{
	size_t at = s->replay_end % REPLAY_MAX, len = REPLAY_MAX - at, skip = 0;

	*ret_modes = s->modes;
	if (s->replay_end <= REPLAY_MAX) {
		memcpy(ret, s->replay, (size_t)s->replay_end);
		return (size_t)s->replay_end;
	}
	memcpy(ret, s->replay + at, len);
	memcpy(ret + len, s->replay, at);
	/* Not from the middle of a line: that might be the middle of a control sequence. */
	while (skip < REPLAY_MAX && ret[skip] != '\n' && ret[skip] != '\x1b')
		skip++;
	if (skip == REPLAY_MAX)
		skip = 0;
	else if (ret[skip] == '\n')
		skip++;
	modes_follow(ret_modes, ret, skip);
	memmove(ret, ret + skip, REPLAY_MAX - skip);
	return REPLAY_MAX - skip;
}
