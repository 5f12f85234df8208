/* --memory, --cpus, --pids-limit and the rest that becomes linux.resources. */
#include "ctr/run_make.h"

#include "cgroups/pool.h"

#include <errno.h>
#include <string.h>

/* docker's period where --cpus is turned into a quota */
#define PERIOD_US 100000

static int memory_limits(const struct run_flags *f, struct spec_resources *res, struct err *err)
{
	const struct opt_i64 *memory = &f->memory, *swap = &f->memory_swap;

	if (memory->set && memory->value) {
		res->memory.limit = *memory;
		/* As docker: unless said otherwise as much swap as memory. Swap counts both here. */
		res->memory.swap = (struct opt_i64){ true, memory->value > INT64_MAX / 2 ?
								   -1 :
								   memory->value * 2 };
	}
	if (swap->set && swap->value) {
		if (!res->memory.limit.set && swap->value != -1)
			return err_set(err, EINVAL,
				       "--memory-swap: needs --memory too; it is memory "
				       "and swap together");
		if (swap->value != -1 && swap->value < res->memory.limit.value)
			return err_set(err, EINVAL,
				       "--memory-swap: is memory and swap together and "
				       "can't be below --memory");
		res->memory.swap = *swap;
	}
	if (f->memory_reservation.set) {
		if (memory->set && memory->value && f->memory_reservation.value > memory->value)
			return err_set(err, EINVAL, "--memory-reservation: is above --memory");
		res->memory.reservation = f->memory_reservation;
	}
	return 0;
}

int cpus_parse(const char *text, uint64_t *ret)
{
	const char *dot = strchr(text, '.');
	size_t whole = dot ? (size_t)(dot - text) : strlen(text);
	CLEAN(free) char *integer = whole ? xstrndup(text, whole) : xstrdup("0");
	char fraction[7] = "000000";
	uint64_t units, millionths;

	if (dot) {
		size_t len = strlen(dot + 1);

		if (len + whole == 0 || strspn(dot + 1, "0123456789") != len)
			return -EINVAL;
		memcpy(fraction, dot + 1, len < 6 ? len : 6);
	}
	if (str_to_u64(integer, 0, 1000000, &units) < 0 ||
	    str_to_u64(fraction, 0, 999999, &millionths) < 0)
		return -EINVAL;
	*ret = units * 1000000 + millionths;
	return 0;
}

static int cpu_limits(const struct run_flags *f, struct spec_resources *res, struct err *err)
{
	uint64_t millionths;

	if (f->cpus) {
		if (f->cpu_quota.set || f->cpu_period.set)
			return err_set(err, EINVAL,
				       "--cpus: can't go with --cpu-quota or --cpu-period");
		if (cpus_parse(f->cpus, &millionths) < 0)
			return err_set(err, EINVAL, "--cpus: \"%s\" is no number of processors",
				       f->cpus);
		if (millionths && millionths < 10000)
			return err_set(err, ERANGE, "--cpus %s: the least is 0.01", f->cpus);
		if (millionths) {
			res->cpu.period_us = (struct opt_u64){ true, PERIOD_US };
			res->cpu.quota_us = (struct opt_i64){ true, (int64_t)millionths / 10 };
		}
	}
	if (f->cpu_period.set && f->cpu_period.value)
		res->cpu.period_us = (struct opt_u64){ true, (uint64_t)f->cpu_period.value };
	if (f->cpu_quota.set && f->cpu_quota.value)
		res->cpu.quota_us = f->cpu_quota;
	if (f->cpu_shares.set && f->cpu_shares.value)
		res->cpu.shares = (struct opt_u64){ true, (uint64_t)f->cpu_shares.value };
	if (f->cpuset_cpus) {
		free(res->cpu.cpus);
		res->cpu.cpus = xstrdup(f->cpuset_cpus);
	}
	if (f->cpuset_mems) {
		free(res->cpu.mems);
		res->cpu.mems = xstrdup(f->cpuset_mems);
	}
	return 0;
}

static int cgroup_manager(const struct run_flags *f, struct run_made *m, struct err *err)
{
	const char *manager = f->cgroup_manager;

	if (manager && !str_eq(manager, "cgroupfs") && !str_eq(manager, "systemd") &&
	    !str_eq(manager, "disabled"))
		return err_set(err, EINVAL,
			       "--cgroup-manager: \"%s\" is not cgroupfs, systemd or disabled",
			       manager);
	m->opt.systemd = str_eq(manager, "systemd") ? "--cgroup-manager systemd" : NULL;
	m->opt.no_cgroup = str_eq(manager, "disabled");
	return 0;
}

static int cgroup_place(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int r = cgroup_manager(f, m, err);

	if (r < 0 || !f->cgroup_parent)
		return r;
	/* systemd has slices, not pools. */
	if (m->opt.systemd)
		m->cgroup_parent = xstrdup(f->cgroup_parent);
	else
		r = pool_resolve(f->cgroup_parent, &m->cgroup_parent, err);
	if (r < 0)
		return err_wrap(err, "--cgroup-parent: ");
	m->opt.cgroup_parent = m->cgroup_parent;
	free(m->spec.lin.cgroups_path);
	m->spec.lin.cgroups_path = NULL;
	return 0;
}

int limits_resources(const struct run_flags *f, struct spec_resources *res, struct err *err)
{
	int r = memory_limits(f, res, err);

	if (r >= 0)
		r = cpu_limits(f, res, err);
	if (f->pids_limit.set)
		res->pids_limit = f->pids_limit;
	/* On docker's and podman's command line 0 is no limit; in config.json it is one. */
	if (res->pids_limit.set && res->pids_limit.value == 0)
		res->pids_limit.value = -1;
	for (size_t i = 0; i < f->cgroup_conf.count && r >= 0; i++) {
		r = want_assignment("cgroup-conf", f->cgroup_conf.items[i], err);
		if (r >= 0)
			strv_env_put(&res->unified, f->cgroup_conf.items[i]);
	}
	return r;
}

int run_limits(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int r = limits_resources(f, &m->spec.lin.resources, err);

	return r < 0 ? r : cgroup_place(f, m, err);
}
