/* --security-opt, --privileged, and what --cap-add and --cap-drop come to. */
#include "ctr/run_make.h"

#include "sandbox/profile.h"
#include "spec/load.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

static int capabilities(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct spec_process *p = &m->spec.process;
	const struct spec_namespace *ns = &m->spec.lin.namespaces[NS_USER];
	bool asked = f->p.cap_add.count || f->p.cap_drop.count || f->p.privileged;

	if (m->from_bundle && !asked)
		return 0;
	return caps_from_flags(&f->p, p->uid, ns->wanted, &p->caps, err);
}

/* ---- --security-opt ---------------------------------------------------------------- */

/* Collected first: what they mean depends on each other. */
struct security {
	const char *seccomp;
	struct strv allow;
};

static void security_free(struct security *s)
{
	strv_free(&s->allow);
}
CLEAN_DEFINE(security, struct security, security_free)

typedef int (*opt_fn)(struct spec *spec, struct security *s, const char *value, struct err *err);

static int opt_no_new_privileges(struct spec *spec, struct security *s, const char *value,
				 struct err *err)
{
	(void)s;
	spec->process.no_new_privileges = !value || str_eq(value, "true");
	if (value && !str_eq(value, "true") && !str_eq(value, "false"))
		return err_set(err, EINVAL, "\"%s\" is neither true nor false", value);
	return 0;
}

static int opt_seccomp(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	(void)spec;
	(void)err;
	s->seccomp = value;
	return 0;
}

static int opt_allow(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	(void)spec;
	strv_split(&s->allow, value, ',');
	return seccomp_profile_allow_check(&s->allow, err);
}

static int opt_apparmor(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	(void)s;
	(void)err;
	free(spec->process.apparmor_profile);
	spec->process.apparmor_profile = str_eq(value, "unconfined") ? NULL : xstrdup(value);
	return 0;
}

static int opt_label(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	const char *colon = strchr(value, ':');

	(void)s;
	free(spec->process.selinux_label);
	spec->process.selinux_label = NULL;
	if (str_eq(value, "disable"))
		return 0;
	if (!colon || !strchr(colon + 1, ':'))
		return err_set(err, EINVAL,
			       "\"%s\": write disable, or a whole label, "
			       "user:role:type:level",
			       value);
	spec->process.selinux_label = xstrdup(value);
	return 0;
}

static void paths_drop(struct strv *paths, const char *pattern)
{
	size_t kept = 0;

	for (size_t i = 0; i < paths->count; i++) {
		if (str_eq(pattern, "ALL") || fnmatch(pattern, paths->items[i], FNM_PATHNAME) == 0)
			free(paths->items[i]);
		else
			paths->items[kept++] = paths->items[i];
	}
	paths->count = kept;
	if (paths->items)
		paths->items[kept] = NULL;
}

static int opt_mask(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	CLEAN(strv) struct strv path = { 0 };

	(void)s;
	strv_split(&path, value, ':');
	for (size_t i = 0; i < path.count; i++) {
		if (*path.items[i] != '/')
			return err_set(err, EINVAL, "\"%s\" is not an absolute path",
				       path.items[i]);
		strv_add(&spec->lin.masked_paths, path.items[i]);
	}
	return 0;
}

static int opt_unmask(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	CLEAN(strv) struct strv path = { 0 };

	(void)s;
	strv_split(&path, value, ':');
	for (size_t i = 0; i < path.count; i++) {
		if (*path.items[i] != '/' && !str_eq(path.items[i], "ALL"))
			return err_set(err, EINVAL, "\"%s\" is neither ALL nor an absolute path",
				       path.items[i]);
		paths_drop(&spec->lin.masked_paths, path.items[i]);
		paths_drop(&spec->lin.readonly_paths, path.items[i]);
	}
	return 0;
}

static int opt_systempaths(struct spec *spec, struct security *s, const char *value,
			   struct err *err)
{
	if (!str_eq(value, "unconfined"))
		return err_set(err, EINVAL, "only unconfined is known");
	return opt_unmask(spec, s, "ALL", err);
}

static int opt_proc_opts(struct spec *spec, struct security *s, const char *value, struct err *err)
{
	struct spec_mount *proc = mount_find(spec, "/proc");

	(void)s;
	if (!proc)
		return err_set(err, EINVAL, "the container has no /proc");
	strv_split(&proc->options, value, ',');
	return 0;
}

static const struct {
	const char *name;
	bool bare; /* may go without a value */
	opt_fn apply;
} opts[] = {
	{ "no-new-privileges", true, opt_no_new_privileges },
	{ "seccomp", false, opt_seccomp },
	{ "allow", false, opt_allow },
	{ "apparmor", false, opt_apparmor },
	{ "label", false, opt_label },
	{ "mask", false, opt_mask },
	{ "unmask", false, opt_unmask },
	{ "systempaths", false, opt_systempaths },
	{ "proc-opts", false, opt_proc_opts },
};

/* NAME, NAME=VALUE, or docker's older NAME:VALUE. */
static int security_opt(const char *text, struct spec *spec, struct security *s, struct err *err)
{
	size_t len = strcspn(text, "=:");
	const char *value = text[len] ? text + len + 1 : NULL;
	CLEAN(free) char *name = xstrndup(text, len);
	struct opt_guess guess = { .word = name, .distance = 4 };

	for (size_t i = 0; i < ARRAY_LEN(opts); i++) {
		int r;

		opt_guess_add(&guess, opts[i].name);
		if (!str_eq(name, opts[i].name))
			continue;
		if (!opts[i].bare && (!value || !*value))
			return err_set(err, EINVAL, "--security-opt %s: needs a value, %s=VALUE",
				       text, name);
		r = opts[i].apply(spec, s, value, err);
		return r < 0 ? err_wrap(err, "--security-opt %s: ", text) : 0;
	}
	if (guess.best)
		return err_set(err, EINVAL, "--security-opt: no option \"%s\"; did you mean %s?",
			       name, guess.best);
	return err_set(err, EINVAL, "--security-opt: no option \"%s\"", name);
}

/* ---- together ---------------------------------------------------------------------- */

static int seccomp(struct run_made *m, const struct security *s, bool privileged, struct err *err)
{
	struct spec *spec = &m->spec;
	const char *how = s->seccomp ? s->seccomp : privileged ? "unconfined" : NULL;
	bool is_default = spec_annotation(spec, SPEC_ANNOTATION_SECCOMP);
	CLEAN(str) struct str words = { 0 };

	if (how) {
		spec_seccomp_free(&spec->lin.seccomp);
		is_default = str_eq(how, "default") || str_eq(how, "builtin");
		annotation_put(spec, SPEC_ANNOTATION_SECCOMP, is_default ? "default" : NULL);
	}
	if (how && !is_default && !str_eq(how, "unconfined")) {
		int r = seccomp_profile_load(how, spec->process.caps.bounding, &s->allow,
					     &spec->lin.seccomp, err);

		return r < 0 ? err_wrap(err, "--security-opt seccomp=%s: ", how) : 0;
	}
	if (!s->allow.count)
		return 0;
	if (!is_default)
		return err_set(err, EINVAL,
			       "--security-opt allow=%s: gives back what the default "
			       "seccomp profile denies, and that is not in force here",
			       s->allow.items[0]);
	for (size_t i = 0; i < s->allow.count; i++)
		str_printf(&words, "%s%s", i ? "," : "", s->allow.items[i]);
	annotation_put(spec, SPEC_ANNOTATION_ALLOW, words.text);
	return 0;
}

static void privileged_view(struct spec *spec)
{
	strv_free(&spec->lin.masked_paths);
	strv_free(&spec->lin.readonly_paths);
	free(spec->process.apparmor_profile);
	spec->process.apparmor_profile = NULL;
	spec->process.no_new_privileges = false;
	mount_make_writable(spec, "/sys");
	mount_make_writable(spec, "/sys/fs/cgroup");
}

int run_security(const struct run_flags *f, struct run_made *m, struct err *err)
{
	CLEAN(security) struct security s = { 0 };
	int r = capabilities(f, m, err);

	/* First: what is asked for by name is there all the same. */
	if (f->p.privileged)
		privileged_view(&m->spec);
	for (size_t i = 0; i < f->security_opt.count && r >= 0; i++)
		r = security_opt(f->security_opt.items[i], &m->spec, &s, err);
	return r < 0 ? r : seccomp(m, &s, f->p.privileged, err);
}
