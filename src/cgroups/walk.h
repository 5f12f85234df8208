/* The groups below a group: inside of this room only. */
#ifndef CTR_CGROUPS_WALK_H
#define CTR_CGROUPS_WALK_H

#include "base/err.h"

/*
 * Call visit for the group behind fd and every one below it, from the top. A group that vanishes
 * meanwhile is passed over. -ELOOP: nested deeper than we hold fds for; else the first failure of
 * visit.
 */
int cgroup_walk(int fd, int (*visit)(int group, void *arg), void *arg) MUST_CHECK;

/*
 * Remove all groups below the one behind fd, however deep: the container that made them may have
 * meant harm. They have to be empty of processes: -EBUSY else.
 */
int cgroup_remove_below(int fd) MUST_CHECK;

#endif
