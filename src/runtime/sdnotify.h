/*
 * The container's own socket of the notify protocol (sd_notify(3)): what its payload says there of its state,
 * somebody who holds the other end judges and passes on (monitor/sdnotify.h). The host's socket is never
 * seen in a container.
 *
 * It lies in ROOT/NAME/notify/run/, of which the inner folder is mounted read-only at SDNOTIFY_DIR: whoever
 * comes after may bind another one in there. The outer folder is closed to all others of the host.
 */
#ifndef CTR_RUNTIME_SDNOTIFY_H
#define CTR_RUNTIME_SDNOTIFY_H

#include "base/err.h"

#define SDNOTIFY_FOLDER "notify/run" /* below the container's folder */
#define SDNOTIFY_NAME "notify.sock"
#define SDNOTIFY_DIR "/run/notify" /* in the container, where runc has it too */

/* Bind it in the folder `dir` of a container, in the place of one that there was: an fd that never blocks,
 * the caller's. */
int sdnotify_bind(int dir, struct err *err) MUST_CHECK;

#endif
