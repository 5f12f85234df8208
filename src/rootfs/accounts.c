#include "rootfs/accounts.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ACCOUNTS_SIZE_MAX (4u << 20)
#define SYSTEM_ID_MAX 999
#define NOBODY 65534

/* name:password:id:...; a group has only members behind the id. */
static void account_line(struct str *out, const char *line)
{
	CLEAN(strv) struct strv field = { 0 };
	uint64_t id;

	strv_split(&field, line, ':');
	if ((field.count != 4 && field.count != 7) ||
	    str_to_u64(field.items[2], 0, UINT32_MAX, &id) < 0 ||
	    (id > SYSTEM_ID_MAX && id != NOBODY))
		return;
	str_printf(out, "%s:x:%s:", field.items[0], field.items[2]);
	if (field.count == 7)
		str_printf(out, "%s:%s:%s:%s", field.items[3], field.items[4], field.items[5],
			   field.items[6]);
	str_add(out, "\n");
}

char *host_accounts_filter(const char *text)
{
	struct str out = { 0 };

	while (*text) {
		size_t len = strcspn(text, "\n");
		CLEAN(free) char *line = xstrndup(text, len);

		account_line(&out, line);
		text += len + (text[len] == '\n');
	}
	return out.text ? out.text : xstrdup("");
}

int host_accounts_copy(int from, int to, const char *name, struct err *err)
{
	CLEAN(free) char *text = NULL;
	CLEAN(free) char *kept = NULL;
	int rc = file_read(from, name, ACCOUNTS_SIZE_MAX, &text, NULL, err);

	if (rc == -ENOENT || rc == -EACCES)
		return 0;
	if (rc < 0)
		return rc;
	kept = host_accounts_filter(text);
	return file_write_new(to, name, kept, err);
}
