#include "fuzz.h"

#include "base/fd.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_broken(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("BROKEN: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void fuzz_check(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	if (err->code != -rc)
		fuzz_broken("returns %d, but the error says %d: %s", rc, err->code, err->text);
	if (!memchr(err->text, '\0', sizeof(err->text)) || !*err->text)
		fuzz_broken("returns %d without words", rc);
}

void fuzz_texts(const uint8_t *data, size_t size, char *ret[], size_t count)
{
	const char *at = (const char *)data, *end = at + size;

	for (size_t i = 0; i < count; i++) {
		const char *cut = i + 1 < count && at < end ? memchr(at, '\f', end - at) : NULL;
		const char *last = cut ? cut : end;

		/* Cut at a NUL as well: xstrndup() would leave room behind it. */
		ret[i] = xstrndup(at, strnlen(at, (size_t)(last - at)));
		at = cut ? cut + 1 : end;
	}
}

void fuzz_texts_free(char *texts[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
}

const char *fuzz_folder(void)
{
	static char path[256];
	const char *top = getenv("TMPDIR");

	if (*path)
		return path;
	snprintf(path, sizeof(path), "%s/ctr-fuzz-XXXXXX", top ? top : "/tmp");
	if (!mkdtemp(path))
		fuzz_broken("make a folder %s", path);
	return path;
}

void fuzz_file(const char *name, const void *data, size_t size)
{
	CLEAN(free) char *path = xasprintf("%s/%s", fuzz_folder(), name);
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (char *slash = strchr(path + strlen(fuzz_folder()) + 1, '/'); fd < 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, data, size) < 0)
		fuzz_broken("write %s", path);
}
