/* What the standard forbids, said before anything is changed. One function a theme, one table of them. */
#include "spec/load.h"

#include "spec/names.h"

#include <errno.h>
#include <string.h>

#define HOSTNAME_MAX 64 /* __NEW_UTS_LEN */

static int check_process(const struct spec *s, struct err *err)
{
	const struct spec_process *p = &s->process;

	/* Needed by `start` only, as the standard has it. */
	if (!s->has_process)
		return 0;
	if (p->command_line)
		return err_set(err, ENOTSUP,
			       "process.commandLine: is for Windows; use process.args");
	if (!p->args.count)
		return err_set(err, EINVAL,
			       "process.args: is missing or empty; what is to be run?");
	if (!p->args.items[0][0])
		return err_set(err, EINVAL, "process.args[0]: is empty; what is to be run?");
	/* Without a terminal it is to be ignored, whatever it says. */
	if (p->terminal && (p->console_height > UINT16_MAX || p->console_width > UINT16_MAX))
		return err_set(err, ERANGE, "process.consoleSize: %u x %u is no size of a terminal",
			       p->console_width, p->console_height);
	if (!p->cwd || p->cwd[0] != '/')
		return err_set(err, EINVAL, "process.cwd: \"%s\" must be an absolute path",
			       p->cwd ? p->cwd : "");
	return 0;
}

static int check_rlimits(const struct spec *s, struct err *err)
{
	const struct spec_process *p = &s->process;

	for (size_t i = 0; i < p->rlimits.count; i++) {
		const struct spec_rlimit *r = &p->rlimits.items[i];

		if (r->soft > r->hard)
			return err_set(err, EINVAL,
				       "process.rlimits[%zu] (%s): soft %llu is above hard %llu", i,
				       spec_rlimit_name(r->resource), (unsigned long long)r->soft,
				       (unsigned long long)r->hard);
		for (size_t k = 0; k < i; k++)
			if (p->rlimits.items[k].resource == r->resource)
				return err_set(err, EINVAL,
					       "process.rlimits[%zu]: %s stands there twice", i,
					       spec_rlimit_name(r->resource));
	}
	return 0;
}

static int check_root(const struct spec *s, struct err *err)
{
	if (!s->root_path || !*s->root_path)
		return err_set(err, EINVAL, "root.path: is missing");
	return 0;
}

static int check_names(const struct spec *s, struct err *err)
{
	const struct {
		const char *key, *name;
	} names[] = { { "hostname", s->hostname }, { "domainname", s->domainname } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!names[i].name)
			continue;
		if (!s->lin.namespaces[NS_UTS].wanted)
			return err_set(err, EINVAL,
				       "%s: without a uts namespace it would change the host's",
				       names[i].key);
		if (strlen(names[i].name) > HOSTNAME_MAX)
			return err_set(err, EINVAL, "%s: longer than %d characters", names[i].key,
				       HOSTNAME_MAX);
	}
	return 0;
}

static int check_namespaces(const struct spec *s, struct err *err)
{
	const struct spec_linux *lin = &s->lin;
	const struct spec_namespace *user = &lin->namespaces[NS_USER],
				    *time = &lin->namespaces[NS_TIME];

	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		if (lin->namespaces[kind].path && lin->namespaces[kind].path[0] != '/')
			return err_set(err, EINVAL,
				       "linux.namespaces (%s).path: \"%s\" must be absolute",
				       spec_ns_name(kind), lin->namespaces[kind].path);
	if ((lin->uid_maps.count || lin->gid_maps.count) && !user->wanted)
		return err_set(
			err, EINVAL,
			"linux.uidMappings, linux.gidMappings: there is no user namespace to map ids "
			"in; add {\"type\": \"user\"} to linux.namespaces");
	if ((lin->time_boot.set || lin->time_monotonic.set) && (!time->wanted || time->path))
		return err_set(
			err, EINVAL,
			"linux.timeOffsets: they need a new time namespace; add {\"type\": \"time\"}");
	return 0;
}

static int check_maps(const spec_id_maps *maps, const char *key, struct err *err)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct spec_id_map *m = &maps->items[i];

		if (!m->size)
			return err_set(err, EINVAL, "%s[%zu].size: 0 maps nothing", key, i);
		if ((uint64_t)m->container_id + m->size > UINT32_MAX ||
		    (uint64_t)m->host_id + m->size > UINT32_MAX)
			return err_set(err, ERANGE, "%s[%zu]: goes beyond the last id", key, i);
	}
	return 0;
}

static int check_id_maps(const struct spec *s, struct err *err)
{
	int rc = check_maps(&s->lin.uid_maps, "linux.uidMappings", err);

	return rc < 0 ? rc : check_maps(&s->lin.gid_maps, "linux.gidMappings", err);
}

static int check_hooks(const struct spec *s, struct err *err)
{
	for (enum spec_hook_point point = 0; point < HOOK_POINTS; point++)
		for (size_t i = 0; i < s->hooks[point].count; i++)
			if (s->hooks[point].items[i].path[0] != '/')
				return err_set(err, EINVAL,
					       "hooks.%s[%zu].path: \"%s\" must be absolute",
					       spec_hook_name(point), i,
					       s->hooks[point].items[i].path);
	return 0;
}

static int check_paths(const struct spec *s, struct err *err)
{
	const struct {
		const char *key;
		const struct strv *paths;
	} lists[] = { { "linux.maskedPaths", &s->lin.masked_paths },
		      { "linux.readonlyPaths", &s->lin.readonly_paths } };

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k].paths->count; i++)
			if (lists[k].paths->items[i][0] != '/')
				return err_set(err, EINVAL, "%s[%zu]: \"%s\" must be absolute",
					       lists[k].key, i, lists[k].paths->items[i]);
	return 0;
}

static int (*const checks[])(const struct spec *s, struct err *err) = {
	check_process,    check_rlimits, check_root,  check_names,
	check_namespaces, check_id_maps, check_hooks, check_paths,
};

int spec_validate(const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		int rc = checks[i](spec, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
