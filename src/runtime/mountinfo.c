#include "runtime/mountinfo.h"

#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTINFO_MAX (16u << 20)

void mount_table_free(struct mount_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->lines[i].dev);
		free(t->lines[i].root);
		free(t->lines[i].point);
		free(t->lines[i].type);
	}
	free(t->lines);
	*t = (struct mount_table){ 0 };
}

/* "\040" and its like, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options [fields] - type source options" */
static bool line_parse(const char *line, struct mount_line *ret)
{
	CLEAN(strv) struct strv words = { 0 };
	uint64_t id;
	size_t dash = 6;

	strv_split(&words, line, ' ');
	while (dash < words.count && !str_eq(words.items[dash], "-"))
		dash++;
	if (dash + 1 >= words.count || str_to_u64(words.items[0], 0, INT32_MAX, &id) < 0)
		return false;
	*ret = (struct mount_line){
		.id = (int)id,
		.dev = xstrdup(words.items[2]),
		.root = xstrdup(words.items[3]),
		.point = xstrdup(words.items[4]),
		.type = xstrdup(words.items[dash + 1]),
	};
	unescape(ret->root);
	unescape(ret->point);
	return true;
}

int mount_table_read(const char *process, struct mount_table *ret, struct err *err)
{
	CLEAN(free) char *path = xasprintf("/proc/%s/mountinfo", process);
	CLEAN(free) char *text = NULL;
	CLEAN(strv) struct strv lines = { 0 };
	int rc = file_read(AT_FDCWD, path, MOUNTINFO_MAX, &text, NULL, err);

	*ret = (struct mount_table){ 0 };
	if (rc < 0)
		return rc;
	strv_split(&lines, text, '\n');
	ret->lines = xcalloc(lines.count + 1, sizeof(*ret->lines));
	for (size_t i = 0; i < lines.count; i++)
		if (line_parse(lines.items[i], &ret->lines[ret->count]))
			ret->count++;
	return 0;
}

bool line_number(const char *line, size_t n, int base, uint64_t *ret)
{
	char *end;

	line += strspn(line, " \t");
	for (size_t i = 0; i < n; i++) {
		line += strcspn(line, " \t\n");
		line += strspn(line, " \t");
	}
	errno = 0;
	*ret = strtoull(line, &end, base);
	return end != line && !errno && *line != '-' && strchr(" \t\n", *end);
}

bool path_below(const char *path, const char *folder, const char **ret_rest)
{
	size_t len = str_eq(folder, "/") ? 0 : strlen(folder);

	if (strncmp(path, folder, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return false;
	if (ret_rest)
		*ret_rest = path + len;
	return true;
}
