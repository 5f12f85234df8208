/* The small init (src/init), carried as bytes. */
#ifndef CTR_RUNTIME_SMALL_INIT_H
#define CTR_RUNTIME_SMALL_INIT_H

#include "base/err.h"

/* LISTEN_PID for its child, whose pid only itself will know: it writes it over this (init/init.c). */
#define INIT_LISTEN_PID "0000000000"

/* Its executable in a sealed memfd: an fd, the caller's. Nobody in the container can change it. */
int small_init_open(struct err *err) MUST_CHECK;

#endif
