/* Hooks: programs that a bundle asks to be run at points of a container's life. */
#ifndef CTR_RUNTIME_HOOKS_H
#define CTR_RUNTIME_HOOKS_H

#include "base/err.h"
#include "runtime/state.h"
#include "spec/spec.h"

/*
 * Run the hooks of one point in order, in the caller's namespaces, each with the standard's state
 * document (with this status and pid) on its stdin, an environment of its own only, and its time
 * limit. Stops at the first that fails: the error names it ("hooks.createRuntime[1]") and what it
 * wrote to stderr.
 */
int hooks_run(const struct spec *spec, enum spec_hook_point point, const struct state *s,
	      enum status status, struct err *err) MUST_CHECK;

/* The same, but each one is run whatever the others did; a failure is appended to `warnings`. */
void hooks_run_all(const struct spec *spec, enum spec_hook_point point, const struct state *s,
		   enum status status, struct strv *warnings);

#endif
