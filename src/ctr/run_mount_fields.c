/* --mount type=bind,src=/a,dst=/b,readonly */
#include "ctr/run_mounts.h"

#include "ctr/run_make.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* One --mount while it is read. */
struct fields {
	const char *text; /* for errors */
	char *type, *source, *destination, *propagation, *recursive, *size, *mode, *idmap;
	bool readonly, non_recursive, nocopy, has_idmap;
	struct strv words; /* mount options as such */
};

static void fields_free(struct fields *f)
{
	char *all[] = { f->type,      f->source, f->destination, f->propagation,
			f->recursive, f->size,   f->mode,        f->idmap };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]);
	strv_free(&f->words);
}
CLEAN_DEFINE(fields, struct fields, fields_free)

enum field_kind { TEXT, SWITCH };

#define TO(field) offsetof(struct fields, field)

static const struct {
	const char *key;
	enum field_kind kind;
	size_t offset;
} keys[] = {
	{ "type", TEXT, TO(type) },
	{ "source", TEXT, TO(source) },
	{ "src", TEXT, TO(source) },
	{ "destination", TEXT, TO(destination) },
	{ "dst", TEXT, TO(destination) },
	{ "target", TEXT, TO(destination) },
	{ "readonly", SWITCH, TO(readonly) },
	{ "ro", SWITCH, TO(readonly) },
	{ "bind-propagation", TEXT, TO(propagation) },
	{ "bind-recursive", TEXT, TO(recursive) },
	{ "bind-nonrecursive", SWITCH, TO(non_recursive) },
	{ "volume-nocopy", SWITCH, TO(nocopy) },
	{ "tmpfs-size", TEXT, TO(size) },
	{ "tmpfs-mode", TEXT, TO(mode) },
};

static int set_switch(const struct fields *f, const char *key, const char *value, bool *ret,
		      struct err *err)
{
	*ret = !value || str_eq(value, "true") || str_eq(value, "1");
	if (*ret || str_eq(value, "false") || str_eq(value, "0"))
		return 0;
	return err_set(err, EINVAL, "--mount %s: %s=%s is neither true nor false", f->text, key,
		       value);
}

/* "idmap", "idmap=uids=0-1000-1#1-2000-10;gids=..." */
static int set_idmap(struct fields *f, const char *value)
{
	f->has_idmap = true;
	free(f->idmap);
	f->idmap = value ? xstrdup(value) : NULL;
	return 0;
}

static int set_field(struct fields *f, const char *key, const char *value, struct err *err)
{
	if (str_eq(key, "idmap"))
		return set_idmap(f, value);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		void *to = (char *)f + keys[i].offset;

		if (!str_eq(key, keys[i].key))
			continue;
		if (keys[i].kind == SWITCH)
			return set_switch(f, key, value, to, err);
		if (!value || !*value)
			return err_set(err, EINVAL, "--mount %s: %s needs a value", f->text, key);
		free(*(char **)to);
		*(char **)to = xstrdup(value);
		return 0;
	}
	if (value || !mount_word_known(key))
		return err_set(err, EINVAL, "--mount %s: no key \"%s\"", f->text, key);
	strv_add(&f->words, key);
	return 0;
}

/* Fields between commas; one in double quotes may have commas in it, as in a CSV file. */
static int read_fields(struct fields *f, struct err *err)
{
	const char *at = f->text;
	int r = 0;

	while (*at && r >= 0) {
		CLEAN(str) struct str field = { 0 };
		bool quoted = *at == '"';
		char *value;

		str_add(&field, "");
		for (at += quoted; *at && (quoted ? *at != '"' : *at != ','); at++)
			str_add_bytes(&field, at, 1);
		if (quoted && *at++ != '"')
			return err_set(err, EINVAL, "--mount %s: a quote is not closed", f->text);
		if (*at && *at++ != ',')
			return err_set(err, EINVAL, "--mount %s: text behind a quote", f->text);
		if (!field.len)
			return err_set(err, EINVAL, "--mount %s: an empty field", f->text);
		value = strchr(field.text, '=');
		if (value)
			*value++ = '\0';
		r = set_field(f, field.text, value, err);
	}
	return r;
}

/* ---- id maps ----------------------------------------------------------------------- */

/* "0-1000-1#1-2000-10" */
static int read_maps(const struct fields *f, const char *text, spec_id_maps *ret, struct err *err)
{
	CLEAN(strv) struct strv maps = { 0 };

	strv_split(&maps, text, '#');
	for (size_t i = 0; i < maps.count; i++) {
		CLEAN(strv) struct strv part = { 0 };
		uint64_t n[3];

		strv_split(&part, maps.items[i], '-');
		for (size_t j = 0; j < 3; j++)
			if (part.count != 3 ||
			    str_to_u64(part.items[j], j == 2, UINT32_MAX, &n[j]) < 0)
				return err_set(err, EINVAL,
					       "--mount %s: idmap: \"%s\" is not FROM-TO-COUNT",
					       f->text, maps.items[i]);
		*SPEC_ADD(ret) =
			(struct spec_id_map){ (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2] };
	}
	return 0;
}

static int apply_idmap(const struct fields *f, struct spec_mount *m, struct err *err)
{
	CLEAN(strv) struct strv parts = { 0 };
	int r = 0;

	strv_add(&m->options, "idmap");
	if (f->idmap)
		strv_split(&parts, f->idmap, ';');
	for (size_t i = 0; i < parts.count && r >= 0; i++) {
		if (str_starts(parts.items[i], "uids="))
			r = read_maps(f, parts.items[i] + 5, &m->uid_maps, err);
		else if (str_starts(parts.items[i], "gids="))
			r = read_maps(f, parts.items[i] + 5, &m->gid_maps, err);
		else
			r = err_set(err, EINVAL, "--mount %s: idmap=uids=FROM-TO-COUNT;gids=...",
				    f->text);
	}
	if (r >= 0 && f->idmap && (!m->uid_maps.count || !m->gid_maps.count))
		return err_set(err, EINVAL, "--mount %s: idmap needs both uids and gids", f->text);
	return r;
}

/* ---- types ------------------------------------------------------------------------- */

static int apply_recursive(struct fields *f, struct err *err)
{
	const char *how = f->recursive;

	if (!how || str_eq(how, "enabled") || str_eq(how, "readonly")) {
		if (f->readonly)
			strv_add(&f->words, "ro");
		if (how && !f->readonly && str_eq(how, "readonly"))
			return err_set(err, EINVAL,
				       "--mount %s: bind-recursive=readonly is for a "
				       "mount with readonly",
				       f->text);
		return 0;
	}
	if (str_eq(how, "disabled")) {
		f->non_recursive = true;
		if (f->readonly)
			strv_add(&f->words, "ro");
		return 0;
	}
	if (!str_eq(how, "writable"))
		return err_set(err, EINVAL,
			       "--mount %s: bind-recursive is enabled, disabled, "
			       "writable or readonly",
			       f->text);
	return 0;
}

static int make_bind(struct fields *f, struct spec *to, const char *destination, struct err *err)
{
	CLEAN(free) char *source = NULL;
	struct spec_mount *m;
	int r;

	if (!f->source)
		return err_set(err, EINVAL, "--mount %s: no src=", f->text);
	source = path_absolute(f->source);
	if (faccessat(AT_FDCWD, source, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "--mount %s: %s", f->text, source);
	r = apply_recursive(f, err);
	if (r < 0)
		return r;
	if (f->non_recursive)
		strv_add(&f->words, "bind");
	if (f->propagation)
		strv_add(&f->words, f->propagation);
	r = mount_bind_add(to, source, destination, &f->words, "mount", f->text, err);
	if (r < 0)
		return r;
	m = &to->mounts.items[to->mounts.count - 1];
	/* This mount alone: those below it stay as they are. */
	if (f->readonly && str_eq(f->recursive, "writable"))
		strv_add(&m->options, "ro");
	return f->has_idmap ? apply_idmap(f, m, err) : 0;
}

static int make_tmpfs(struct fields *f, struct spec *to, const char *destination, struct err *err)
{
	struct spec_mount *m;
	uint64_t bytes;

	if (f->source || f->propagation || f->recursive || f->has_idmap)
		return err_set(err, EINVAL, "--mount %s: a tmpfs has no src, bind-... or idmap",
			       f->text);
	m = spec_add_mount(to, destination, "tmpfs", "tmpfs", "nosuid,nodev,noexec");
	if (f->size) {
		if (str_to_bytes(f->size, &bytes) < 0)
			return err_set(err, EINVAL, "--mount %s: tmpfs-size is no size", f->text);
		strv_printf(&m->options, "size=%llu", (unsigned long long)bytes);
	}
	if (f->mode) {
		if (strspn(f->mode, "01234567") != strlen(f->mode) || strlen(f->mode) > 5)
			return err_set(err, EINVAL, "--mount %s: tmpfs-mode is not octal", f->text);
		strv_printf(&m->options, "mode=%s", f->mode);
	}
	for (size_t i = 0; i < f->words.count; i++)
		strv_add(&m->options, f->words.items[i]);
	if (f->readonly)
		strv_add(&m->options, "ro");
	return 0;
}

/* src= is its name; none: an anonymous one. */
static int make_volume(struct fields *f, struct run_made *m, struct spec *to,
		       const char *destination, struct err *err)
{
	if (f->propagation || f->recursive || f->non_recursive || f->has_idmap || f->size ||
	    f->mode)
		return err_set(err, EINVAL,
			       "--mount %s: a volume has no bind-..., tmpfs-... or idmap", f->text);
	if (f->readonly)
		strv_add(&f->words, "ro");
	if (f->nocopy)
		strv_add(&f->words, "nocopy");
	return mount_volume_add(m, to, f->source, destination, &f->words, "mount", f->text, err);
}

int mount_from_fields(const char *text, struct run_made *m, struct spec *to, struct err *err)
{
	CLEAN(fields) struct fields f = { .text = text };
	CLEAN(free) char *destination = NULL;
	int r = read_fields(&f, err);

	if (r < 0)
		return r;
	if (!f.destination)
		return err_set(err, EINVAL, "--mount %s: no dst=", text);
	r = mount_destination(f.destination, "mount", text, &destination, err);
	if (r < 0)
		return r;
	if (str_eq(f.type, "bind"))
		return make_bind(&f, to, destination, err);
	if (str_eq(f.type, "tmpfs"))
		return make_tmpfs(&f, to, destination, err);
	if (str_eq(f.type, "volume"))
		return make_volume(&f, m, to, destination, err);
	return err_set(err, EINVAL, "--mount %s: type is bind, volume or tmpfs", text);
}
