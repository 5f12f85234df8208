#include "base/str.h"
#include "netns/devices.h"

#include <string.h>

/* dev_valid_name() and dev_alloc_name() of the kernel's net/core/dev.c. */
bool net_name_ok(const char name[IFNAMSIZ], bool pattern)
{
	size_t len = strnlen(name, IFNAMSIZ);
	const char *percent;

	if (len == 0 || len == IFNAMSIZ || str_eq(name, ".") || str_eq(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr("/: \t\n\v\f\r", name[i]) || (unsigned char)name[i] < 0x20)
			return false;
	percent = strchr(name, '%');
	return !percent || (pattern && percent[1] == 'd' && !strchr(percent + 1, '%'));
}
