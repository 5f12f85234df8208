#include "ctr/run_make.h"

#include "base/path.h"
#include "monitor/detach_keys.h"
#include "monitor/restart.h"
#include "spec/load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void run_made_free(struct run_made *m)
{
	spec_free(&m->spec);
	for (size_t i = 0; i < m->volumes.count; i++) {
		free(m->volumes.items[i].name);
		free(m->volumes.items[i].destination);
		volume_use_close(&m->volumes.items[i].use);
	}
	free(m->volumes.items);
	free(m->name);
	free(m->bundle);
	free(m->source);
	free(m->cgroup_parent);
	free(m->pid_file);
	free(m->volumes_root);
	free(m->health_command);
	free(m->log_path);
	free(m->log_tag);
	*m = RUN_MADE_INIT;
}

/* What each step needs of those before it: user looks into the root; env wants the user's home and
 * the host name, and takes back what boot put there, as mounts do; security wants the uid. */
static int (*const steps[])(const struct run_flags *f, struct run_made *m, struct err *err) = {
	run_identity, run_namespaces, run_user,     run_boot,     run_env,    run_mounts,
	run_devices,  run_limits,     run_block_io, run_security, run_health, run_notify,
};

int run_make(const struct run_flags *f, char **operands, int state_root, struct run_made *ret,
	     struct strv *warnings, struct err *err)
{
	char **command = operands;
	struct restart restart = { 0 };
	struct detach_keys keys;
	int r = 0;

	ret->warnings = warnings;
	ret->state_root = state_root;
	if (f->restart)
		r = restart_parse(f->restart, &restart, err);
	if (r == 0 && restart.when != RESTART_NO && f->rm)
		r = err_set(err, EINVAL,
			    "--restart and --rm: what is removed can't be started again");
	if (r == 0 && f->detach_keys)
		r = detach_keys_parse(f->detach_keys, &keys, err);
	if (r < 0)
		return r;
	r = run_source(f, ret, &command, err);
	if (r < 0)
		return r;
	r = run_process(f, ret, command, err);
	for (size_t i = 0; i < ARRAY_LEN(steps) && r >= 0; i++)
		r = steps[i](f, ret, err);
	return r;
}

int want_assignment(const char *flag, const char *text, struct err *err)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text)
		return err_set(err, EINVAL, "--%s: \"%s\" is not KEY=VALUE", flag, text);
	return 0;
}

void annotation_put(struct spec *spec, const char *key, const char *value)
{
	struct strv *v = &spec->annotations;
	size_t len = strlen(key), kept = 0;

	for (size_t i = 0; i < v->count; i++) {
		if (strncmp(v->items[i], key, len) == 0 && v->items[i][len] == '=')
			free(v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->count = kept;
	if (v->items)
		v->items[kept] = NULL;
	if (value)
		strv_printf(v, "%s=%s", key, value);
}

struct spec_mount *mount_find(struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mounts.count; i++)
		if (str_eq(spec->mounts.items[i].destination, destination))
			return &spec->mounts.items[i];
	return NULL;
}

void mount_remove(struct spec *spec, const char *destination)
{
	struct spec_mount *m = mount_find(spec, destination);
	struct spec_mount *end = spec->mounts.items + spec->mounts.count;

	if (!m)
		return;
	spec_mount_free(m);
	memmove(m, m + 1, (size_t)(end - m - 1) * sizeof(*m));
	spec->mounts.count--;
}

void mount_make_writable(struct spec *spec, const char *destination)
{
	struct spec_mount *m = mount_find(spec, destination);

	for (size_t i = 0; m && i < m->options.count; i++)
		if (str_eq(m->options.items[i], "ro"))
			m->options.items[i][1] = 'w';
}

char *path_absolute(const char *path)
{
	CLEAN(free) char *cwd = NULL, *joined = NULL;

	if (*path == '/')
		return path_clean(path);
	cwd = getcwd(NULL, 0);
	joined = xasprintf("%s/%s", cwd ? cwd : "", path);
	return path_clean(joined);
}
