/* ctr rename */
#include "ctr/verbs.h"

int verb_rename(struct call *call)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : container_open(root, call->args[0], &c, &err);

	if (r >= 0)
		r = container_rename(&c, call->args[1], &err);
	return r < 0 ? call_fail(call, &err) : 0;
}
