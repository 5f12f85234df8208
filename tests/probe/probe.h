/* The payload of tests: one static program, a verb for each thing that busybox can't do or say. */
#ifndef CTR_TESTS_PROBE_H
#define CTR_TESTS_PROBE_H

struct verb {
	const char *name, *usage;
	int (*run)(int argc, char **argv); /* argv[0] is the verb; the exit status */
};

extern const struct verb call_verbs[], show_verbs[], act_verbs[];

#endif
