/* On which processors the payload runs, and from which nodes its memory comes. */
#include "sandbox/rights.h"
#include "sandbox/rights_check.h"

#include "spec/names.h"

#include <ctype.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIST_MAX 8192 /* CPUs: the kernel's largest CONFIG_NR_CPUS; nodes are far fewer */

struct list {
	unsigned long bits[LIST_MAX / (8 * sizeof(unsigned long))];
	unsigned int count; /* of bits set */
};

static void list_add(struct list *l, unsigned int i)
{
	unsigned int width = 8 * sizeof(unsigned long);
	unsigned long bit = 1ul << i % width;

	l->count += !(l->bits[i / width] & bit);
	l->bits[i / width] |= bit;
}

static bool parse_number(const char **at, unsigned int *ret)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	value = strtoul(*at, &end, 10);
	*at = end;
	*ret = (unsigned int)value;
	return value < LIST_MAX;
}

/* "0-3,7", blanks allowed around. */
static int list_parse(const char *text, const char *key, struct list *ret, struct err *err)
{
	const char *at = text;

	*ret = (struct list){ 0 };
	for (;;) {
		unsigned int first, last;

		while (isspace((unsigned char)*at))
			at++;
		if (!parse_number(&at, &first))
			break;
		last = first;
		if (*at == '-') {
			at++;
			if (!parse_number(&at, &last) || last < first)
				break;
		}
		for (unsigned int i = first; i <= last; i++)
			list_add(ret, i);
		while (isspace((unsigned char)*at))
			at++;
		if (!*at)
			return 0;
		if (*at++ != ',')
			break;
	}
	return err_set(err, EINVAL, "%s: \"%s\" is not a list like 0-3,7 of numbers below %d", key,
		       text, LIST_MAX);
}

int rights_check_cpus(const struct spec_process *p, struct err *err)
{
	struct list list;
	int rc = 0;

	/* "" is as good as nothing. */
	if (p->exec_cpu_affinity_initial && *p->exec_cpu_affinity_initial)
		rc = list_parse(p->exec_cpu_affinity_initial, "process.execCPUAffinity.initial",
				&list, err);
	if (rc == 0 && p->exec_cpu_affinity_final && *p->exec_cpu_affinity_final)
		rc = list_parse(p->exec_cpu_affinity_final, "process.execCPUAffinity.final", &list,
				err);
	return rc;
}

int rights_cpu_affinity(const char *list, const char *key, struct err *err)
{
	char path[64] = "process.execCPUAffinity.";
	struct list cpus;
	int rc;

	if (!list)
		return 0;
	strncat(path, key, sizeof(path) - strlen(path) - 1);
	rc = list_parse(list, path, &cpus, err);
	if (rc < 0)
		return rc;
	if (sched_setaffinity(0, sizeof(cpus.bits), (const cpu_set_t *)cpus.bits) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(
			err, EINVAL,
			"%s: none of the CPUs %s is online and allowed by the container's cpuset",
			path, list);
	return err_sys(err, "%s: %s", path, list);
}

int rights_cpu_affinity_all(struct err *err)
{
	struct list cpus;

	memset(&cpus, 0xff, sizeof(cpus));
	return sched_setaffinity(0, sizeof(cpus.bits), (const cpu_set_t *)cpus.bits) < 0 ?
		       err_sys(err, "process.execCPUAffinity: back to all CPUs") :
		       0;
}

/* The number for set_mempolicy(2), and which nodes. */
static int parse_policy(const struct spec_linux *lin, int *ret_mode, struct list *ret,
			struct err *err)
{
	const char *mode = lin->memory_policy.mode ? lin->memory_policy.mode : "";
	const struct spec_word *w = spec_word_find(WORDS_MEMPOLICY_MODE, mode);
	const char *nodes = lin->memory_policy.nodes;
	int flags = 0;

	*ret = (struct list){ 0 };
	if (!w)
		return err_set(err, EINVAL, "linux.memoryPolicy.mode: there is no policy \"%s\"",
			       mode);
	for (size_t i = 0; i < lin->memory_policy.flags.count; i++) {
		const char *flag = lin->memory_policy.flags.items[i];
		const struct spec_word *f = spec_word_find(WORDS_MEMPOLICY_FLAG, flag);

		if (!f)
			return err_set(err, EINVAL,
				       "linux.memoryPolicy.flags[%zu]: there is no flag \"%s\"", i,
				       flag);
		flags |= f->value;
	}
	*ret_mode = w->value | flags;
	if (nodes && *nodes)
		return list_parse(nodes, "linux.memoryPolicy.nodes", ret, err);
	return 0;
}

int rights_check_memory_policy(const struct spec_linux *lin, struct err *err)
{
	const int both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	struct list nodes;
	int mode, rc;
	bool any;

	if (!lin->memory_policy.set)
		return 0;
	rc = parse_policy(lin, &mode, &nodes, err);
	if (rc < 0)
		return rc;
	any = nodes.count > 0;
	if ((mode & both) == both)
		return err_set(
			err, EINVAL,
			"linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES "
			"exclude each other");
	mode &= ~(both | MPOL_F_NUMA_BALANCING);
	if (any && (mode == MPOL_DEFAULT || mode == MPOL_LOCAL))
		return err_set(err, EINVAL, "linux.memoryPolicy.nodes: %s takes none",
			       lin->memory_policy.mode);
	/* MPOL_PREFERRED without nodes means the local one. */
	if (!any && mode != MPOL_DEFAULT && mode != MPOL_LOCAL && mode != MPOL_PREFERRED)
		return err_set(err, EINVAL, "linux.memoryPolicy.nodes: %s needs at least one",
			       lin->memory_policy.mode);
	return 0;
}

int rights_memory_policy(const struct spec_linux *lin, struct err *err)
{
	struct list nodes;
	int mode, rc = rights_check_memory_policy(lin, err);

	if (rc < 0 || !lin->memory_policy.set)
		return rc;
	rc = parse_policy(lin, &mode, &nodes, err);
	if (rc < 0)
		return rc;
	/* The kernel reads one bit less than it is told, and takes more than it has when they are zero. */
	if (syscall(SYS_set_mempolicy, mode, nodes.count ? nodes.bits : NULL,
		    nodes.count ? (unsigned long)LIST_MAX : 0ul) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(
			err, EINVAL,
			"linux.memoryPolicy: the kernel refuses %s for the nodes \"%s\": it doesn't know "
			"the policy or a flag, or no such node has memory and is in the container's cpuset",
			lin->memory_policy.mode,
			lin->memory_policy.nodes ? lin->memory_policy.nodes : "");
	return err_sys(err, "linux.memoryPolicy: %s", lin->memory_policy.mode);
}
