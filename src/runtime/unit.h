/* A container whose cgroup is systemd's to make: what changes and ends it goes by its unit. */
#ifndef CTR_RUNTIME_UNIT_H
#define CTR_RUNTIME_UNIT_H

#include "cgroups/leaf.h"
#include "runtime/state.h"

/*
 * Tell systemd of limits that were just written, so that they stay: a container without a unit, and
 * limits that it has no property for, are success.
 */
int unit_update(const struct state *s, const struct cgroup_settings *settings,
		struct err *err) MUST_CHECK;

/*
 * Have its unit stopped and forgotten, once its processes are gone. None, one that ended alone, and a
 * host whose systemd is gone too are success. 1: the unit of that name is another's (unit_is_others()).
 */
int unit_remove(const struct state *s, struct err *err) MUST_CHECK;

/*
 * 1: there is a unit of that name, and it isn't this container's: that was never made, or has ended and
 * another was called so. Then the group is another's, too. Not asked of a container whose init lives.
 */
int unit_is_others(const struct state *s, struct err *err) MUST_CHECK;

#endif
