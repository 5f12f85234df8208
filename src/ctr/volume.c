/* ctr volume create, ls, inspect, rm, prune */
#include "ctr/verbs.h"

#include "base/json.h"
#include "ctr/format.h"
#include "ctr/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct opt_row volume_create_rows[] = {
	{ "label", "KEY=VALUE", "Note this with it", .kind = OPT_LIST, .letter = 'l',
	  OPT_TO(struct volume_flags, label) },
	{ "driver", "NAME", "local, which is all there is", "local", .kind = OPT_STRING,
	  .letter = 'd', OPT_TO(struct volume_flags, driver) },
	{ 0 },
};

const struct opt_row volume_ls_rows[] = {
	{ "quiet", NULL, "Show names only", .kind = OPT_FLAG, .letter = 'q',
	  OPT_TO(struct volume_flags, quiet) },
	{ "format", "FORMAT",
	  "json, or a template; fields Name Driver Mountpoint CreatedAt Labels Anonymous Containers",
	  "json", .kind = OPT_STRING, OPT_TO(struct volume_flags, format) },
	{ "filter", "KEY=VALUE", "name=PART, label=KEY[=VALUE], dangling=true|false",
	  .kind = OPT_LIST, .letter = 'f', OPT_TO(struct volume_flags, filter) },
	{ "noheading", NULL, "Leave the line of headings out", .kind = OPT_FLAG,
	  OPT_TO(struct volume_flags, no_heading) },
	{ 0 },
};

const struct opt_row volume_rm_rows[] = {
	{ "force", NULL, "A name that isn't there is no failure", .kind = OPT_FLAG, .letter = 'f',
	  OPT_TO(struct volume_flags, force) },
	{ 0 },
};

const struct opt_row volume_prune_rows[] = {
	{ "all", NULL, "Those with a name as well, not only anonymous ones", .kind = OPT_FLAG,
	  .letter = 'a', OPT_TO(struct volume_flags, all) },
	{ "force", NULL, "Don't ask", .kind = OPT_FLAG, .letter = 'f',
	  OPT_TO(struct volume_flags, force) },
	{ "filter", "KEY=VALUE", "Only those with label=KEY[=VALUE]", .kind = OPT_LIST,
	  OPT_TO(struct volume_flags, filter) },
	{ 0 },
};

/* ---- create ------------------------------------------------------------------------------ */

static int create(struct call *call, const struct volume_flags *f, const char *name, bool anonymous,
		  struct err *err)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	struct volume v = { .name = (char *)name, .anonymous = anonymous, .labels = f->label };
	int r = 0;

	if (f->driver && !str_eq(f->driver, "local"))
		return err_set(err, ENOTSUP, "--driver %s: only local is there", f->driver);
	for (size_t i = 0; i < f->label.count && r >= 0; i++)
		r = *f->label.items[i] == '=' ?
			    err_set(err, EINVAL, "--label: \"%s\" is not KEY=VALUE",
				    f->label.items[i]) :
			    0;
	if (r >= 0)
		r = volumes_open(call, &s, err);
	return r < 0 ? r : volume_create(&s, &v, err);
}

int verb_volume_create(struct call *call)
{
	CLEAN(str) struct str line = { 0 };
	const char *name = call->count ? call->args[0] : NULL;
	struct err err = { 0 };
	char id[65];
	int r;

	container_id_make(id);
	r = create(call, call->flags, name ? name : id, !name, &err);
	if (r < 0)
		return call_fail(call, &err);
	str_printf(&line, "%s\n", name ? name : id);
	return call_print(call, line.text, line.len);
}

/* ---- looked at --------------------------------------------------------------------------- */

static int volume_json(const struct volume_store *s, const struct volume *v,
		       struct json_object **ret, size_t *ret_users, struct err *err)
{
	CLEAN(strv) struct strv users = { 0 };
	CLEAN(free) char *path = xasprintf("%s/%s/_data", s->path, v->name);
	struct json_object *o, *list;
	char created[32];
	int r = volume_users(s, v->name, &users, err);

	if (r < 0)
		return r;
	o = json_object_new_object();
	list = json_object_new_array();
	format_time(v->created_unix_ms, created);
	json_put_string(o, "Name", v->name);
	json_put_string(o, "Driver", "local");
	json_put_string(o, "Scope", "local");
	json_put_string(o, "Mountpoint", path);
	json_put_string(o, "CreatedAt", created);
	json_put_bool(o, "Anonymous", v->anonymous);
	json_object_object_add(o, "Labels", json_from_map(&v->labels));
	for (size_t i = 0; i < users.count; i++)
		json_object_array_add(list, json_object_new_string(users.items[i]));
	json_object_object_add(o, "Containers", list);
	*ret = o;
	*ret_users = users.count;
	return 0;
}

int verb_volume_inspect(struct call *call)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct format_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int status = 0, r = volumes_open(call, &s, &err);

	if (r < 0)
		return call_fail(call, &err);
	for (int i = 0; i < call->count; i++) {
		CLEAN(volume) struct volume v = { 0 };
		struct json_object *o = NULL;
		size_t users;

		r = volume_read(&s, call->args[i], &v, &err);
		if (r >= 0)
			r = volume_json(&s, &v, &o, &users, &err);
		if (r < 0)
			status = call_fail(call, &err);
		else
			json_object_array_add(list, o);
	}
	r = format_list(f->format, list, &out, &err);
	if (r < 0)
		return call_fail(call, &err);
	r = call_print(call, out.text, out.len);
	return r ? r : status;
}

/* "KEY" or "KEY=VALUE" */
static bool label_matches(const struct strv *labels, const char *wanted)
{
	size_t len = strlen(wanted);

	for (size_t i = 0; i < labels->count; i++)
		if (strncmp(labels->items[i], wanted, len) == 0 &&
		    (!labels->items[i][len] ||
		     (!strchr(wanted, '=') && labels->items[i][len] == '=')))
			return true;
	return false;
}

/* 1: it is meant; 0: not; -EINVAL: no such filter. */
static int filters_match(const struct strv *filters, const struct volume *v, size_t users,
			 struct err *err)
{
	bool names = false, named = false;

	for (size_t i = 0; i < filters->count; i++) {
		const char *f = filters->items[i];

		if (str_starts(f, "name=")) {
			names = true;
			named |= strstr(v->name, f + strlen("name=")) != NULL;
		} else if (str_starts(f, "label=")) {
			if (!label_matches(&v->labels, f + strlen("label=")))
				return 0;
		} else if (str_eq(f, "dangling=true") || str_eq(f, "dangling=false")) {
			if ((users == 0) != str_eq(f, "dangling=true"))
				return 0;
		} else {
			return err_set(
				err, EINVAL,
				"--filter: \"%s\" is not name=, label= or dangling=true|false", f);
		}
	}
	return !names || named;
}

/* Those that the filters mean; one that was removed meanwhile is none. */
static int volumes_read(const struct volume_store *s, const struct strv *filters,
			struct json_object *list, struct strv *ret_names, struct err *err)
{
	static const struct volume none = { .name = (char *)"" };
	CLEAN(strv) struct strv names = { 0 };
	int r = filters_match(filters, &none, 0, err);

	if (r >= 0)
		r = volume_list(s, &names, err);
	for (size_t i = 0; i < names.count && r >= 0; i++) {
		CLEAN(volume) struct volume v = { 0 };
		CLEAN(json) struct json_object *o = NULL;
		size_t users = 0;

		r = volume_read(s, names.items[i], &v, err);
		if (r >= 0)
			r = volume_json(s, &v, &o, &users, err);
		if (r >= 0)
			r = filters_match(filters, &v, users, err);
		if (r > 0) {
			strv_add(ret_names, v.name);
			json_object_array_add(list, json_object_get(o));
		}
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : 0;
}

int verb_volume_ls(struct call *call)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct volume_flags *f = call->flags;
	struct table t = { .columns = 2 };
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int r = volumes_open(call, &s, &err);

	if (r >= 0)
		r = volumes_read(&s, &f->filter, list, &names, &err);
	strv_add(&t.cells, "DRIVER");
	strv_add(&t.cells, "VOLUME NAME");
	for (size_t i = 0; i < names.count; i++) {
		if (f->quiet && !f->format)
			str_printf(&out, "%s\n", names.items[i]);
		strv_add(&t.cells, "local");
		strv_add(&t.cells, names.items[i]);
	}
	if (r >= 0 && f->format)
		r = format_list(f->format, list, &out, &err);
	else if (r >= 0 && !f->quiet)
		table_print(&t, !f->no_heading, &out);
	strv_free(&t.cells);
	if (r < 0)
		return call_fail(call, &err);
	return out.len ? call_print(call, out.text, out.len) : 0;
}

/* ---- removed ----------------------------------------------------------------------------- */

/* docker's statuses: 1 for what is not there, 2 (podman's) for what is in use. */
int verb_volume_rm(struct call *call)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	const struct volume_flags *f = call->flags;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int status = 0, r = volumes_open(call, &s, &err);

	if (r < 0)
		return call_fail(call, &err);
	for (int i = 0; i < call->count; i++) {
		err = (struct err){ 0 };
		r = volume_remove(&s, call->args[i], &err);
		if (r == -ENOENT && f->force)
			continue;
		if (r == -ENOENT || r == -EBUSY)
			err.exit_status = r == -ENOENT ? 1 : 2;
		if (r < 0) {
			int one = call_fail(call, &err);

			status = one > status ? one : status;
		} else {
			str_printf(&out, "%s\n", call->args[i]);
		}
	}
	r = out.len ? call_print(call, out.text, out.len) : 0;
	return r ? r : status;
}

static bool agreed(bool all)
{
	char answer[16] = "";

	fprintf(stderr,
		"This will remove all%s volumes that no container uses. Are you sure? [y/N] ",
		all ? "" : " anonymous");
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int prune_one(struct call *call, const struct volume_store *s, const char *name,
		     struct str *out, struct err *err)
{
	const struct volume_flags *f = call->flags;
	CLEAN(volume) struct volume v = { 0 };
	int r = volume_read(s, name, &v, err);

	if (r >= 0 && !v.anonymous && !f->all)
		return 0;
	if (r >= 0)
		r = volume_remove(s, name, err);
	if (r >= 0)
		str_printf(out, "%s\n", name);
	/* Gone, or taken by somebody in this moment. */
	return r == -ENOENT || r == -EBUSY ? 0 : r;
}

int verb_volume_prune(struct call *call)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	CLEAN(json) struct json_object *list = json_object_new_array();
	const struct volume_flags *f = call->flags;
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	int status = 0, r;

	for (size_t i = 0; i < f->filter.count; i++)
		if (!str_starts(f->filter.items[i], "label=")) {
			err_set(&err, EINVAL, "--filter: \"%s\" is not label=KEY[=VALUE]",
				f->filter.items[i]);
			return call_fail(call, &err);
		}
	if (!f->force && !agreed(f->all))
		return 0;
	r = volumes_open(call, &s, &err);
	if (r >= 0)
		r = volumes_read(&s, &f->filter, list, &names, &err);
	for (size_t i = 0; i < names.count && r >= 0; i++)
		if (prune_one(call, &s, names.items[i], &out, &err) < 0)
			status = call_fail(call, &err);
	if (r < 0)
		return call_fail(call, &err);
	r = out.len ? call_print(call, out.text, out.len) : 0;
	return r ? r : status;
}
