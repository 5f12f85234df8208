/* The payload: what is run, where, with which limits of a process. */
#include "ctr/run_make.h"

#include "base/json.h"
#include "base/path.h"
#include "spec/names.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* --entrypoint is one word, or (podman) a JSON array of strings. */
static int entrypoint(const char *text, struct strv *args, struct err *err)
{
	CLEAN(json) struct json_object *doc = NULL;
	struct json_at at = { 0 };
	int r;

	if (*text != '[') {
		if (*text)
			strv_add(args, text);
		return 0;
	}
	r = json_parse(text, strlen(text), "--entrypoint", &doc, err);
	if (r < 0)
		return r;
	at.value = doc;
	r = json_read_strv(&at, args, err);
	return r < 0 ? err_wrap(err, "--entrypoint: ") : 0;
}

static int process_args(const struct run_flags *f, struct run_made *m, char **command,
			struct err *err)
{
	struct spec_process *p = &m->spec.process;
	CLEAN(strv) struct strv args = { 0 };
	int r = f->entrypoint ? entrypoint(f->entrypoint, &args, err) : 0;

	if (r < 0)
		return r;
	while (*command)
		strv_add(&args, *command++);
	if (!args.count && f->init == INIT_SYSTEMD && !m->from_bundle)
		r = boot_command(m, &args, err);
	if (r < 0 || !args.count)
		return r;
	strv_free(&p->args);
	p->args = args;
	args = (struct strv){ 0 };
	return 0;
}

static int process_umask(const char *text, struct spec_process *p, struct err *err)
{
	char *end = NULL;
	unsigned long mask;

	errno = 0;
	mask = strtoul(text, &end, 8);
	if (!*text || *end || errno || mask > 0777 || *text == '-' || *text == '+')
		return err_set(err, EINVAL, "--umask: \"%s\" is not octal from 0 to 0777", text);
	p->umask = (struct opt_u64){ true, mask };
	return 0;
}

/* "-1", "unlimited" or a number. */
static int limit_value(const char *text, uint64_t *ret)
{
	if (str_eq(text, "-1") || str_eq(text, "unlimited")) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return str_to_u64(text, 0, UINT64_MAX, ret);
}

static struct spec_rlimit *rlimit_slot(struct spec_process *p, int resource)
{
	struct spec_rlimit *slot;

	for (size_t i = 0; i < p->rlimits.count; i++)
		if (p->rlimits.items[i].resource == resource)
			return &p->rlimits.items[i];
	slot = SPEC_ADD(&p->rlimits);
	slot->resource = resource;
	return slot;
}

static int process_ulimit(const char *text, struct spec_process *p, struct err *err)
{
	CLEAN(free) char *name = xstrdup(text);
	char *soft = strchr(name, '='), *hard;
	struct spec_rlimit limit = { 0 };

	if (!soft)
		return err_set(err, EINVAL, "--ulimit: \"%s\" is not NAME=SOFT[:HARD]", text);
	*soft++ = '\0';
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	limit.resource = spec_rlimit_from_name(name);
	if (limit.resource < 0)
		return err_set(
			err, EINVAL,
			"--ulimit: no limit \"%s\"; there are as, core, cpu, data, fsize, locks, "
			"memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, "
			"sigpending, stack",
			name);
	if (limit_value(soft, &limit.soft) < 0 || (hard && limit_value(hard, &limit.hard) < 0))
		return err_set(err, EINVAL, "--ulimit %s: a limit is a number, or -1 for none",
			       text);
	if (!hard)
		limit.hard = limit.soft;
	if (limit.soft > limit.hard)
		return err_set(err, EINVAL, "--ulimit %s: the soft limit is above the hard one",
			       text);
	*rlimit_slot(p, limit.resource) = limit;
	return 0;
}

static int process_limits(const struct run_flags *f, struct spec_process *p, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < f->ulimit.count && r >= 0; i++)
		r = process_ulimit(f->ulimit.items[i], p, err);
	if (r >= 0 && f->umask)
		r = process_umask(f->umask, p, err);
	if (f->oom_score_adj.set)
		p->oom_score_adj = f->oom_score_adj;
	return r;
}

int workdir_apply(const struct env_flags *f, struct spec_process *p, struct err *err)
{
	if (!f->workdir)
		return 0;
	if (*f->workdir != '/')
		return err_set(err, EINVAL, "--workdir %s: must be an absolute path", f->workdir);
	free(p->cwd);
	p->cwd = xstrdup(f->workdir);
	return 0;
}

int run_process(const struct run_flags *f, struct run_made *m, char **command, struct err *err)
{
	struct spec_process *p = &m->spec.process;
	int r = process_args(f, m, command, err);

	if (r < 0)
		return r;
	m->spec.has_process = true;
	if (f->p.tty)
		p->terminal = true;
	r = workdir_apply(&f->p, p, err);
	if (r < 0)
		return r;
	if (f->personality) {
		free(m->spec.lin.personality_domain);
		m->spec.lin.personality_domain = xstrdup(f->personality);
	}
	/* As everywhere, whatever ours is; a bundle's says for itself. */
	if (!m->from_bundle && !p->umask.set)
		p->umask = (struct opt_u64){ true, 022 };
	return process_limits(f, p, err);
}
