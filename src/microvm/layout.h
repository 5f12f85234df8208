/* Where things are in a guest's first MiB, how many processors, which ports: what boot, ACPI and all agree on. */
#ifndef CTR_MICROVM_LAYOUT_H
#define CTR_MICROVM_LAYOUT_H

#define LAYOUT_START_GPA \
	0x6000 /* struct hvm_start_info, modules and memory map; or a bzImage's zero page */
#define LAYOUT_GDT_GPA 0x7000 /* of a bzImage: its descriptors, and page tables: six pages */
#define LAYOUT_TABLES_GPA 0x9000
#define LAYOUT_CMDLINE_GPA 0x20000 /* one page */
#define LAYOUT_LOW_END_GPA 0x9fc00 /* below is memory, above are the tables */
#define LAYOUT_ACPI_GPA 0xe0000    /* RSDP first */
#define LAYOUT_VMGENID_GPA 0xef000 /* among ACPI's; dsdt.asl says the same */
#define LAYOUT_RESET_GPA 0xffff0   /* where a processor begins, and where Linux jumps to reset */

#define CPUS_MAX 32

#define LAYOUT_CMDLINE_MAX 2047 /* what Linux takes, COMMAND_LINE_SIZE less its end */

#define PORT_I8042_DATA 0x60
#define PORT_I8042_COMMAND 0x64
#define PORT_RTC_DATA 0x71
#define PORT_SLEEP 0x600 /* ACPI's sleep control register; 0x601: its status */
#define PORT_RESET 0xcf9

#define SLEEP_TYPE_OFF 5

#endif
