/*
 * What happens to containers, told to whoever listens, without a daemon: a file in the state root to which
 * each verb of this room appends one line of JSON when it has done its work.
 *
 *   ROOT/.events    {"timeNano": N, "event": "die", "id": ID, "name": NAME, "image": SOURCE, "details": {}}
 *   ROOT/.events.1  what was in it before it grew too long
 *
 * A line is one write with O_APPEND: lines of programs side by side don't mix, nobody waits for anybody,
 * and a reader (inotify) sees whole ones. A verb never fails because of it: a full disk loses the line.
 */
#ifndef CTR_RUNTIME_EVENTS_H
#define CTR_RUNTIME_EVENTS_H

#include "runtime/state.h"

#include <stdint.h>

#define EVENTS_FILE ".events"
#define EVENTS_OLD ".events.1"
#define EVENTS_MAX_BYTES (1u << 20)

enum event {
	EVENT_CREATE,
	EVENT_START,
	EVENT_PAUSE,
	EVENT_UNPAUSE,
	EVENT_UPDATE,
	EVENT_RENAME,
	EVENT_EXEC,
	EVENT_EXEC_DIED,
	EVENT_KILL,
	EVENT_OOM,
	EVENT_DIE,
	EVENT_STOP,
	EVENT_CHECKPOINT,
	EVENT_RESTORE,
	EVENT_REMOVE,
	EVENT_HEALTH,
	EVENTS,
};

/* Their names are docker's and podman's. */
const char *event_name(enum event e);

/* The one of that name, or of one that docker or podman have for it; EVENTS: none. */
enum event event_of(const char *name);

/* Tell of it. `details` is taken over, NULL: none. Three system calls. Keeps errno. */
struct json_object;
void event_note(int root, const struct state *s, enum event what, struct json_object *details);

/* One detail. */
struct json_object *event_number(const char *key, int64_t value) MUST_CHECK;
struct json_object *event_text(const char *key, const char *value) MUST_CHECK;

#endif
