#include "monitor/restart.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

#define REST_FIRST_MS 100
#define REST_MAX_MS 60000

static const char *const names[] = {
	[RESTART_NO] = "no",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
	[RESTART_UNLESS_STOPPED] = "unless-stopped",
};

int restart_parse(const char *text, struct restart *ret, struct err *err)
{
	size_t len = strcspn(text, ":");
	uint64_t max = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strlen(names[i]) != len || strncmp(text, names[i], len) != 0)
			continue;
		if (text[len] &&
		    (i != RESTART_ON_FAILURE || str_to_u64(text + len + 1, 0, INT32_MAX, &max) < 0))
			break;
		*ret = (struct restart){ (enum restart_when)i, (int)max };
		return 0;
	}
	return err_set(err, EINVAL,
		       "--restart: \"%s\" is not no, always, unless-stopped, on-failure or "
		       "on-failure:N",
		       text);
}

bool restart_wanted(const struct restart *r, bool known, int exit_code, int count)
{
	switch (r->when) {
	case RESTART_NO:
		return false;
	case RESTART_ON_FAILURE:
		return (!known || exit_code) && (!r->max || count < r->max);
	default:
		return true;
	}
}

uint64_t restart_rest_ms(int count)
{
	uint64_t ms = REST_FIRST_MS;

	for (int i = 0; i < count && ms < REST_MAX_MS; i++)
		ms *= 2;
	return ms < REST_MAX_MS ? ms : REST_MAX_MS;
}
