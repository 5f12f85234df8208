#include "systemd/unit.h"

#include "base/json.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define KEY "linux.cgroupsPath: "
#define SLICE ".slice"
#define ROOT_SLICE "-" SLICE

void systemd_unit_free(struct systemd_unit *u)
{
	free(u->name);
	free(u->slice);
	free(u->path);
	*u = (struct systemd_unit){ 0 };
}

/* systemd.unit(5): the letters of a unit's name. */
static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || (c && strchr(":-_.\\@", c));
}

static bool all_letters(const char *s)
{
	for (; *s; s++)
		if (!is_letter(*s))
			return false;
	return true;
}

/* ---- slices ------------------------------------------------------------------------ */

/* Each dash is a step downwards, so there is something before and behind each. */
static bool is_slice(const char *s)
{
	size_t len = strlen(s);

	if (str_eq(s, ROOT_SLICE))
		return true;
	if (len > SYSTEMD_NAME_MAX || !str_ends(s, SLICE) || len == strlen(SLICE) ||
	    !all_letters(s))
		return false;
	return s[0] != '-' && !strstr(s, "--") && s[len - strlen(SLICE) - 1] != '-';
}

char *systemd_slice_path(const char *slice)
{
	CLEAN(str) struct str path = { 0 };

	if (!is_slice(slice))
		return NULL;
	if (str_eq(slice, ROOT_SLICE))
		return xstrdup("");
	for (const char *dash = slice; (dash = strchr(dash, '-')); dash++)
		str_printf(&path, "/%.*s" SLICE, (int)(dash - slice), slice);
	str_printf(&path, "/%s", slice);
	return take_ptr(path.text);
}

/* ---- the unit ---------------------------------------------------------------------- */

static const char *const form =
	"with the systemd cgroup manager it is SLICE:PREFIX:NAME (\"system.slice:ctr:web\")";

/* "\x2b" for '+', as systemd-escape(1) writes it. */
static char *escape(const char *id)
{
	CLEAN(str) struct str name = { 0 };

	for (; *id; id++) {
		if (is_letter(*id) && *id != '\\')
			str_add_bytes(&name, id, 1);
		else
			str_printf(&name, "\\x%02x", (unsigned char)*id);
	}
	return name.text ? take_ptr(name.text) : xstrdup("");
}

static int set_slice(const struct systemd_wish *wish, const char *asked, struct systemd_unit *ret,
		     struct err *err)
{
	const char *usual = wish->user ? "user.slice" : "system.slice";
	const char *key = *asked || !wish->parent ? KEY : "--cgroup-parent: ";
	char shown[64];

	if (!*asked)
		asked = wish->parent ? wish->parent : usual;
	if (str_eq(asked, "-"))
		asked = ROOT_SLICE;
	if (!is_slice(asked))
		return err_set(err, EINVAL,
			       "%s\"%s\" can't be a slice: it has to end in \".slice\", and each "
			       "\"-\" in it stands between two names, as in \"a-b.slice\"",
			       key, json_show(asked, shown, sizeof(shown)));
	ret->slice = xstrdup(asked);
	return 0;
}

static int check_name(const char *name, struct err *err)
{
	char shown[64];

	if (strlen(name) > SYSTEMD_NAME_MAX)
		return err_set(err, ENAMETOOLONG,
			       KEY
			       "the unit \"%s\" would have a name of %zu letters; systemd takes "
			       "%d",
			       json_show(name, shown, sizeof(shown)), strlen(name),
			       SYSTEMD_NAME_MAX);
	if (!all_letters(name))
		return err_set(err, EINVAL,
			       KEY "\"%s\" can't be the name of a unit: systemd takes letters, "
				   "digits and : - _ . \\ @",
			       json_show(name, shown, sizeof(shown)));
	return 0;
}

static int make_scope(const struct systemd_wish *wish, const char *slice, const char *prefix,
		      const char *name, struct systemd_unit *ret, struct err *err)
{
	CLEAN(free) char *above = NULL;
	int rc = set_slice(wish, slice, ret, err);

	if (rc < 0)
		return rc;
	ret->name = xasprintf("%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	above = systemd_slice_path(ret->slice);
	ret->path = xasprintf("%s/%s", above, ret->name);
	return check_name(ret->name, err);
}

/* A slice's own name says where it is; the one before it is wanted by it, as runc has it. */
static int make_slice(const struct systemd_wish *wish, const char *slice, const char *name,
		      struct systemd_unit *ret, struct err *err)
{
	char shown[64];
	int rc = *slice ? set_slice(wish, slice, ret, err) : 0;

	if (rc < 0)
		return rc;
	ret->is_slice = true;
	if (str_eq(name, ROOT_SLICE) || !is_slice(name))
		return err_set(err, EINVAL, KEY "\"%s\" can't be a slice of its own",
			       json_show(name, shown, sizeof(shown)));
	ret->name = xstrdup(name);
	ret->path = systemd_slice_path(name);
	return 0;
}

static int make(const struct systemd_wish *wish, struct systemd_unit *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	char *prefix, *name, shown[80];

	if (!wish->cgroups_path || !*wish->cgroups_path) {
		CLEAN(free) char *escaped = escape(wish->id);

		return make_scope(wish, "", "ctr", escaped, ret, err);
	}
	text = xstrdup(wish->cgroups_path);
	prefix = strchr(text, ':');
	name = prefix ? strchr(prefix + 1, ':') : NULL;
	if (!name || !name[1])
		return err_set(err, EINVAL, KEY "\"%s\": %s", json_show(text, shown, sizeof(shown)),
			       form);
	*prefix++ = *name++ = '\0';
	return str_ends(name, SLICE) ? make_slice(wish, text, name, ret, err) :
				       make_scope(wish, text, prefix, name, ret, err);
}

int systemd_unit_make(const struct systemd_wish *wish, struct systemd_unit *ret, struct err *err)
{
	int rc = make(wish, ret, err);

	if (rc < 0)
		systemd_unit_free(ret);
	return rc;
}
