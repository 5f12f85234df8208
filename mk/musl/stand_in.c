/*
 * Debian's static libraries are compiled against glibc. Beside functions that each C library has, with the
 * same meaning and the same structures, they refer to these, which only glibc has: what a compiler makes of
 * printf() and the like under _FORTIFY_SOURCE. Where a size is known it is a bound here too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Compilers call these by themselves: no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* A buffer that is too small is a bug which must not go on. */
static void fits(int whether)
{
	if (!whether)
		abort();
}

int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vfprintf(f, fmt, ap);
}

int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vasprintf(ret, fmt, ap);
}

int __vsnprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, va_list ap)
{
	(void)flag;
	fits(len <= size);
	return vsnprintf(buf, len, fmt, ap);
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vfprintf_chk(f, flag, fmt, ap);
	va_end(ap);
	return n;
}

int __asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vasprintf_chk(ret, flag, fmt, ap);
	va_end(ap);
	return n;
}

int __snprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vsnprintf_chk(buf, len, flag, size, fmt, ap);
	va_end(ap);
	return n;
}

int __sprintf_chk(char *buf, int flag, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vsnprintf_chk(buf, size, flag, size, fmt, ap);
	va_end(ap);
	fits(n < 0 || (size_t)n < size);
	return n;
}

char *__strcpy_chk(char *to, const char *from, size_t size)
{
	fits(strlen(from) < size);
	return strcpy(to, from);
}

char *__strcat_chk(char *to, const char *from, size_t size)
{
	fits(strlen(to) + strlen(from) < size);
	return strcat(to, from);
}

char *__strncat_chk(char *to, const char *from, size_t len, size_t size)
{
	fits(strlen(to) + strnlen(from, len) < size);
	return strncat(to, from, len);
}

/* The buffer is PATH_MAX at least, or the call wouldn't be this one. */
char *__realpath_chk(const char *path, char *buf, size_t size)
{
	(void)size;
	return realpath(path, buf);
}

void __longjmp_chk(jmp_buf to, int value)
{
	longjmp(to, value);
}

/* json-c's and libcgroup's messages: never to the machine's log by a library's own choice. */
void __vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
{
	(void)priority;
	(void)flag;
	(void)fmt;
	(void)ap;
}

/*
 * In place of musl's, which passes on a copy of the control data to clear what is padding in it, and has 1 KiB for
 * that: too little for as many fds as the kernel takes. In our messages all padding is clear.
 */
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return syscall(SYS_sendmsg, fd, msg, flags);
}
