/* The list of settings: made from the table, checked against the host. */
#include "cgroups/knob.h"

#include <fcntl.h>
#include <string.h>

static void setting_free(struct cgroup_setting *s)
{
	free(s->key);
	free(s->file);
	free(s->value);
	free(s->alt_file);
	free(s->alt_value);
}

void cgroup_settings_free(struct cgroup_settings *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		setting_free(&s->items[i]);
	free(s->items);
	*s = (struct cgroup_settings){ 0 };
}

int cgroup_settings_make(const struct spec_resources *res, struct cgroup_settings *ret,
			 struct strv *warnings, struct err *err)
{
	struct knob_job job = { res, ret, warnings, err };
	size_t i;

	for (i = 0; i < cgroup_knob_count; i++) {
		int r = cgroup_knobs[i].make(&job, &cgroup_knobs[i]);

		if (r < 0) {
			cgroup_settings_free(ret);
			return r;
		}
	}
	return 0;
}

static void settings_drop(struct cgroup_settings *s, size_t i)
{
	setting_free(&s->items[i]);
	s->count--;
	memmove(&s->items[i], &s->items[i + 1], (s->count - i) * sizeof(*s->items));
}

/*
 * What the nearest existing group at or above `path` may hand out: its cgroup.controllers. *ret_at
 * is that group's path, the caller's.
 */
static int nearest_controllers(const struct cgroup_host *host, const char *path, char *words,
			       size_t room, char **ret_at, struct err *err)
{
	CLEAN(free) char *at = xasprintf(".%s", path);
	char *slash;
	int r;

	/* The group itself is about to be made: what counts is above it. */
	while ((slash = strrchr(at, '/'))) {
		CLEAN(fd) int fd = -1;

		*slash = '\0';
		fd = openat(host->fd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		r = fd < 0 ? -errno : cgroup_read(fd, "cgroup.controllers", words, room);
		if (r < 0)
			return err_set(err, -r, "cgroup %s%s: %s", host->mount, at + 1,
				       strerror(-r));
		*ret_at = xstrdup(at[1] ? at + 1 : "/");
		return 0;
	}
	return err_set(err, ENOENT, "cgroup %s: the root of the tree is gone", path);
}

/* The sentence for a limit that can't be set here. */
static int fail_controller(const struct cgroup_host *host, const struct cgroup_setting *s,
			   const char *at, struct err *err)
{
	CLEAN(free) char *layout = cgroup_host_words(host);
	const char *root =
		host->layout == CGROUP_HYBRID ?
			"boot with systemd.unified_cgroup_hierarchy=1 or leave the limit out" :
			"enable it in cgroup.subtree_control of the groups above, or leave the "
			"limit out";

	return err_set(
		err, ENOTSUP,
		"linux.resources.%s: the controller \"%s\" is not available at cgroup %s; this "
		"host is %s; %s",
		s->key, s->controller, at, layout, root);
}

int cgroup_check(const struct cgroup_host *host, const char *path, struct cgroup_settings *settings,
		 struct strv *warnings, struct err *err)
{
	CLEAN(free) char *at = NULL;
	char words[512] = "";
	size_t i;
	int r = cgroup_path_check(path, err);

	if (r < 0)
		return r;
	if (host->fd < 0) {
		CLEAN(free) char *layout = cgroup_host_words(host);

		return err_set(err, ENOTSUP,
			       "a container needs a cgroup v2 group of its own; this host is %s",
			       layout);
	}
	if (!settings->count)
		return 0;
	r = nearest_controllers(host, path, words, sizeof(words), &at, err);
	if (r < 0)
		return r;
	for (i = 0; i < settings->count;) {
		const struct cgroup_setting *s = &settings->items[i];

		if (!s->controller || cgroup_words_have(words, s->controller)) {
			i++;
			continue;
		}
		if (!s->defaulted)
			return fail_controller(host, s, at, err);
		strv_printf(
			warnings,
			"linux.resources.%s: left out: it is the default and the controller \"%s\" is "
			"not available here (%s)",
			s->key, s->controller, cgroup_layout_name(host->layout));
		settings_drop(settings, i);
	}
	return 0;
}
