/* --log-driver and --log-opt: how what a container writes is kept, and where. */
#ifndef CTR_CTR_LOG_PLACE_H
#define CTR_CTR_LOG_PLACE_H

#include "ctr/run_make.h"

/*
 * After run_make(): set m->log; its name and id are those of the container, its path is m->log_path. Where no path is
 * given the file is named after the id and lies in /var/lib/ctr/logs (without root in
 * $XDG_DATA_HOME/ctr/logs); under another state root than the usual one it lies in the container's own
 * folder there. Makes nothing.
 */
int run_log(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;

#endif
