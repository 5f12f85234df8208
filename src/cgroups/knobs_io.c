/* Limits that come per device, and the keys written as they are. */
#include "cgroups/knob.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define WEIGHT_MIN 10
#define WEIGHT_MAX 1000

/* The key of one element: "blockIO.weightDevice[2]". */
static void name_element(struct cgroup_setting *s, const struct knob *knob, size_t i)
{
	free(s->key);
	s->key = xasprintf("%s[%zu]", knob->key, i);
}

/* 10..1000 to io.weight's 1..10000, as crun and runc do. BFQ's own file takes the number as it is. */
static uint64_t io_weight(uint64_t weight)
{
	return 1 + (weight - WEIGHT_MIN) * 9999 / (WEIGHT_MAX - WEIGHT_MIN);
}

static int check_weight(struct knob_job *job, const struct knob *knob, uint64_t weight)
{
	if (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX)
		return 0;
	return knob_fail(job, knob, ERANGE, "%" PRIu64 ": has to be %d to %d", weight, WEIGHT_MIN,
			 WEIGHT_MAX);
}

int knob_make_io_weight(struct knob_job *job, const struct knob *knob)
{
	const struct opt_u64 *weight = &job->res->block_io.weight;
	struct cgroup_setting *s;
	int r;

	if (!weight->set || weight->value == 0)
		return 0;
	r = check_weight(job, knob, weight->value);
	if (r < 0)
		return r;
	s = knob_add(job, knob, xasprintf("%" PRIu64, io_weight(weight->value)));
	s->alt_file = xstrdup("io.bfq.weight");
	s->alt_value = xasprintf("%" PRIu64, weight->value);
	return 0;
}

int knob_make_io_weight_devices(struct knob_job *job, const struct knob *knob)
{
	size_t i;

	for (i = 0; i < job->res->block_io.weight_devices.count; i++) {
		const struct spec_weight_device *d = &job->res->block_io.weight_devices.items[i];
		struct cgroup_setting *s;
		int r;

		if (d->leaf_weight.set && d->leaf_weight.value != 0)
			strv_printf(
				job->warnings,
				"linux.resources.%s[%zu].leafWeight: ignored: cgroup v2 has none",
				knob->key, i);
		if (!d->weight.set && !d->leaf_weight.set)
			return knob_fail(job, knob, EINVAL,
					 "[%zu]: names neither weight nor leafWeight", i);
		if (!d->weight.set || d->weight.value == 0)
			continue;
		r = check_weight(job, knob, d->weight.value);
		if (r < 0)
			return r;
		s = knob_add(job, knob,
			     xasprintf("%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor,
				       io_weight(d->weight.value)));
		s->alt_file = xstrdup("io.bfq.weight");
		s->alt_value = xasprintf("%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor,
					 d->weight.value);
		name_element(s, knob, i);
	}
	return 0;
}

int knob_make_throttle(struct knob_job *job, const struct knob *knob)
{
	const spec_throttles *list = (const void *)((const char *)job->res + knob->at);
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct spec_throttle *t = &list->items[i];
		struct cgroup_setting *s;
		char *value;

		/* v1 took 0 for "no limit"; io.max refuses it. */
		if (t->rate == 0)
			value = xasprintf("%" PRId64 ":%" PRId64 " %s=max", t->major, t->minor,
					  knob->words);
		else
			value = xasprintf("%" PRId64 ":%" PRId64 " %s=%" PRIu64, t->major, t->minor,
					  knob->words, t->rate);
		s = knob_add(job, knob, value);
		s->defaulted = t->rate == 0;
		name_element(s, knob, i);
	}
	return 0;
}

/* "2MB", "1GB": the kernel's own spelling in the file's name. */
static bool is_page_size(const char *s)
{
	size_t digits = s ? strspn(s, "0123456789") : 0;

	return digits > 0 && digits <= 6 && s[0] != '0' &&
	       (str_eq(s + digits, "KB") || str_eq(s + digits, "MB") || str_eq(s + digits, "GB"));
}

int knob_make_hugepages(struct knob_job *job, const struct knob *knob)
{
	size_t i;

	for (i = 0; i < job->res->hugepages.count; i++) {
		const struct spec_hugepage *h = &job->res->hugepages.items[i];
		struct cgroup_setting *s;

		if (!is_page_size(h->page_size))
			return knob_fail(job, knob, EINVAL,
					 "[%zu].pageSize \"%s\": write it as \"2MB\" or \"1GB\"", i,
					 h->page_size ? h->page_size : "");
		s = knob_add(job, knob, xasprintf("%" PRIu64, h->limit));
		s->file = xasprintf("hugetlb.%s.max", h->page_size);
		/* Pages that are only reserved count too, or a process dies of SIGBUS at first touch. */
		s->alt_file = xasprintf("hugetlb.%s.rsvd.max", h->page_size);
		s->alt_value = xstrdup(s->value);
		name_element(s, knob, i);
	}
	return 0;
}

int knob_make_rdma(struct knob_job *job, const struct knob *knob)
{
	size_t i;

	for (i = 0; i < job->res->rdma.count; i++) {
		const struct spec_rdma *rdma = &job->res->rdma.items[i];
		CLEAN(str) struct str value = { 0 };

		if (!rdma->device || !*rdma->device || strpbrk(rdma->device, " \t\n/"))
			return knob_fail(job, knob, EINVAL, "\"%s\" is no name of an RDMA device",
					 rdma->device ? rdma->device : "");
		if (rdma->handles.value > INT_MAX || rdma->objects.value > INT_MAX)
			return knob_fail(job, knob, ERANGE, "%s: the kernel counts to %d",
					 rdma->device, INT_MAX);
		if (!rdma->handles.set && !rdma->objects.set)
			return knob_fail(job, knob, EINVAL,
					 "%s: name hcaHandles, hcaObjects or both", rdma->device);
		str_add(&value, rdma->device);
		if (rdma->handles.set)
			str_printf(&value, " hca_handle=%" PRIu64, rdma->handles.value);
		if (rdma->objects.set)
			str_printf(&value, " hca_object=%" PRIu64, rdma->objects.value);
		knob_add(job, knob, take_ptr(value.text));
	}
	return 0;
}

/* Files that would break what we do with the group ourselves. */
static const char *const ours[] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
				    "cgroup.type",  "cgroup.freeze",  "cgroup.kill" };

/* The controller whose file this is; "" for cgroup.*; NULL for none. */
static const char *controller_of(const char *file)
{
	static const char *const known[] = { "cpuset", "cpu",  "io",   "memory", "hugetlb",
					     "pids",   "rdma", "misc", "dmem",   "perf_event" };
	size_t i, len = strcspn(file, ".");

	if (file[len] != '.' || file[len + 1] == '\0')
		return NULL;
	if (len == 6 && strncmp(file, "cgroup", len) == 0)
		return "";
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len && strncmp(file, known[i], len) == 0)
			return known[i];
	return NULL;
}

static int make_unified(struct knob_job *job, const struct knob *knob, const char *entry)
{
	const char *equals = strchr(entry, '=');
	CLEAN(free) char *file = xstrndup(entry, equals ? (size_t)(equals - entry) : strlen(entry));
	const char *controller = controller_of(file);
	const char *line;
	size_t i;

	if (!equals || !controller || strchr(file, '/'))
		return knob_fail(
			job, knob, EINVAL,
			"\"%s\": has to be CONTROLLER.FILE=VALUE, for example memory.high=512M, "
			"with a controller of cgroup v2",
			entry);
	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (str_eq(file, ours[i]))
			return knob_fail(job, knob, EINVAL,
					 "%s is no limit: the runtime itself works with that file",
					 file);
	/* The kernel takes a line a write: io.max of two disks is two. */
	line = equals + 1;
	do {
		size_t len = strcspn(line, "\n");
		struct cgroup_setting *s = knob_add(job, knob, xstrndup(line, len));

		free(s->key);
		s->key = xasprintf("unified.%s", file);
		s->controller = *controller ? controller : NULL;
		s->file = xstrdup(file);
		line += len;
	} while (*line && *++line);
	return 0;
}

int knob_make_unified(struct knob_job *job, const struct knob *knob)
{
	size_t i;
	int r;

	for (i = 0; i < job->res->unified.count; i++) {
		r = make_unified(job, knob, job->res->unified.items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
