/* What a machine does when it is asked to by its control socket, in that's thread. */
#include "base/json.h"
#include "microvm/machine_parts.h"
#include "microvm/snapshot.h"

#include <errno.h>

static void hold(struct machine *m)
{
	cpus_hold(&m->cpus);
	/* Nobody can feed it meanwhile. */
	watchdog_hold(&m->devices.watchdog);
	m->paused = true;
}

static void go_on(struct machine *m)
{
	watchdog_go_on(&m->devices.watchdog);
	cpus_go_on(&m->cpus);
	m->paused = false;
}

void machine_hold(struct machine *m)
{
	pthread_mutex_lock(&m->hold);
	hold(m);
	pthread_mutex_unlock(&m->hold);
}

static int check_runs(const struct machine *m, struct err *err)
{
	return cpus_ended(&m->cpus) ? err_set(err, ESRCH, "the guest is at its end") : 0;
}

static int do_pause(void *arg, struct err *err)
{
	struct machine *m = arg;

	machine_hold(m);
	return check_runs(m, err);
}

static int do_resume(void *arg, struct err *err)
{
	struct machine *m = arg;

	pthread_mutex_lock(&m->hold);
	go_on(m);
	pthread_mutex_unlock(&m->hold);
	return check_runs(m, err);
}

static int do_balloon(void *arg, uint64_t bytes, struct err *err)
{
	struct machine *m = arg;

	if (!m->devices.has_balloon)
		return err_set(err, ENODEV, "the machine has no balloon; --balloon 0 gives it one");
	return virtio_balloon_target(&m->devices.balloon, bytes / BALLOON_PAGE_BYTES, err);
}

static int do_snapshot(void *arg, const char *path, const int files[CONTROL_FILES], struct err *err)
{
	struct machine *m = arg;
	bool was_paused;
	int rc;

	if (path && m->devices.jailed)
		return err_set(
			err, EPERM,
			"the launcher is in a jail, and opens no path: give it two files with "
			"the request");
	pthread_mutex_lock(&m->hold);
	was_paused = m->paused;
	hold(m);
	rc = check_runs(m, err);
	if (rc == 0)
		rc = path ? snapshot_save_at(m, path, err) :
			    snapshot_save(m, files[0], files[1], err);
	if (!was_paused)
		go_on(m);
	pthread_mutex_unlock(&m->hold);
	return rc;
}

static struct json_object *balloon_status(struct virtio_balloon *b)
{
	static const struct {
		unsigned int tag;
		const char *key;
	} stats[] = {
		{ VIRTIO_BALLOON_S_MEMTOT, "total" },
		{ VIRTIO_BALLOON_S_MEMFREE, "free" },
		{ VIRTIO_BALLOON_S_AVAIL, "available" },
	};
	struct json_object *o = json_object_new_object();
	struct balloon_stats now = virtio_balloon_stats(b);
	uint32_t wanted, actual;

	virtio_balloon_size(b, &wanted, &actual);
	json_put_u64(o, "wanted", (uint64_t)wanted * BALLOON_PAGE_BYTES);
	json_put_u64(o, "actual", (uint64_t)actual * BALLOON_PAGE_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(stats); i++)
		if (now.values[stats[i].tag] != UINT64_MAX)
			json_put_u64(o, stats[i].key, now.values[stats[i].tag]);
	return o;
}

static void do_status(void *arg, struct str *out)
{
	struct machine *m = arg;
	CLEAN(json) struct json_object *o = json_object_new_object();

	pthread_mutex_lock(&m->hold);
	json_put_string(o, "state",
			cpus_ended(&m->cpus) ? "ended" :
			m->paused            ? "paused" :
					       "running");
	pthread_mutex_unlock(&m->hold);
	json_put_u64(o, "memory", m->memory.size);
	json_put_u64(o, "cpus", m->cpus.count);
	if (m->devices.has_balloon)
		json_object_object_add(o, "balloon", balloon_status(&m->devices.balloon));
	str_add(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

const struct control_ops machine_control_ops = { .pause = do_pause,
						 .resume = do_resume,
						 .balloon = do_balloon,
						 .snapshot = do_snapshot,
						 .status = do_status };
