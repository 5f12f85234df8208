/* Chunks of what a container prints become entries of the journal, one a line. */
#include "systemd/main_journal.h"

#include "systemd/ask.h"
#include "systemd/journal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

/* A journald that is started anew is away for a moment; what it can't take at all is left out. */
#define TRIES_MAX 50
#define REST_MS 100

/* Fields that are the same in each entry, with docker's and podman's names. */
#define FIXED_MAX 5
struct fields {
	struct strv text;
	char *name, *id, *tag;
};

static void fields_free(struct fields *f)
{
	strv_free(&f->text);
	free(f->name);
	free(f->id);
	free(f->tag);
}
CLEAN_DEFINE(fields, struct fields, fields_free)

static bool read_fields(const struct json_at *o, struct fields *f)
{
	struct json_at name = json_get(o, "name"), id = json_get(o, "id"), tag = json_get(o, "tag");
	struct err ignored;

	if (json_read_string(&name, &f->name, &ignored) <= 0 ||
	    json_read_string(&id, &f->id, &ignored) <= 0 ||
	    json_read_string(&tag, &f->tag, &ignored) <= 0)
		return false;
	strv_printf(&f->text, "CONTAINER_NAME=%s", f->name);
	strv_printf(&f->text, "CONTAINER_ID=%.12s", f->id);
	strv_printf(&f->text, "CONTAINER_ID_FULL=%s", f->id);
	strv_printf(&f->text, "CONTAINER_TAG=%s", f->tag);
	strv_printf(&f->text, "SYSLOG_IDENTIFIER=%s", f->tag);
	return true;
}

static struct iovec field(const char *text)
{
	return (struct iovec){ (void *)text, strlen(text) };
}

/* Whatever stands in the line: a field's value is bytes, and has its length. */
static void entry(const struct fields *f, const struct journal_head *head, const char *line,
		  size_t len, bool whole)
{
	static char message[sizeof("MESSAGE=") + JOURNAL_CHUNK_MAX] = "MESSAGE=";
	struct iovec v[FIXED_MAX + 3];
	char priority[16];
	int n = 0;

	memcpy(message + 8, line, len);
	snprintf(priority, sizeof(priority), "PRIORITY=%u", head->priority & 7);
	v[n++] = (struct iovec){ message, 8 + len };
	v[n++] = field(priority);
	for (size_t i = 0; i < f->text.count; i++)
		v[n++] = field(f->text.items[i]);
	if (!whole)
		v[n++] = field("CONTAINER_PARTIAL_MESSAGE=true");
	for (int i = 0; i < TRIES_MAX && sd_journal_sendv(v, n) < 0; i++)
		(void)poll(NULL, 0, REST_MS);
}

static void chunk(const struct fields *f, const struct journal_head *head, const char *bytes,
		  size_t len)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t n = end ? (size_t)(end - bytes) : len;

		entry(f, head, bytes, n, end != NULL);
		n += end != NULL;
		bytes += n;
		len -= n;
	}
}

int journal_serve(const struct json_at *request)
{
	CLEAN(fields) struct fields f = { 0 };
	static char bytes[JOURNAL_CHUNK_MAX];

	if (!read_fields(request, &f))
		return 2;
	for (;;) {
		struct journal_head head;
		struct iovec parts[] = { { &head, sizeof(head) }, { bytes, sizeof(bytes) } };
		struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t n = recvmsg(0, &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0;
		if (n < (ssize_t)sizeof(head) || msg.msg_flags & MSG_TRUNC ||
		    head.version != SYSTEMD_VERSION)
			return 2;
		chunk(&f, &head, bytes, (size_t)n - sizeof(head));
	}
}
