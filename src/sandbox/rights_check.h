/* Inside the room: the parts of rights_check(), each beside the code that does what it checks. */
#ifndef CTR_SANDBOX_RIGHTS_CHECK_H
#define CTR_SANDBOX_RIGHTS_CHECK_H

#include "base/err.h"
#include "spec/spec.h"

int rights_check_scheduler(const struct spec_scheduler *s, struct err *err) MUST_CHECK;
int rights_check_io_priority(const struct spec_process *p, struct err *err) MUST_CHECK;
int rights_check_cpus(const struct spec_process *p, struct err *err) MUST_CHECK;
int rights_check_memory_policy(const struct spec_linux *lin, struct err *err) MUST_CHECK;
int rights_check_labels(const struct spec_process *p, struct err *err) MUST_CHECK;

#endif
