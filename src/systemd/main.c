/*
 * ctr-systemd: all that needs sd-bus. It is started with a socket as its standard input, on which lies
 * one request in JSON (systemd/ask.h); it asks systemd for that, waits until it is so, answers, and
 * ends (but for the journal's job: systemd/journal.h). It needs no right but the uid that it runs as,
 * which is what systemd looks at.
 */
#include "base/clock.h"
#include "base/fd.h"
#include "systemd/journal.h"
#include "systemd/main_bus.h"
#include "systemd/main_journal.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* One request, read. */
struct request {
	char *job, *unit, *below, *mark;
	uint64_t pid;
	struct json_at buses, props;
	enum unit_owner whose; /* the unit is, once somebody looked */
};

/* A job of systemd's that we wait for. */
struct job {
	char path[256];
	char result[32]; /* "" until it is removed */
};

/* ---- waiting ----------------------------------------------------------------------- */

static int on_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const char *path, *unit, *result;
	struct job *job = arg;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 &&
	    str_eq(path, job->path))
		snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

/*
 * Before the job is asked for, so that its end can't be missed. What comes in meanwhile stays queued until
 * we process it, and by then we know the job's path.
 */
static int listen_for(struct manager *m, struct job *job)
{
	int rc = sd_bus_match_signal(m->bus, NULL, NULL, MANAGER_PATH, MANAGER_INTERFACE,
				     "JobRemoved", on_removed, job);

	/* systemd speaks on a bus only when somebody said that they listen. */
	if (rc >= 0 && !m->direct)
		rc = sd_bus_call_method(m->bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
					"Subscribe", NULL, NULL, NULL);
	return rc;
}

static int wait_for(struct manager *m, const struct job *job)
{
	uint64_t end = clock_now_ns() + SYSTEMD_JOB_MS * UINT64_C(1000000);

	while (!*job->result) {
		uint64_t now = clock_now_ns();
		int rc = sd_bus_process(m->bus, NULL);

		if (rc == 0 && now >= end)
			return -ETIMEDOUT;
		if (rc == 0)
			rc = sd_bus_wait(m->bus, (end - now) / 1000);
		if (rc < 0 && rc != -EINTR)
			return rc;
	}
	return 0;
}

/* ---- calls ------------------------------------------------------------------------- */

static int fail(const char *what, const struct request *r, int rc, const sd_bus_error *error,
		struct err *err)
{
	int code = sd_bus_error_has_name(error, MANAGER ".UnitExists") ? EEXIST : -rc;

	return err_set(err, code, "have systemd %s the unit %s: %s", what, r->unit,
		       error->message ? error->message : strerror(-rc));
}

/* A call that takes a unit's name, and perhaps a mode. */
static int call_unit(struct manager *m, const char *method, const char *unit, const char *mode,
		     sd_bus_message **ret, sd_bus_error *error)
{
	sd_bus_message *call = NULL;
	int rc = manager_new_call(m, method, &call);

	if (rc >= 0)
		rc = sd_bus_message_append_basic(call, 's', unit);
	if (rc >= 0 && mode)
		rc = sd_bus_message_append_basic(call, 's', mode);
	if (rc >= 0)
		rc = manager_call(m, call, ret, error);
	sd_bus_message_unref(call);
	return rc;
}

static void forget(struct manager *m, const char *unit)
{
	sd_bus_error ignored = SD_BUS_ERROR_NULL;

	(void)call_unit(m, "ResetFailedUnit", unit, NULL, NULL, &ignored);
	sd_bus_error_free(&ignored);
}

/* The job that a reply names, waited for; -ECANCELED with its result in words if it wasn't done. */
static int finish(struct manager *m, const char *what, const struct request *r, struct job *job,
		  sd_bus_message *reply, struct err *err)
{
	const char *path;
	int rc = sd_bus_message_read(reply, "o", &path);

	if (rc >= 0)
		snprintf(job->path, sizeof(job->path), "%s", path);
	if (rc >= 0)
		rc = wait_for(m, job);
	if (rc == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT,
			       "have systemd %s the unit %s: its job isn't done after %d s", what,
			       r->unit, SYSTEMD_JOB_MS / 1000);
	if (rc < 0)
		return err_set(err, -rc, "have systemd %s the unit %s: wait for it: %s", what,
			       r->unit, strerror(-rc));
	return str_eq(job->result, "done") ?
		       0 :
		       err_set(err, ECANCELED,
			       "have systemd %s the unit %s: the job ended as \"%s\"; see "
			       "journalctl --unit=%s",
			       what, r->unit, job->result, r->unit);
}

/* ---- the jobs ---------------------------------------------------------------------- */

static int start_once(struct manager *m, const struct request *r, struct job *job, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL, *reply = NULL;
	int rc = manager_new_call(m, "StartTransientUnit", &call);

	if (rc >= 0)
		rc = sd_bus_message_append(call, "ss", r->unit, "fail");
	if (rc < 0)
		fail("start", r, rc, &error, err);
	if (rc >= 0)
		rc = message_add_props(call, &r->props, err);
	if (rc >= 0) {
		rc = sd_bus_message_append(call, "a(sa(sv))", 0);
		if (rc >= 0)
			rc = manager_call(m, call, &reply, &error);
		rc = rc < 0 ? fail("start", r, rc, &error, err) :
			      finish(m, "start", r, job, reply, err);
	}
	sd_bus_message_unref(call);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return rc;
}

static int start(struct manager *m, struct request *r, struct err *err)
{
	sd_bus_error ignored = SD_BUS_ERROR_NULL;
	struct job job = { 0 };
	int rc = listen_for(m, &job);

	if (rc < 0)
		return fail("start", r, rc, &ignored, err);
	rc = start_once(m, r, &job, err);
	if (rc == -EEXIST) {
		/* One that has failed is only remembered. */
		forget(m, r->unit);
		rc = start_once(m, r, &job, err);
	}
	sd_bus_error_free(&ignored);
	return rc;
}

/*
 * systemd takes the values and writes them in its loop's next turn, before it looks at its buses again:
 * so after one more answer they are written.
 */
static int set(struct manager *m, struct request *r, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL, ignored = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL;
	int rc = manager_new_call(m, "SetUnitProperties", &call);

	/* true: until its end, not for all that will be called so. */
	if (rc >= 0)
		rc = sd_bus_message_append(call, "sb", r->unit, 1);
	if (rc < 0)
		fail("change", r, rc, &error, err);
	if (rc >= 0)
		rc = message_add_props(call, &r->props, err);
	if (rc >= 0) {
		rc = manager_call(m, call, NULL, &error);
		rc = rc < 0 ? fail("change", r, rc, &error, err) : 0;
	}
	if (rc >= 0)
		(void)call_unit(m, "GetUnit", r->unit, NULL, NULL, &ignored);
	sd_bus_message_unref(call);
	sd_bus_error_free(&error);
	sd_bus_error_free(&ignored);
	return rc;
}

/* Sets r->whose. */
static int look(struct manager *m, struct request *r, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int rc = manager_whose(m, r->unit, r->mark, &r->whose, &error);

	rc = rc < 0 ? fail("look at", r, rc, &error, err) : 0;
	sd_bus_error_free(&error);
	return rc;
}

static int stop(struct manager *m, struct request *r, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	struct job job = { 0 };
	int rc = look(m, r, err);

	if (rc < 0 || r->whose != UNIT_OURS)
		return rc;
	rc = listen_for(m, &job);
	if (rc >= 0)
		rc = call_unit(m, "StopUnit", r->unit, "replace", &reply, &error);
	if (sd_bus_error_has_name(&error, MANAGER ".NoSuchUnit"))
		rc = 0;
	else
		rc = rc < 0 ? fail("stop", r, rc, &error, err) :
			      finish(m, "stop", r, &job, reply, err);
	if (rc == 0)
		forget(m, r->unit);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	return rc;
}

static int attach(struct manager *m, struct request *r, struct err *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *call = NULL;
	int rc = manager_new_call(m, "AttachProcessesToUnit", &call);

	if (rc >= 0)
		rc = sd_bus_message_append(call, "ssau", r->unit, r->below ? r->below : "", 1,
					   (uint32_t)r->pid);
	if (rc >= 0)
		rc = manager_call(m, call, NULL, &error);
	if (rc < 0)
		rc = fail("put a process into", r, rc, &error, err);
	sd_bus_message_unref(call);
	sd_bus_error_free(&error);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct manager *m, struct request *r, struct err *err);
} jobs[] = { { "root", NULL }, { "start", start }, { "set", set },
	     { "stop", stop }, { "other", look },  { "attach", attach } };

static int serve(struct request *r, struct systemd_answer *answer, struct err *err)
{
	CLEAN(manager) struct manager m = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(jobs) && !str_eq(jobs[i].name, r->job); i++)
		;
	if (i == ARRAY_LEN(jobs) || (jobs[i].run && !r->unit))
		return err_set(err, EPROTO, "no such job: %s", r->job);
	rc = manager_open(&r->buses, &m, err);
	if (rc < 0)
		return rc;
	memcpy(answer->root, m.root, sizeof(answer->root));
	rc = jobs[i].run ? jobs[i].run(&m, r, err) : 0;
	answer->other = r->whose == UNIT_OTHERS;
	return rc;
}

/* ---- the request ------------------------------------------------------------------- */

static bool read_request(const struct json_at *root, struct request *r, struct err *err)
{
	struct json_at version = json_get(root, "version"), job = json_get(root, "job"),
		       unit = json_get(root, "unit"), below = json_get(root, "below"),
		       mark = json_get(root, "mark"), pid = json_get(root, "pid");
	uint64_t number = 0;

	r->buses = json_get(root, "buses");
	r->props = json_get(root, "properties");
	return json_read_u64(&version, SYSTEMD_VERSION, SYSTEMD_VERSION, &number, err) > 0 &&
	       json_read_string(&job, &r->job, err) > 0 &&
	       json_read_string(&unit, &r->unit, err) >= 0 &&
	       json_read_string(&below, &r->below, err) >= 0 &&
	       json_read_string(&mark, &r->mark, err) >= 0 &&
	       json_read_u64(&pid, 1, INT32_MAX, &r->pid, err) >= 0 &&
	       json_want_array(&r->buses, err) >= 0 && json_want_array(&r->props, err) >= 0;
}

/* The one job that is not systemd's own to do, and stays. */
static bool is_journal(const struct json_at *root)
{
	struct json_at version = json_get(root, "version"), job = json_get(root, "job");
	CLEAN(free) char *name = NULL;
	uint64_t number = 0;
	struct err ignored;

	return json_read_u64(&version, SYSTEMD_VERSION, SYSTEMD_VERSION, &number, &ignored) > 0 &&
	       json_read_string(&job, &name, &ignored) > 0 && str_eq(name, JOURNAL_JOB);
}

/* The uid is enough: a process of ours that is talked into something has no more than that. */
static void give_up_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)!syscall(SYS_capset, &head, none);
}

int main(void)
{
	struct systemd_answer answer = { .magic = SYSTEMD_MAGIC, .version = SYSTEMD_VERSION };
	static char text[SYSTEMD_REQUEST_MAX + 1];
	CLEAN(json) struct json_object *o = NULL;
	struct request r = { 0 };
	struct json_at root;
	size_t count = 0;
	ssize_t len;

	/* Executed by an fd, we would be called by its number. */
	prctl(PR_SET_NAME, SYSTEMD_HELPER);
	give_up_rights();
	len = fd_recv(0, text, sizeof(text), NULL, &count);
	if (len > 0 && json_parse(text, (size_t)len, "request", &o, &answer.err) == 0)
		root = (struct json_at){ .value = o };
	if (o && is_journal(&root))
		return journal_serve(&root);
	if (!o || !read_request(&root, &r, &answer.err)) {
		fprintf(stderr, SYSTEMD_HELPER " is a part of ctr and not for use by hand, or of "
					       "another version than the ctr that started it\n");
		return 2;
	}
	/* What went wrong on a way that led there in the end is nobody's business. */
	if (serve(&r, &answer, &answer.err) >= 0)
		answer.err = (struct err){ 0 };
	free(r.job);
	free(r.unit);
	free(r.below);
	free(r.mark);
	return fd_send(0, &answer, sizeof(answer), NULL, 0) < 0 ? 1 : 0;
}
