/* --volume, --tmpfs, --shm-size; and all of the user's mounts together. */
#include "ctr/run_mounts.h"

#include "base/path.h"
#include "ctr/volumes.h"
#include "rootfs/options.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool mount_word_known(const char *word)
{
	const char *known;

	for (size_t i = 0; (known = mount_option_word(i)); i++)
		if (str_eq(word, known))
			return true;
	return false;
}

int mount_destination(const char *path, const char *flag, const char *text, char **ret,
		      struct err *err)
{
	CLEAN(free) char *clean = NULL;

	if (*path != '/')
		return err_set(err, EINVAL, "--%s %s: the path in the container must be absolute",
			       flag, text);
	clean = path_clean(path);
	if (str_eq(clean, "/"))
		return err_set(err, EINVAL, "--%s %s: nothing can be mounted over the root itself",
			       flag, text);
	*ret = take_ptr(clean);
	return 0;
}

/* ---- bind mounts ------------------------------------------------------------------- */

enum word { PASS, DROP, REFUSE, READ_ONLY, ONE, PROPAGATES };

/* What docker and podman know in a volume's options beside the words of mount(8). */
static const struct {
	const char *word;
	enum word means;
} volume_words[] = {
	{ "ro", READ_ONLY },
	{ "readonly", READ_ONLY },
	{ "bind", ONE },
	{ "rbind", DROP },
	{ "z", DROP },
	{ "Z", DROP },
	{ "nocopy", DROP },
	{ "cached", DROP },
	{ "delegated", DROP },
	{ "consistent", DROP },
	{ "U", REFUSE },
	{ "O", REFUSE },
	{ "copy", DROP },
	{ "private", PROPAGATES },
	{ "rprivate", PROPAGATES },
	{ "shared", PROPAGATES },
	{ "rshared", PROPAGATES },
	{ "slave", PROPAGATES },
	{ "rslave", PROPAGATES },
	{ "unbindable", PROPAGATES },
	{ "runbindable", PROPAGATES },
};

static enum word word_meaning(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(volume_words); i++)
		if (str_eq(word, volume_words[i].word))
			return volume_words[i].means;
	return mount_word_known(word) ? PASS : REFUSE;
}

int mount_bind_add(struct spec *to, const char *source, const char *destination,
		   const struct strv *options, const char *flag, const char *text, struct err *err)
{
	bool read_only = false, one = false, propagates = false;
	CLEAN(strv) struct strv words = { 0 };
	struct spec_mount *m;

	for (size_t i = 0; i < options->count; i++) {
		const char *word = options->items[i];
		enum word means = word_meaning(word);

		if (means == REFUSE)
			return err_set(err, EINVAL, "--%s %s: no mount option \"%s\"", flag, text,
				       word);
		read_only |= means == READ_ONLY;
		one |= means == ONE;
		propagates |= means == PROPAGATES;
		if (means == PASS || means == PROPAGATES)
			strv_add(&words, word);
	}
	m = spec_add_mount(to, destination, "bind", source, one ? "bind" : "rbind");
	for (size_t i = 0; i < words.count; i++)
		strv_add(&m->options, words.items[i]);
	if (read_only)
		strv_add(&m->options, one ? "ro" : "rro");
	if (!propagates)
		strv_add(&m->options, "rprivate");
	return 0;
}

static int volume_source(const char *host, const char *text, char **ret, struct err *err)
{
	CLEAN(free) char *source = NULL;

	source = path_absolute(host);
	if (faccessat(AT_FDCWD, source, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "--volume %s: %s", text, source);
	*ret = take_ptr(source);
	return 0;
}

int mount_volume_add(struct run_made *m, struct spec *to, const char *name, const char *destination,
		     const struct strv *options, const char *flag, const char *text,
		     struct err *err)
{
	CLEAN(free) char *data = NULL, *source = NULL;
	struct run_volume *v;
	char id[65];
	int r = name ? volume_name_check(name, err) : 0;

	if (r < 0)
		return err_wrap(err, "--%s %s: ", flag, text);
	r = volumes_data_root(m->data_root, &data, err);
	if (r < 0)
		return err_wrap(err, "--%s %s: ", flag, text);
	container_id_make(id);
	v = SPEC_ADD(&m->volumes);
	*v = (struct run_volume){
		.name = xstrdup(name ? name : id),
		.destination = xstrdup(destination),
		.anonymous = !name,
		.nocopy = strv_has(options, "nocopy"),
		.use = VOLUME_USE_INIT,
	};
	source = xasprintf("%s/volumes/%s/_data", data, v->name);
	return mount_bind_add(to, source, destination, options, flag, text, err);
}

/* "/path": an anonymous one there. */
static int anonymous_volume(const char *path, struct run_made *m, struct spec *to, struct err *err)
{
	CLEAN(free) char *destination = NULL;
	struct strv none = { 0 };
	int r = mount_destination(path, "volume", path, &destination, err);

	return r < 0 ? r : mount_volume_add(m, to, NULL, destination, &none, "volume", path, err);
}

int mount_from_volume(const char *text, struct run_made *m, struct spec *to, struct err *err)
{
	CLEAN(free) char *source = NULL, *destination = NULL;
	CLEAN(strv) struct strv part = { 0 }, options = { 0 };
	int r;

	strv_split(&part, text, ':');
	if (part.count == 1 && *text == '/')
		return anonymous_volume(text, m, to, err);
	if (part.count < 2 || *part.items[1] != '/')
		return err_set(
			err, EINVAL,
			"--volume %s: give HOST:CONTAINER[:OPTIONS], where HOST is a path or the "
			"name of a volume and CONTAINER a path; or a path in the container alone",
			text);
	if (part.count > 3)
		return err_set(err, EINVAL,
			       "--volume %s: too many colons; for paths with colons use --mount",
			       text);
	r = mount_destination(part.items[1], "volume", text, &destination, err);
	if (r < 0)
		return r;
	if (part.count > 2 && *part.items[2])
		strv_split(&options, part.items[2], ',');
	if (*part.items[0] != '/' && *part.items[0] != '.')
		return mount_volume_add(m, to, part.items[0], destination, &options, "volume", text,
					err);
	r = volume_source(part.items[0], text, &source, err);
	if (r < 0)
		return r;
	return mount_bind_add(to, source, destination, &options, "volume", text, err);
}

int mount_from_tmpfs(const char *text, struct spec *to, struct err *err)
{
	CLEAN(free) char *path = xstrdup(text), *destination = NULL;
	char *options = strchr(path, ':');
	CLEAN(strv) struct strv words = { 0 };
	struct spec_mount *m;
	int r;

	if (options)
		*options++ = '\0';
	r = mount_destination(path, "tmpfs", text, &destination, err);
	if (r < 0)
		return r;
	if (options && *options)
		strv_split(&words, options, ',');
	/* The last word wins: `exec` takes back what stands here. */
	m = spec_add_mount(to, destination, "tmpfs", "tmpfs", "nosuid,nodev,noexec");
	for (size_t i = 0; i < words.count; i++)
		strv_add(&m->options, words.items[i]);
	return 0;
}

/* ---- together ---------------------------------------------------------------------- */

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* What is mounted below another has to come after it; else as the user wrote them. */
static void sort_by_depth(struct spec *user)
{
	struct spec_mount *m = user->mounts.items;

	for (size_t i = 1; i < user->mounts.count; i++) {
		struct spec_mount one = m[i];
		size_t j = i;

		for (; j > 0 && depth(m[j - 1].destination) > depth(one.destination); j--)
			m[j] = m[j - 1];
		m[j] = one;
	}
}

static int add_to_container(struct spec *user, struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < user->mounts.count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(user->mounts.items[i].destination,
				   user->mounts.items[j].destination))
				return err_set(err, EINVAL,
					       "two mounts at %s: --volume, --mount and "
					       "--tmpfs need different places",
					       user->mounts.items[i].destination);
	sort_by_depth(user);
	for (size_t i = 0; i < user->mounts.count; i++) {
		struct spec_mount *m = &user->mounts.items[i];

		/* A default mount gives way: -v /my/shm:/dev/shm. */
		mount_remove(spec, m->destination);
		*SPEC_ADD(&spec->mounts) = *m;
		*m = (struct spec_mount){ 0 };
	}
	user->mounts.count = 0;
	return 0;
}

static int shm_size(struct spec *spec, int64_t bytes, struct err *err)
{
	struct spec_mount *m = mount_find(spec, "/dev/shm");
	size_t kept = 0;

	if (!m || !str_eq(m->type, "tmpfs"))
		return err_set(err, EINVAL, "--shm-size: the container has no /dev/shm of its own");
	for (size_t i = 0; i < m->options.count; i++) {
		if (str_starts(m->options.items[i], "size="))
			free(m->options.items[i]);
		else
			m->options.items[kept++] = m->options.items[i];
	}
	m->options.count = kept;
	strv_printf(&m->options, "size=%lld", (long long)bytes);
	return 0;
}

int run_mounts(const struct run_flags *f, struct run_made *m, struct err *err)
{
	CLEAN(spec) struct spec user = { 0 };
	int r = 0;

	if (f->shm_size.set)
		r = shm_size(&m->spec, f->shm_size.value, err);
	for (size_t i = 0; i < f->volume.count && r >= 0; i++)
		r = mount_from_volume(f->volume.items[i], m, &user, err);
	for (size_t i = 0; i < f->mount.count && r >= 0; i++)
		r = mount_from_fields(f->mount.items[i], m, &user, err);
	for (size_t i = 0; i < f->tmpfs.count && r >= 0; i++)
		r = mount_from_tmpfs(f->tmpfs.items[i], &user, err);
	return r < 0 ? r : add_to_container(&user, &m->spec, err);
}
