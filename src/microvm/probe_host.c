#include "microvm/probe_host.h"

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "microvm/kvm.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CPUINFO_BYTES (4U << 20)
#define PARAMETER_BYTES 8192 /* files of /sys say that they have a page */

/* The first line of a small file; false: it isn't there. */
static bool first_line(const char *path, struct str *ret)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, path, PARAMETER_BYTES, &text, NULL, &ignored) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	str_add_shown(ret, text, false);
	return true;
}

static void device(const char *path, struct str *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		str_printf(ret, "there is no %s", path);
	else
		str_printf(ret, "%s, mode %03o, %s for you", path, st.st_mode & 0777U,
			   access(path, R_OK | W_OK) == 0 ? "open" : "closed");
}

static void processor(const char *path, struct str *ret)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	(void)path;
	if (file_read(AT_FDCWD, "/proc/cpuinfo", CPUINFO_BYTES, &text, NULL, &ignored) < 0)
		str_add(ret, "/proc/cpuinfo can't be read");
	else if (kvm_cpu_has_hardware(text))
		str_add(ret, strstr(text, "GenuineIntel") ? "VT-x" : "AMD-V");
	else
		str_add(ret, "neither VT-x nor AMD-V (vmx, svm in /proc/cpuinfo)");
}

/* The parameter of kvm_intel or kvm_amd, whichever is loaded. */
static void parameter(const char *intel, const char *amd, struct str *ret)
{
	CLEAN(free) char *i = xasprintf("/sys/module/kvm_intel/parameters/%s", intel);
	CLEAN(free) char *a = xasprintf("/sys/module/kvm_amd/parameters/%s", amd);
	CLEAN(str) struct str value = { 0 };

	if (!first_line(i, &value) && !first_line(a, &value))
		str_add(ret, "not known: neither kvm_intel nor kvm_amd is loaded");
	else
		str_add(ret, value.len && strchr("Y1", value.text[0]) ? "yes" : "no");
}

static void paging(const char *path, struct str *ret)
{
	(void)path;
	parameter("ept", "npt", ret);
}

static void nested(const char *path, struct str *ret)
{
	(void)path;
	parameter("nested", "nested", ret);
}

static unsigned int entries(const char *path)
{
	CLEAN(dir) DIR *dir = opendir(path);
	unsigned int count = 0;

	for (struct dirent *e; dir && (e = readdir(dir));)
		count += e->d_name[0] != '.';
	return count;
}

static void iommu(const char *path, struct str *ret)
{
	unsigned int count = entries("/sys/kernel/iommu_groups");

	(void)path;
	if (count)
		str_printf(ret, "%u groups", count);
	else
		str_add(ret, "none: no device can be handed to a guest");
}

static void sriov(const char *path, struct str *ret)
{
	CLEAN(dir) DIR *dir = opendir("/sys/bus/pci/devices");

	(void)path;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		CLEAN(free)
		char *file = xasprintf("/sys/bus/pci/devices/%s/sriov_totalvfs", e->d_name);
		CLEAN(str) struct str total = { 0 };

		if (first_line(file, &total))
			str_printf(ret, "%s%s (%s functions)", ret->len ? ", " : "", e->d_name,
				   total.text ? total.text : "");
	}
	if (!ret->len)
		str_add(ret, "no device");
}

static void mitigations(const char *path, struct str *ret)
{
	static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
	CLEAN(dir) DIR *dir = opendir(folder);

	(void)path;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		CLEAN(free) char *file = xasprintf("%s/%s", folder, e->d_name);
		CLEAN(str) struct str line = { 0 };

		if (e->d_name[0] != '.' && first_line(file, &line) && line.len &&
		    str_starts(line.text, "Vulnerable"))
			str_printf(ret, "%s%s", ret->len ? ", " : "vulnerable: ", e->d_name);
	}
	if (!dir)
		str_printf(ret, "not known: there is no %s", folder);
	else if (!ret->len)
		str_add(ret, "all that the kernel knows of are dealt with");
}

struct json_object *probe_host_facts(const char *path)
{
	static const struct {
		const char *name;
		void (*tell)(const char *path, struct str *ret);
	} facts[] = {
		{ "device", device },
		{ "processor", processor },
		{ "two-level paging (EPT, NPT)", paging },
		{ "nested virtualization", nested },
		{ "IOMMU", iommu },
		{ "SR-IOV", sriov },
		{ "processor's weaknesses", mitigations },
	};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		struct json_object *o = json_object_new_object();
		CLEAN(str) struct str value = { 0 };

		facts[i].tell(path, &value);
		json_put_string(o, "name", facts[i].name);
		json_put_string(o, "value", value.text ? value.text : "");
		json_object_array_add(list, o);
	}
	return list;
}
