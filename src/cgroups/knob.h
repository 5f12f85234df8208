/* One row per limit that linux.resources can name: inside of this room only. */
#ifndef CTR_CGROUPS_KNOB_H
#define CTR_CGROUPS_KNOB_H

#include "cgroups/leaf.h"

/* What a row works on. */
struct knob_job {
	const struct spec_resources *res;
	struct cgroup_settings *ret;
	struct strv *warnings;
	struct err *err;
};

struct knob {
	const char *key;        /* below linux.resources */
	const char *controller; /* NULL: the row makes no setting */
	const char *file;
	int (*make)(struct knob_job *job, const struct knob *knob);
	size_t at;         /* of the value in struct spec_resources, for the simple rows */
	uint64_t min, max; /* of a number; of zero, see unset */
	bool zero_unset;   /* 0 means that nothing was asked for */
	const char *words; /* io.max: the word; refused and ignored rows: why */
};

extern const struct knob cgroup_knobs[];
extern const size_t cgroup_knob_count;

/* Append a setting; the value is taken over. */
struct cgroup_setting *knob_add(struct knob_job *job, const struct knob *knob, char *value);

/* err_set with "linux.resources.KEY: " in front. */
int knob_fail(struct knob_job *job, const struct knob *knob, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The rows that need more than a number: knobs_cpu.c and knobs_io.c. */
int knob_make_swap(struct knob_job *job, const struct knob *knob);
int knob_make_weight(struct knob_job *job, const struct knob *knob);
int knob_make_quota(struct knob_job *job, const struct knob *knob);
int knob_make_burst(struct knob_job *job, const struct knob *knob);
int knob_make_idle(struct knob_job *job, const struct knob *knob);
int knob_make_io_weight(struct knob_job *job, const struct knob *knob);
int knob_make_io_weight_devices(struct knob_job *job, const struct knob *knob);
int knob_make_throttle(struct knob_job *job, const struct knob *knob);
int knob_make_hugepages(struct knob_job *job, const struct knob *knob);
int knob_make_rdma(struct knob_job *job, const struct knob *knob);
int knob_make_unified(struct knob_job *job, const struct knob *knob);

#endif
