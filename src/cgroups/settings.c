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

/* The sentence for a limit that can't be set here. */
static int fail_controller(const struct cgroup_host *host, const struct cgroup_setting *s,
			   struct err *err)
{
	CLEAN(free) char *layout = cgroup_host_words(host);
	const char *advice = host->layout == CGROUP_HYBRID ?
				     "boot with systemd.unified_cgroup_hierarchy=1 or " :
				     "";

	return err_set(
		err, ENOTSUP,
		"linux.resources.%s: cgroup v2 has no controller \"%s\" here: this host is %s; "
		"%sleave the limit out",
		s->key, s->controller, layout, advice);
}

int cgroup_check(const struct cgroup_host *host, const char *path, struct cgroup_settings *settings,
		 struct strv *warnings, struct err *err)
{
	char words[512];
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
	/* What is at the root can be handed down to where it is wanted; cgroup_make() does it. */
	r = cgroup_read(host->fd, "cgroup.controllers", words, sizeof(words));
	if (r < 0)
		return err_set(err, -r, "read %s/cgroup.controllers: %s", host->mount,
			       strerror(-r));
	for (i = 0; i < settings->count;) {
		const struct cgroup_setting *s = &settings->items[i];

		if (!s->controller || cgroup_words_have(words, s->controller)) {
			i++;
			continue;
		}
		if (!s->defaulted)
			return fail_controller(host, s, err);
		strv_printf(
			warnings,
			"linux.resources.%s: left out: it is the default and the controller \"%s\" is "
			"not available here (%s)",
			s->key, s->controller, cgroup_layout_name(host->layout));
		settings_drop(settings, i);
	}
	return 0;
}
