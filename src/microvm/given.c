#include "microvm/given.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "fd:"

int given_number(const char *path)
{
	uint64_t n;

	if (!str_starts(path, PREFIX) || str_to_u64(path + strlen(PREFIX), 0, INT_MAX, &n) < 0)
		return -1;
	return (int)n;
}

int given_open(const char *path, int flags)
{
	int number = given_number(path);
	int fd = number < 0 ? open(path, flags | O_CLOEXEC | O_NOCTTY) :
			      fcntl(number, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

void given_close(const char *path)
{
	int number = path ? given_number(path) : -1;

	if (number >= 0)
		close(number);
}
