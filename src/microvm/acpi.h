/* The ACPI tables of a machine of "reduced hardware": no more than a kernel needs to find its processors. */
#ifndef CTR_MICROVM_ACPI_H
#define CTR_MICROVM_ACPI_H

#include "base/err.h"
#include "microvm/memory.h"

/* Write them to LAYOUT_ACPI_GPA, where the RSDP is then. */
int acpi_write(const struct memory *m, unsigned int cpus, struct err *err) MUST_CHECK;

#endif
