/* Whom the kernel killed for want of memory, and for whose limit. */
#ifndef CTR_RUNTIME_OOM_H
#define CTR_RUNTIME_OOM_H

#include "runtime/container.h"

/*
 * Does the group's memory.events count more kills than state.oom has? Then it is brought up to date: the last
 * victim is what the kernel's log says of it (/dev/kmsg, for root only), the rest is left unknown. True: there
 * is something new. Changes nothing on disk.
 */
bool oom_look(struct container *c);

/* How many there were, in its group, open or -1, and in its guest where it has one. */
uint64_t oom_kills(const struct container *c, int group);

/* Tell of what oom_look() found. */
void oom_note(const struct container *c);

struct json_object *oom_to_json(const struct state_oom *oom) MUST_CHECK;

/*
 * What a record of /dev/kmsg says about a victim in the group `cgroup` or one below it: true, and *ret filled
 * but for `kills` and the limit. Only what the kernel itself said counts: others can write into the log too.
 * A name may hold anything; a record that could mean two things means none, and then *ret is emptied: what an
 * earlier one said isn't true of the last victim. since_us: of the log's own clock, earlier records are another
 * container's of that name. The text is changed.
 */
bool oom_parse(char *record, const char *cgroup, uint64_t since_us, struct state_oom *ret);

#endif
