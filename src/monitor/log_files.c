#include "monitor/log_files.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024
#define TRIES 16

void log_files_close(struct log_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		close(f->items[i].fd);
	free(f->items);
	*f = (struct log_files){ 0 };
}

static int by_number(const void *a, const void *b)
{
	const unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* 0 stands for FILE, 7 for FILE.7; sorted. */
static size_t numbers(const char *path, unsigned int ret[FILES_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	CLEAN(free)
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	DIR *dir = opendir(folder);
	size_t count = 1;
	struct dirent *d;
	uint64_t n;

	ret[0] = 0;
	while (dir && count < FILES_MAX && (d = readdir(dir)))
		if (str_starts(d->d_name, name) && d->d_name[strlen(name)] == '.' &&
		    str_to_u64(d->d_name + strlen(name) + 1, 1, 1000000, &n) == 0)
			ret[count++] = (unsigned int)n;
	if (dir)
		closedir(dir);
	qsort(ret, count, sizeof(*ret), by_number);
	return count;
}

static int file_add(struct log_files *f, const char *path, unsigned int number, struct err *err)
{
	CLEAN(free) char *name = number ? xasprintf("%s.%u", path, number) : xstrdup(path);
	CLEAN(fd) int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	/* Rotated away at this moment. */
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open the log %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "the log %s is no regular file", name);
	/* It got its next number while we looked. */
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].inode == st.st_ino)
			return 0;
	f->items = xrealloc(f->items, f->count + 1, sizeof(*f->items));
	f->items[f->count++] = (struct log_file){ take_fd(&fd), number, st.st_ino, 0 };
	return 0;
}

bool log_files_present(const struct log_files *f, const char *path)
{
	struct stat st;

	return f->count && !f->items[0].number && lstat(path, &st) == 0 &&
	       st.st_ino == f->items[0].inode;
}

/* All of one moment: when the present one is another afterwards, it is done again. */
int log_files_open(struct log_files *f, const char *path, struct err *err)
{
	unsigned int number[FILES_MAX];
	int rc = 0;

	for (int i = 0; i < TRIES && rc == 0; i++) {
		size_t count = numbers(path, number);

		log_files_close(f);
		for (size_t k = 0; k < count && rc == 0; k++)
			rc = file_add(f, path, number[k], err);
		if (rc == 0 && log_files_present(f, path))
			return 0;
	}
	return rc < 0 || f->count ? rc : err_set(err, ENOENT, "there is no log %s", path);
}
