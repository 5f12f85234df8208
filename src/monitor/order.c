#include "monitor/order.h"

#include "base/fd.h"
#include "base/file.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One row per value. `once`: for one start only. */
enum kind { TEXT, INTEGER, NUMBER, FLAG };

#define ROW(key, kind, member, once)                            \
	{                                                       \
		key, offsetof(struct order, member), kind, once \
	}

static const struct row {
	const char *key;
	size_t offset;
	enum kind kind;
	bool once;
} rows[] = {
	ROW("root", TEXT, root, true),
	ROW("name", TEXT, name, true),
	ROW("id", TEXT, id, false),
	ROW("bundle", TEXT, bundle, false),
	ROW("source", TEXT, source, false),
	ROW("cgroupParent", TEXT, cgroup_parent, false),
	ROW("systemd", TEXT, systemd, false),
	ROW("pidFile", TEXT, pid_file, false),
	ROW("dataRoot", TEXT, data_root, false),
	ROW("restart", TEXT, restart, false),
	ROW("preserveFds", INTEGER, preserve_fds, false),
	ROW("listenFds", INTEGER, listen_fds, false),
	ROW("listenNames", TEXT, listen_names, false),
	ROW("autoRemove", FLAG, auto_remove, false),
	ROW("noNewKeyring", FLAG, no_new_keyring, false),
	ROW("noPivot", FLAG, no_pivot, false),
	ROW("noCgroup", FLAG, no_cgroup, false),
	ROW("interactive", FLAG, interactive, false),
	ROW("logDriver", TEXT, log.driver, false),
	ROW("logPath", TEXT, log.path, false),
	ROW("logTag", TEXT, log.tag, false),
	ROW("logMaxSize", NUMBER, log.max_size_bytes, false),
	ROW("logMaxFiles", INTEGER, log.max_files, false),
	ROW("logDrop", FLAG, log.drop, false),
	ROW("healthCommand", TEXT, health.command, false),
	ROW("healthIntervalMs", NUMBER, health.interval_ms, false),
	ROW("healthTimeoutMs", NUMBER, health.timeout_ms, false),
	ROW("healthStartPeriodMs", NUMBER, health.start_period_ms, false),
	ROW("healthRetries", INTEGER, health.retries, false),
	ROW("healthAction", INTEGER, health.action, false),
	ROW("again", FLAG, again, true),
	ROW("createOnly", FLAG, create_only, true),
	ROW("attached", FLAG, attached, true),
	ROW("sdnotify", TEXT, sdnotify, false),
	ROW("notifyMode", INTEGER, notify.mode, true),
	ROW("notifyAddress", TEXT, notify.address, true),
	ROW("notifyWatchdog", TEXT, notify.watchdog_usec, true),
	ROW("notifyMain", FLAG, notify_main, true),
};

void order_free(struct order *o)
{
	if (o->doc)
		json_object_put(o->doc);
	*o = (struct order){ 0 };
}

static void row_put(struct json_object *doc, const struct row *r, const struct order *o)
{
	const void *at = (const char *)o + r->offset;

	switch (r->kind) {
	case TEXT:
		json_put_string(doc, r->key, *(const char *const *)at);
		break;
	case INTEGER:
		json_put_i64(doc, r->key, *(const int *)at);
		break;
	case NUMBER:
		json_put_u64(doc, r->key, *(const uint64_t *)at);
		break;
	case FLAG:
		json_put_bool(doc, r->key, *(const bool *)at);
		break;
	}
}

static struct json_object *to_json(const struct order *o, bool all)
{
	struct json_object *doc = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (all || !rows[i].once)
			row_put(doc, &rows[i], o);
	return doc;
}

static int row_read(const struct json_at *doc, const struct row *r, struct order *o,
		    struct err *err)
{
	struct json_at at = json_get(doc, r->key);
	void *to = (char *)o + r->offset;
	int64_t integer = 0;
	int rc;

	switch (r->kind) {
	case TEXT:
		if (at.value && !json_object_is_type(at.value, json_type_string))
			return json_fail(&at, err, EINVAL, "not a string");
		*(const char **)to = at.value ? json_object_get_string(at.value) : NULL;
		return 0;
	case INTEGER:
		rc = json_read_i64(&at, 0, INT_MAX, &integer, err);
		*(int *)to = (int)integer;
		return rc;
	case NUMBER:
		return json_read_u64(&at, 0, UINT64_MAX, to, err);
	case FLAG:
		return json_read_bool(&at, to, err);
	}
	return 0;
}

/* Takes over the document. */
static int from_json(struct json_object *doc, struct order *ret, struct err *err)
{
	const struct json_at root = { .value = doc };
	int rc = 0;

	*ret = (struct order){ .doc = doc };
	for (size_t i = 0; i < ARRAY_LEN(rows) && rc >= 0; i++)
		rc = row_read(&root, &rows[i], ret, err);
	ret->log.id = ret->id;
	ret->log.name = ret->name;
	if (rc < 0)
		order_free(ret);
	return rc < 0 ? err_wrap(err, "the monitor's order: ") : 0;
}

/* ---- in memory ------------------------------------------------------------------------ */

int order_pack(const struct order *o, const struct spec *spec, struct err *err)
{
	CLEAN(json) struct json_object *doc = to_json(o, true);
	CLEAN(fd) int fd = memfd_create("order", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *text;
	size_t len;
	int rc;

	if (fd < 0)
		return err_sys(err, "make the monitor's order");
	if (spec)
		json_object_object_add(doc, "spec", spec_to_json(spec));
	text = json_object_to_json_string_length(doc, JSON_C_TO_STRING_PLAIN, &len);
	rc = fd_write_all(fd, text, len);
	if (rc < 0)
		return err_set(err, -rc, "write the monitor's order: %s", strerror(-rc));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return err_sys(err, "seal the monitor's order");
	return take_fd(&fd);
}

int order_unpack(int fd, struct order *ret, struct spec *ret_spec, struct err *err)
{
	struct json_object *doc = NULL;
	CLEAN(free) char *text = NULL;
	struct json_at root, at;
	size_t len;
	int rc = lseek(fd, 0, SEEK_SET) < 0 ? err_sys(err, "read the monitor's order") : 0;

	if (rc == 0)
		rc = file_read_fd(fd, "the monitor's order", JSON_SIZE_MAX * 2, &text, &len, err);
	if (rc == 0)
		rc = json_parse_own(text, len, "the monitor's order", &doc, err);
	if (rc == 0)
		rc = from_json(doc, ret, err);
	if (rc < 0)
		return rc;
	root = (struct json_at){ .value = ret->doc };
	at = json_get(&root, "spec");
	if (at.value && ret_spec)
		rc = spec_from_json(at.value, "config.json", ret_spec, NULL, err);
	/* It is large, and nobody asks for it again. */
	json_object_object_del(ret->doc, "spec");
	if (rc < 0)
		order_free(ret);
	return rc;
}

/* ---- on disk -------------------------------------------------------------------------- */

int order_save(int dir, const struct order *o, struct err *err)
{
	CLEAN(json) struct json_object *doc = to_json(o, false);
	size_t len;
	const char *text = json_object_to_json_string_length(doc, JSON_C_TO_STRING_PLAIN, &len);

	return file_write_atomic(dir, STATE_ORDER_FILE, 0600, text, len, err);
}

int order_load(int dir, struct order *ret, struct err *err)
{
	struct json_object *doc = NULL;
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(dir, STATE_ORDER_FILE, JSON_SIZE_MAX, &text, &len, err);

	if (rc == 0)
		rc = json_parse_own(text, len, STATE_ORDER_FILE, &doc, err);
	return rc < 0 ? rc : from_json(doc, ret, err);
}

struct create_options order_options(const struct order *o)
{
	struct create_options opt = CREATE_OPTIONS_INIT;

	opt.name = o->name;
	opt.id = o->id;
	opt.bundle = o->bundle;
	opt.source = o->source;
	opt.cgroup_parent = o->cgroup_parent;
	opt.systemd = o->systemd;
	opt.pid_file = o->pid_file;
	opt.preserve_fds = (unsigned int)o->preserve_fds;
	opt.listen_fds = (unsigned int)o->listen_fds;
	opt.listen_names = o->listen_names;
	opt.notify_socket = o->notify.address && o->notify.mode == SDNOTIFY_CONTAINER;
	opt.watchdog_usec = o->notify.watchdog_usec;
	opt.auto_remove = o->auto_remove;
	opt.no_new_keyring = o->no_new_keyring;
	opt.no_pivot = o->no_pivot;
	opt.no_cgroup = o->no_cgroup;
	opt.again = o->again;
	opt.restart_policy = o->restart;
	return opt;
}
