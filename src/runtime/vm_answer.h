/*
 * What a guest's init says of the container in it, as bytes: the same table of numbers puts them there and takes them
 * here, each in its range. Then the host need not know more of them than that they are numbers.
 */
#ifndef CTR_RUNTIME_VM_ANSWER_H
#define CTR_RUNTIME_VM_ANSWER_H

#include "base/str.h"
#include "runtime/processes.h"
#include "runtime/usage.h"

#define ANSWER_PROCS_MAX 4096
#define ANSWER_ARGS_MAX 4096 /* bytes of a process' command line */

/* Append; of processes as many as the frames of one document hold (WIRE_TEXT_MAX). */
void answer_put_usage(const struct usage *u, struct str *out);
void answer_put_procs(const struct procs *all, struct str *out);

/* -EPROTO, no words: they are none, or out of their range. ret_procs must be all zero, and is the caller's. */
int answer_take_usage(const void *bytes, size_t len, struct usage *ret) MUST_CHECK;
int answer_take_procs(const void *bytes, size_t len, struct procs *ret) MUST_CHECK;

#endif
