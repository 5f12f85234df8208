#include "ctr/call.h"

#include "runtime/rootless.h"

#include <errno.h>

int call_root(const struct call *call, struct err *err)
{
	return state_root_open(call->root, err);
}

int call_usual_root(char **ret, struct err *err)
{
	if (rootless())
		return rootless_state_root("ctr", ret, err);
	*ret = xstrdup(DEFAULT_ROOT);
	return 0;
}

char *call_usual_data(void)
{
	return rootless() ? rootless_data("ctr") : xstrdup(DEFAULT_DATA);
}

static int each(struct call *call, int root, const char *name, call_each_fn fn, bool print)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(str) struct str line = { 0 };
	struct err err = { 0 };
	int r = container_open(root, name, &c, &err);

	if (r == -ENOENT && call->missing == CALL_MISSING_FINE)
		return 0;
	if (r == -ENOENT)
		err.exit_status = call->missing;
	if (r >= 0)
		r = fn(call, &c, &err);
	call_warn(call);
	/* Somebody else was faster. */
	if (r == -ENOENT && call->missing == CALL_MISSING_FINE)
		return 0;
	if (r < 0)
		return call_fail(call, &err);
	if (!print)
		return 0;
	str_printf(&line, "%s\n", name);
	return call_print(call, line.text, line.len);
}

int call_each(struct call *call, call_each_fn fn, bool print)
{
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int status = 0;

	if (root < 0)
		return call_fail(call, &err);
	for (int i = 0; i < call->count; i++) {
		int r = each(call, root, call->args[i], fn, print);

		status = r > status ? r : status;
	}
	return status;
}

int call_names(struct call *call, bool all)
{
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	int r = 0;

	if (all && call->count)
		r = err_set(&err, EINVAL, "--all and names: give one or the other");
	else if (!all && !call->count)
		r = err_set(&err, EINVAL, "no container named; see `ctr help %s`",
			    call->command->name);
	if (r < 0)
		return call_fail(call, &err);
	if (!all)
		return 0;
	root = call_root(call, &err);
	r = root < 0 ? root : state_list(root, &call->names, &err);
	if (r < 0)
		return call_fail(call, &err);
	call->args = call->names.items;
	call->count = (int)call->names.count;
	return 0;
}
