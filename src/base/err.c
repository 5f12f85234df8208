#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * A system call that isn't there: whichever it is, the newest of those that we can't be without
 * (mount_setattr) says which kernel has them all.
 */
static void say_kernel(struct err *err)
{
	size_t len = strlen(err->text);

	if (err->code == ENOSYS && !strstr(err->text, "Linux "))
		snprintf(
			err->text + len, sizeof(err->text) - len,
			"; Linux 5.12 or newer is needed, and nothing that filters its system calls");
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	err->code = code > 0 ? code : EIO;
	say_kernel(err);
	err->exit_status = 0;
	errno = saved;
	return -err->code;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s", strerror(saved));
	err->code = saved > 0 ? saved : EIO;
	say_kernel(err);
	err->exit_status = 0;
	errno = saved;
	return -err->code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	int saved = errno;
	va_list args;
	int len;

	memcpy(old, err->text, sizeof(old));
	old[sizeof(old) - 1] = '\0';
	va_start(args, fmt);
	len = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - (size_t)len, "%s", old);
	errno = saved;
	return -err->code;
}

void err_append(struct err *err, const char *text)
{
	size_t len = strlen(err->text);

	snprintf(err->text + len, sizeof(err->text) - len, "%s", text);
}

void err_die(const char *text)
{
	struct iovec parts[] = { { (void *)"ctr: ", 5 },
				 { (void *)text, strlen(text) },
				 { (void *)"\n", 1 } };

	if (writev(STDERR_FILENO, parts, 3) < 0)
		_exit(125);
	_exit(125);
}
