/* What a group's files say before they are written, as settings that write it back. */
#include "cgroups/leaf.h"

#include <string.h>

#define FILE_MAX 16384

/* io.max without a line for a disk, and what stands for that. The others name their default. */
static char *device_default(const char *file, const char *device)
{
	if (str_eq(file, "io.max"))
		return xasprintf("%s rbps=max wbps=max riops=max wiops=max", device);
	return xasprintf("%s default", device);
}

/* The line that begins with this word; NULL: none. */
static const char *line_of(const char *text, const char *word, size_t len)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, len) == 0 && line[len] == ' ')
			return line;
	}
	return NULL;
}

/*
 * What a write of `value` to the file replaces. A value "8:0 rbps=1" is about one line of several, and
 * "mlx5_0 hca_handle=1" too; else the file is one value, or its first line is. NULL: there is no such
 * file.
 */
static char *value_now(int fd, const char *file, const char *value)
{
	CLEAN(free) char *text = xcalloc(1, FILE_MAX);
	size_t word = strcspn(value, " ");
	bool by_device = (str_starts(file, "io.") && memchr(value, ':', word)) ||
			 str_eq(file, "rdma.max");
	const char *line = text;

	if (cgroup_read(fd, file, text, FILE_MAX) < 0)
		return NULL;
	if (by_device) {
		CLEAN(free) char *device = xstrndup(value, word);

		line = line_of(text, device, word);
		if (!line)
			return device_default(file, device);
	}
	/* "root invalid (...)" is what became of a wish. */
	return xstrndup(line, str_eq(file, "cpuset.cpus.partition") ? strcspn(line, " \n") :
								      strcspn(line, "\n"));
}

void cgroup_settings_now(int fd, const struct cgroup_settings *settings,
			 struct cgroup_settings *ret)
{
	*ret = (struct cgroup_settings){ .update = true };
	ret->items = xcalloc(settings->count + 1, sizeof(*ret->items));
	for (size_t i = settings->count; i-- > 0;) {
		const struct cgroup_setting *s = &settings->items[i];
		char *value = value_now(fd, s->file, s->value),
		     *alt = s->alt_file ? value_now(fd, s->alt_file, s->alt_value) : NULL;

		if (!value && !alt)
			continue;
		ret->items[ret->count++] = (struct cgroup_setting){
			.key = xstrdup(s->key),
			.controller = s->controller,
			.file = xstrdup(value ? s->file : s->alt_file),
			.value = value ? value : xstrdup(alt),
			.alt_file = value && alt ? xstrdup(s->alt_file) : NULL,
			.alt_value = value ? alt : NULL,
		};
		if (!value)
			free(alt);
	}
}
