/* clone: copies of a checkpoint */
#include "ctr/verbs.h"

#include "base/str.h"
#include "ctr/run_make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLONES_MAX 1000

const struct opt_row clone_rows[] = {
	{ "image-path", "DIR", "Folder of the checkpoint (default checkpoint, in this one)", "@dir",
	  .kind = OPT_STRING, OPT_TO(struct checkpoint_flags, c.image_path) },
	{ 0 },
};

/* What two can't have is each one's own, or refused. */
static int set_apart(struct spec *s, const char *name, struct err *err)
{
	const struct spec_namespace *net = &s->lin.namespaces[NS_NETWORK];

	if (!spec_wants_vm(s))
		return err_set(err, ENOTSUP,
			       "it is of a container that is no micro-VM: criu's checkpoints go on "
			       "once; ctr restore");
	if (net->path)
		return err_set(err, EINVAL,
			       "linux.namespaces: the network namespace %s is one, and copies need "
			       "one each",
			       net->path);
	annotation_put(s, SPEC_ANNOTATION_ROOTFS, "overlay");
	free(s->hostname);
	s->hostname = xstrdup(name);
	free(s->lin.cgroups_path);
	s->lin.cgroups_path = NULL;
	return 0;
}

static int clone_one(struct call *call, int root, const char *name, struct err *err)
{
	const struct checkpoint_flags *f = call->flags;
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(state) struct state was = { 0 };
	int rc = checkpoint_image_read(&f->c, &m.spec, &was, &call->warnings, err);

	if (rc == 0)
		rc = set_apart(&m.spec, name, err);
	if (rc < 0)
		return rc;
	m.opt.name = m.opt.copy = name;
	m.opt.bundle = was.bundle;
	m.opt.source = was.rootfs;
	return container_restore(root, &m.spec, &m.opt, &f->c, &call->warnings, &c, err);
}

int verb_clone(struct call *call)
{
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	uint64_t count = 0;
	int rc = 0;

	if (str_to_u64(call->args[1], 1, CLONES_MAX, &count) < 0)
		rc = err_set(&err, EINVAL, "%s: how many copies? 1 to %d", call->args[1],
			     CLONES_MAX);
	if (rc == 0)
		rc = root = call_root(call, &err);
	for (uint64_t i = 1; rc >= 0 && i <= count; i++) {
		CLEAN(free)
		char *name = xasprintf("%s-%llu", call->args[0], (unsigned long long)i);
		CLEAN(free) char *line = xasprintf("%s\n", name);

		rc = clone_one(call, root, name, &err);
		if (rc < 0)
			(void)err_wrap(&err, "%s: ", name);
		else if (call_print(call, line, strlen(line)))
			return 125;
	}
	call_warn(call);
	return rc < 0 ? call_fail(call, &err) : 0;
}
