/* What criu's log says when it failed. */
#include "criu/criu.h"

#include "base/file.h"

#include <ctype.h>
#include <string.h>

#define LOG_MAX (256u << 20)
/* The first error is the reason; what follows is what came of it. */
#define ERRORS_MAX 2
#define LINE_MAX_SHOWN 200

/* "(00.005342)      5: Error (criu/x.c:12): words" -> "Error (criu/x.c:12): words" */
static const char *without_time(const char *line, size_t *len)
{
	const char *error = memmem(line, *len, "Error", 5);

	if (error) {
		*len -= (size_t)(error - line);
		line = error;
	}
	if (*len > LINE_MAX_SHOWN)
		*len = LINE_MAX_SHOWN;
	while (*len && isspace((unsigned char)line[*len - 1]))
		--*len;
	return line;
}

bool criu_log_errors(int dir, const char *file, struct str *ret)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	size_t found = 0;

	if (file_read(dir, file, LOG_MAX, &text, NULL, &ignored) < 0)
		return false;
	for (const char *line = text; *line && found < ERRORS_MAX;) {
		size_t len = strcspn(line, "\n"), shown = len;

		if (memmem(line, len, "Error (", 7)) {
			const char *words = without_time(line, &shown);

			str_printf(ret, "%s%.*s", found ? "; " : "", (int)shown, words);
			found++;
		}
		line += len + (line[len] == '\n');
	}
	return found > 0;
}
