#include "microvm/usable.h"

#include "base/json.h"
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

int usable_kvm(const char *device, struct err *err)
{
	CLEAN(kvm) struct kvm kvm = KVM_NONE;
	CLEAN(str) struct str checks = { 0 };
	CLEAN(json) struct json_object *doc = NULL;
	struct err why = { 0 };

	if (kvm_make(device, &kvm, &why) < 0)
		return err_set(err, why.code, "no usable KVM: %s" INSTEAD, why.text);
	if (kvm_has_hardware())
		return 0;
	doc = probe_host(device);
	if (json_object_get_boolean(json_object_object_get(doc, "usable")))
		return 0;
	failed(json_object_object_get(doc, "checks"), &checks);
	return err_set(
		err, ENOTSUP,
		"no usable KVM: %s is of a kind that runs no unmodified kernels (no VT-x, no "
		"AMD-V); in a guest fails: %s" INSTEAD,
		device, checks.text);
}
