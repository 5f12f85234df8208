/* Requests to criu as bytes, and its replies from bytes. Field numbers: criu's rpc.proto. */
#include "criu/criu.h"
#include "criu/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* criu_req */
#define REQ_TYPE 1
#define REQ_OPTS 2
#define REQ_NOTIFY_SUCCESS 3
#define REQ_FEATURES 5

/* criu_opts: fds of criu's own, and where a field is a message of its own */
#define OPTS_IMAGES_DIR 1
#define OPTS_WORK_DIR 17
#define OPTS_PAGE_SERVER 11
#define OPTS_CGROUP_ROOT 25
#define OPTS_INHERIT_FD 27
#define OPTS_EXTERNAL 37
#define OPTS_JOIN_NS 39

/* Every message of two fields has them in this order. */
#define FIRST 1
#define SECOND 2

enum kind {
	FLAG,   /* bool; false is left out */
	NUMBER, /* int, pid_t, uint32_t; 0 is left out */
	ALWAYS, /* the same, and 0 means something */
	TEXT,   /* const char *; NULL is left out */
};

#define OPTION(number, kind, member)                                \
	{                                                           \
		number, kind, offsetof(struct criu_options, member) \
	}

/* One row per option that is a plain value. */
static const struct option {
	unsigned int number;
	enum kind kind;
	size_t offset;
} options[] = {
	OPTION(2, NUMBER, pid),
	OPTION(3, FLAG, leave_running),
	OPTION(4, FLAG, ext_unix_sk),
	OPTION(5, FLAG, tcp_established),
	OPTION(6, FLAG, evasive_devices),
	OPTION(7, FLAG, shell_job),
	OPTION(8, FLAG, file_locks),
	OPTION(9, NUMBER, log_level),
	OPTION(10, TEXT, log_file),
	OPTION(12, FLAG, notify_scripts),
	OPTION(13, TEXT, root),
	OPTION(14, TEXT, parent_img),
	OPTION(15, FLAG, track_mem),
	OPTION(16, FLAG, auto_dedup),
	OPTION(18, FLAG, link_remap),
	OPTION(26, FLAG, rst_sibling),
	OPTION(30, FLAG, ext_masters),
	OPTION(34, ALWAYS, cgroups),
	OPTION(38, NUMBER, empty_ns),
	OPTION(44, TEXT, freeze_cgroup),
	OPTION(46, FLAG, tcp_skip_in_flight),
	OPTION(48, FLAG, lazy_pages),
	OPTION(50, FLAG, orphan_pts_master),
	OPTION(51, TEXT, config_file),
	OPTION(53, TEXT, lsm_profile),
	OPTION(63, TEXT, lsm_mount_context),
	OPTION(66, FLAG, skip_file_rwx_check),
};

static void put_option(struct str *m, const struct option *row, const struct criu_options *o)
{
	const void *at = (const char *)o + row->offset;
	const char *text;
	int number;

	switch (row->kind) {
	case FLAG:
		if (*(const bool *)at)
			message_put_number(m, row->number, 1);
		break;
	case NUMBER:
		memcpy(&number, at, sizeof(number));
		if (number)
			message_put_number(m, row->number, (uint32_t)number);
		break;
	case ALWAYS:
		memcpy(&number, at, sizeof(number));
		message_put_number(m, row->number, number);
		break;
	case TEXT:
		text = *(const char *const *)at;
		if (text)
			message_put_text(m, row->number, text);
		break;
	}
}

static void put_pairs(struct str *m, unsigned int field, const struct criu_pair *pairs,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEAN(str) struct str pair = { 0 };

		message_put_text(&pair, FIRST, pairs[i].first);
		message_put_text(&pair, SECOND, pairs[i].second);
		message_put_message(m, field, &pair);
	}
}

static void put_page_server(struct str *m, const struct criu_options *o)
{
	CLEAN(str) struct str server = { 0 };

	if (!o->page_server)
		return;
	message_put_text(&server, FIRST, o->page_server);
	message_put_number(&server, SECOND, o->page_server_port);
	message_put_message(m, OPTS_PAGE_SERVER, &server);
}

static void put_options(struct str *m, const struct criu_options *o)
{
	if (o->images_path)
		message_put_number(m, OPTS_IMAGES_DIR, CRIU_IMAGES_FD);
	if (o->work_path)
		message_put_number(m, OPTS_WORK_DIR, CRIU_WORK_FD);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		put_option(m, &options[i], o);
	put_page_server(m, o);
	put_pairs(m, OPTS_CGROUP_ROOT, o->cgroup_roots, o->cgroup_root_count);
	put_pairs(m, OPTS_JOIN_NS, o->join_ns, o->join_ns_count);
	for (size_t i = 0; i < o->external.count; i++)
		message_put_text(m, OPTS_EXTERNAL, o->external.items[i]);
	for (size_t i = 0; i < o->inherit_count; i++) {
		CLEAN(str) struct str inherit = { 0 };

		message_put_text(&inherit, FIRST, o->inherit[i].key);
		message_put_number(&inherit, SECOND, CRIU_INHERIT_FIRST + (int)i);
		message_put_message(m, OPTS_INHERIT_FD, &inherit);
	}
}

/* What we want to hear about. */
static void put_features(struct str *m)
{
	CLEAN(str) struct str wanted = { 0 };

	message_put_number(&wanted, FIRST, 1);
	message_put_number(&wanted, SECOND, 1);
	message_put_message(m, REQ_FEATURES, &wanted);
}

void criu_request_put(enum criu_job job, const struct criu_options *o, struct str *ret)
{
	CLEAN(str) struct str inner = { 0 };

	message_put_number(ret, REQ_TYPE, job);
	if (o) {
		put_options(&inner, o);
		message_put_message(ret, REQ_OPTS, &inner);
	}
	if (job == CRIU_FEATURES)
		put_features(ret);
}

void criu_notified_put(struct str *ret)
{
	message_put_number(ret, REQ_TYPE, CRIU_NOTIFY);
	message_put_number(ret, REQ_NOTIFY_SUCCESS, 1);
}

/* ---- replies ------------------------------------------------------------------------- */

static void copy_text(char *to, size_t room, const struct message_field *f)
{
	size_t len = f->len < room ? f->len : room - 1;

	if (f->bytes)
		memcpy(to, f->bytes, len);
	to[f->bytes ? len : 0] = '\0';
}

static void take_notify(const struct message_field *f, struct criu_reply *r)
{
	if (f->number == FIRST)
		copy_text(r->step, sizeof(r->step), f);
	else if (f->number == SECOND)
		r->pid = (pid_t)f->value;
}

static void take_features(const struct message_field *f, struct criu_reply *r)
{
	if (f->number == FIRST)
		r->answer.mem_track = f->value;
	else if (f->number == SECOND)
		r->answer.lazy_pages = f->value;
}

/* major, minor and (field 4) sublevel: 3.17.1 is 31701, as criu itself counts. */
static void take_version(const struct message_field *f, struct criu_reply *r)
{
	static const int weight[] = { 0, 10000, 100, 0, 1 };

	if (f->number < ARRAY_LEN(weight) && !f->bytes && f->value < 10000)
		r->answer.version += weight[f->number] * (int)f->value;
}

static void take_restore(const struct message_field *f, struct criu_reply *r)
{
	if (f->number == FIRST)
		r->pid = (pid_t)f->value;
}

/* criu_resp: the fields that are messages. */
static const struct {
	unsigned int number;
	void (*take)(const struct message_field *f, struct criu_reply *r);
} parts[] = {
	{ 4, take_restore },
	{ 5, take_notify },
	{ 8, take_features },
	{ 10, take_version },
};

static int take_part(const struct message_field *f, struct criu_reply *r)
{
	const unsigned char *at = f->bytes, *end = at + f->len;
	struct message_field inner;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].number == f->number)
			while ((rc = message_next(&at, end, &inner)) > 0)
				parts[i].take(&inner, r);
	return rc;
}

int criu_reply_read(const void *bytes, size_t len, struct criu_reply *ret)
{
	const unsigned char *at = bytes, *end = at + len;
	struct message_field f;
	int rc;

	*ret = (struct criu_reply){ 0 };
	while ((rc = message_next(&at, end, &f)) > 0) {
		if (f.bytes && f.number != 9)
			rc = take_part(&f, ret);
		else if (f.number == 1)
			ret->job = (enum criu_job)f.value;
		else if (f.number == 2)
			ret->success = f.value;
		else if (f.number == 7)
			ret->error = (int)f.value;
		else if (f.number == 9)
			copy_text(ret->message, sizeof(ret->message), &f);
		if (rc < 0)
			return rc;
	}
	return rc;
}
