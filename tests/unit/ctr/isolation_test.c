/* Flags about files, devices and rights, and what they come to in config.json. */
#include "ctr/made.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The last mount of the spec, by its place in the default list (7 mounts). */
#define MOUNT "{{index .spec.mounts 7}}"

static void test_volumes(void **state)
{
	(void)state;
	made_is("-v /usr:/a host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"rbind\",\"rprivate\"]}");
	made_is("-v /usr:/a/:ro,noexec,z host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"rbind\",\"noexec\",\"rro\",\"rprivate\"]}");
	made_is("-v /usr:/a:bind,ro,rslave host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"bind\",\"rslave\",\"ro\"]}");
	made_is("-v /usr:/a/b -v /etc:/a host", "{{index .spec.mounts 7 }}",
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/etc\","
		"\"options\":[\"rbind\",\"rprivate\"]}");
	made_is("-v /usr:/dev/shm host", "{{len .spec.mounts}}", "7");
	made_is("-v data:/a:ro,nocopy host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\","
		"\"source\":\"/nowhere/volumes/data/_data\","
		"\"options\":[\"rbind\",\"rro\",\"rprivate\"]}");
	made_is("-v /a host", "{{len .spec.mounts}}", "8");
	made_fails("-v usr host", "--volume usr: give HOST:CONTAINER[:OPTIONS]");
	made_fails("-v -x:/a host", "can't be the name of a volume");
	made_fails("-v / host", "nothing can be mounted over the root");
	made_fails("-v /usr:a host", "CONTAINER a path");
	made_fails("-v /nonexistent:/a host", "--volume /nonexistent:/a: /nonexistent: ");
	made_fails("-v /usr:/a:what host", "no mount option \"what\"");
	made_fails("-v /usr:/ host", "nothing can be mounted over the root");
	made_fails("-v /usr:/a:ro:b host", "too many colons");
	made_fails("-v /usr:/a --tmpfs /a/ host", "two mounts at /a");
}

static void test_mount_fields(void **state)
{
	(void)state;
	made_is("--mount type=bind,src=/usr,dst=/a,readonly host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"rbind\",\"rro\",\"rprivate\"]}");
	made_is("--mount type=bind,source=/usr,target=/a,ro=true,bind-recursive=disabled,"
		"bind-propagation=slave host",
		MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"bind\",\"slave\",\"ro\"]}");
	made_is("--mount type=bind,source=/usr,target=/a,ro,bind-recursive=writable host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"rbind\",\"rprivate\",\"ro\"]}");
	made_is("--mount type=bind,src=/usr,dst=/a,idmap=uids=0-1000-1#1-5-2;gids=0-0-1 host",
		MOUNT,
		"{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/usr\","
		"\"options\":[\"rbind\",\"rprivate\",\"idmap\"],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1},"
		"{\"containerID\":1,\"hostID\":5,\"size\":2}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}");
	made_is("--mount type=tmpfs,dst=/a,tmpfs-size=1m,tmpfs-mode=1700,ro host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		"\"options\":[\"nosuid\",\"nodev\",\"noexec\",\"size=1048576\",\"mode=1700\",\"ro\"]}");
	made_is("--mount \"type=tmpfs\",\"dst=/a,b\" host", MOUNT,
		"{\"destination\":\"/a,b\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		"\"options\":[\"nosuid\",\"nodev\",\"noexec\"]}");
}

static void test_mount_fields_refused(void **state)
{
	(void)state;
	made_fails("--mount src=/usr,dst=/a host", "type is bind, volume or tmpfs");
	made_fails("--mount type=volume,src=a/b,dst=/a host", "can't be the name of a volume");
	made_fails("--mount type=volume,dst=/a,tmpfs-size=1 host", "a volume has no bind-...");
	made_fails("--mount type=nfs,dst=/a host", "type is bind, volume or tmpfs");
	made_fails("--mount type=bind,src=/usr host", "no dst=");
	made_fails("--mount type=bind,dst=/a host", "no src=");
	made_fails("--mount type=bind,src=/usr,dst=/a,wht=1 host", "no key \"wht\"");
	made_fails("--mount type=bind,src=/usr,dst=/a,ro=perhaps host", "neither true nor false");
	made_fails("--mount type=bind,,dst=/a host", "an empty field");
	made_fails("--mount type=tmpfs,dst=/a,tmpfs-mode=9 host", "not octal");
	made_fails("--mount \"type=bind host", "a quote is not closed");
	made_fails("--mount type=bind,src=/usr,dst=/a,idmap=uids=1 host", "not FROM-TO-COUNT");
}

static void test_tmpfs_and_shm(void **state)
{
	(void)state;
	made_is("--tmpfs /a:exec,size=1m host", MOUNT,
		"{\"destination\":\"/a\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
		"\"options\":[\"nosuid\",\"nodev\",\"noexec\",\"exec\",\"size=1m\"]}");
	made_is("--shm-size 1m host", "{{index .spec.mounts 6}}",
		"{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
		"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=1048576\"]}");
	made_fails("--tmpfs a host", "must be absolute");
	made_fails("--ipc none --shm-size 1m host", "no /dev/shm of its own");
}

static void test_devices(void **state)
{
	(void)state;
	made_is("--device /dev/null:/dev/x:r host", "{{json .spec.linux.devices}}",
		"[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":438,"
		"\"uid\":0,\"gid\":0}]");
	made_is("--device /dev/null:rw host", "{{index .spec.linux.resources.devices 12}}",
		"{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rw\"}");
	made_is("--device-cgroup-rule c~10:*~rm host", "{{index .spec.linux.resources.devices 12}}",
		"{\"allow\":true,\"type\":\"c\",\"major\":10,\"access\":\"rm\"}");
	made_fails("--device /dev/nonexistent host", "--device /dev/nonexistent: No such file");
	made_fails("--device /etc/passwd host", "not a device");
	made_fails("--device /etc host", "no device in that folder");
	made_fails("--device /dev/null:/dev/x:q host", "\"q\" is not made of r, w and m");
}

static void test_capabilities(void **state)
{
	static const char bounding[] = "{{len .spec.process.capabilities.bounding}}";

	(void)state;
	made_is("host", bounding, "14");
	made_is("--cap-drop all host", "{{json .spec.process.capabilities}}", "{}");
	made_is("--cap-drop ALL --cap-add net_admin --cap-add CAP_KILL host",
		"{{json .spec.process.capabilities.effective}}",
		"[\"CAP_KILL\",\"CAP_NET_ADMIN\"]");
	made_is("--cap-drop chown,kill host", bounding, "12");
	made_is("--user 5 host", "{{json .spec.process.capabilities}}",
		"{\"bounding\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\","
		"\"CAP_KILL\",\"CAP_SETGID\",\"CAP_SETUID\",\"CAP_SETPCAP\",\"CAP_NET_BIND_SERVICE\","
		"\"CAP_NET_RAW\",\"CAP_SYS_CHROOT\",\"CAP_MKNOD\",\"CAP_AUDIT_WRITE\",\"CAP_SETFCAP\"]}");
	made_is("--user 5 --cap-drop all --cap-add kill host",
		"{{json .spec.process.capabilities.ambient}}", "[\"CAP_KILL\"]");
	made_fails("--cap-add nonsense host", "--cap-add: no capability \"nonsense\"");
	made_fails("--cap-add kill --cap-drop CAP_KILL host", "both name CAP_KILL");
}

static void test_security_options(void **state)
{
	static const char seccomp[] = "{{index .spec.annotations \"dev.ctr.seccomp\"}}";

	(void)state;
	made_is("host", seccomp, "default");
	made_is("--security-opt seccomp=unconfined host", seccomp, "<no value>");
	made_is("--security-opt no-new-privileges host", "{{.spec.process.noNewPrivileges}}",
		"true");
	made_is("--security-opt apparmor=p host", "{{.spec.process.apparmorProfile}}", "p");
	made_is("--security-opt label=u:r:t:s0 host", "{{.spec.process.selinuxLabel}}", "u:r:t:s0");
	made_is("--security-opt label=disable host", "{{len .spec.linux.maskedPaths}}", "12");
	made_is("--security-opt mask=/a:/b host", "{{index .spec.linux.maskedPaths 13}}", "/b");
	made_is("--security-opt unmask=/proc/k* host", "{{len .spec.linux.maskedPaths}}", "10");
	made_is("--security-opt allow=userns host", "{{index .spec.annotations \"dev.ctr.allow\"}}",
		"userns");
	made_fails("--security-opt allow=nonsense host", "nonsense");
	made_fails("--security-opt allow=userns --security-opt seccomp=unconfined host",
		   "not in force");
	made_fails("--security-opt secomp=x host", "did you mean seccomp?");
	made_fails("--security-opt seccomp=/nonexistent host", "seccomp=/nonexistent: ");
	made_fails("--security-opt mask host", "needs a value");
	made_fails("--security-opt label=type:x host", "write disable, or a whole label");
}

static void test_privileged(void **state)
{
	(void)state;
	made_is("--privileged host", "{{index .spec.annotations \"dev.ctr.seccomp\"}}",
		"<no value>");
	made_is("--privileged --security-opt mask=/a host", "{{json .spec.linux.maskedPaths}}",
		"[\"/a\"]");
	made_is("--privileged host", "{{index .spec.mounts 3}}",
		"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
		"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"rw\"]}");
	made_is("--privileged host", "{{index .spec.linux.resources.devices 12}}",
		"{\"allow\":true,\"type\":\"a\",\"access\":\"rwm\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_mount_fields),
		cmocka_unit_test(test_mount_fields_refused),
		cmocka_unit_test(test_tmpfs_and_shm),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_security_options),
		cmocka_unit_test(test_privileged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
