#include "spec/load.h"

#include <stdlib.h>

#define FREE_EACH(list, item, what)                                    \
	do {                                                           \
		for (size_t i_ = 0; i_ < (list).count; i_++) {         \
			typeof((list).items) item = &(list).items[i_]; \
			what;                                          \
		}                                                      \
		free((list).items);                                    \
	} while (0)

void spec_process_free(struct spec_process *p)
{
	free(p->additional_gids.items);
	strv_free(&p->args);
	strv_free(&p->env);
	free(p->command_line);
	free(p->cwd);
	free(p->rlimits.items);
	free(p->apparmor_profile);
	free(p->selinux_label);
	free(p->exec_cpu_affinity_initial);
	free(p->exec_cpu_affinity_final);
	*p = (struct spec_process){ 0 };
}

void spec_mount_free(struct spec_mount *m)
{
	free(m->destination);
	free(m->type);
	free(m->source);
	strv_free(&m->options);
	free(m->uid_maps.items);
	free(m->gid_maps.items);
}

static void hook_free(struct spec_hook *h)
{
	free(h->path);
	strv_free(&h->args);
	strv_free(&h->env);
}

void spec_resources_free(struct spec_resources *r)
{
	free(r->devices.items);
	free(r->cpu.cpus);
	free(r->cpu.mems);
	free(r->block_io.weight_devices.items);
	free(r->block_io.read_bps.items);
	free(r->block_io.write_bps.items);
	free(r->block_io.read_iops.items);
	free(r->block_io.write_iops.items);
	FREE_EACH(r->hugepages, h, free(h->page_size));
	FREE_EACH(r->rdma, d, free(d->device));
	FREE_EACH(r->network.priorities, p, free(p->name));
	strv_free(&r->unified);
	*r = (struct spec_resources){ 0 };
}

static void rule_free(struct spec_seccomp_rule *r)
{
	strv_free(&r->names);
	free(r->action);
	FREE_EACH(r->args, a, free(a->op));
}

void spec_seccomp_free(struct spec_seccomp *s)
{
	free(s->default_action);
	strv_free(&s->architectures);
	strv_free(&s->flags);
	free(s->listener_path);
	free(s->listener_metadata);
	FREE_EACH(s->rules, r, rule_free(r));
	*s = (struct spec_seccomp){ 0 };
}

static void net_device_free(struct spec_net_device *d)
{
	free(d->host_name);
	free(d->name);
}

static void linux_free(struct spec_linux *l)
{
	for (int i = 0; i < NS_KINDS; i++)
		free(l->namespaces[i].path);
	free(l->uid_maps.items);
	free(l->gid_maps.items);
	FREE_EACH(l->devices, d, free(d->path));
	FREE_EACH(l->net_devices, d, net_device_free(d));
	free(l->cgroups_path);
	spec_resources_free(&l->resources);
	strv_free(&l->sysctl);
	spec_seccomp_free(&l->seccomp);
	free(l->rootfs_propagation);
	strv_free(&l->masked_paths);
	strv_free(&l->readonly_paths);
	free(l->mount_label);
	free(l->personality_domain);
	free(l->intel_rdt.clos_id);
	free(l->intel_rdt.l3_cache_schema);
	free(l->intel_rdt.mem_bw_schema);
	strv_free(&l->intel_rdt.schemata);
	free(l->memory_policy.mode);
	free(l->memory_policy.nodes);
	strv_free(&l->memory_policy.flags);
}

void spec_free(struct spec *spec)
{
	free(spec->oci_version);
	free(spec->root_path);
	free(spec->hostname);
	free(spec->domainname);
	spec_process_free(&spec->process);
	FREE_EACH(spec->mounts, m, spec_mount_free(m));
	for (int i = 0; i < HOOK_POINTS; i++)
		FREE_EACH(spec->hooks[i], h, hook_free(h));
	strv_free(&spec->annotations);
	linux_free(&spec->lin);
	free(spec->vm.kernel_path);
	free(spec->vm.kernel_initrd);
	strv_free(&spec->vm.kernel_parameters);
	*spec = (struct spec){ 0 };
}

char *spec_root(const struct spec *spec, const char *bundle)
{
	const char *path = spec->root_path ? spec->root_path : "";

	return *path == '/' || !bundle ? xstrdup(path) : xasprintf("%s/%s", bundle, path);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	return strv_env_get(&spec->annotations, key);
}

bool spec_wants_vm(const struct spec *spec)
{
	const char *isolation = spec_annotation(spec, SPEC_ANNOTATION_ISOLATION);

	return isolation ? str_eq(isolation, "vm") || spec_wants_emulated(spec) : spec->has_vm;
}

bool spec_wants_emulated(const struct spec *spec)
{
	return str_eq(spec_annotation(spec, SPEC_ANNOTATION_ISOLATION), "emulated");
}
