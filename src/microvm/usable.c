#include "microvm/usable.h"

#include "base/json.h"
#include "microvm/cpuid.h"
#include "microvm/kvm.h"
#include "microvm/probe.h"

#include <errno.h>

#define INSTEAD "; `ctr vm doctor` says more; --isolation emulated needs no KVM"

/* The names of the checks that failed. */
static void failed(struct json_object *checks, struct str *ret)
{
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *o = json_object_array_get_idx(checks, i);

		if (!json_object_get_boolean(json_object_object_get(o, "ok")))
			str_printf(ret, "%s%s", ret->len ? "; " : "",
				   json_object_get_string(json_object_object_get(o, "name")));
	}
}

static int check_nested(const struct kvm *kvm, struct err *err)
{
	struct cpuid supported;
	int rc = cpuid_supported(kvm->dev, &supported, err);

	return rc < 0 ? rc : cpuid_check_nested(&supported, err);
}

int usable_kvm(const char *device, bool nested, struct err *err)
{
	CLEAN(kvm) struct kvm kvm = KVM_NONE;
	CLEAN(str) struct str checks = { 0 };
	CLEAN(json) struct json_object *doc = NULL;
	struct err why = { 0 };

	if (kvm_make(device, &kvm, &why) < 0)
		return err_set(err, why.code, "no usable KVM: %s" INSTEAD, why.text);
	if (!kvm_has_hardware())
		doc = probe_host(device);
	if (!doc || json_object_get_boolean(json_object_object_get(doc, "usable")))
		return nested ? check_nested(&kvm, err) : 0;
	failed(json_object_object_get(doc, "checks"), &checks);
	return err_set(
		err, ENOTSUP,
		"no usable KVM: %s is of a kind that runs no unmodified kernels (no VT-x, no "
		"AMD-V); in a guest fails: %s" INSTEAD,
		device, checks.text);
}
