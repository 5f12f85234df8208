/* What the host asks of the container: numbers that it can't see. */
#ifndef CTR_GUEST_ANSWER_H
#define CTR_GUEST_ANSWER_H

#include "runtime/container.h"
#include "wire/frame.h"

/* Put the answer to an enum wire_question behind what waits to be sent. -errno with words: nothing was put. */
int answer_put(uint32_t question, struct container *c, struct wire *w, struct err *err) MUST_CHECK;

#endif
