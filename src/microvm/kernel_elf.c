/*
 * vmlinux: an ELF file whose loadable segments say where in physical memory they go, and in which a note
 * of Xen's says where PVH enters (xen/include/public/elfnote.h, PHYS32_ENTRY; Linux' CONFIG_PVH).
 */
#include "microvm/kernel_parts.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define NOTE_PHYS32_ENTRY 18
#define HEADERS_MAX 64

bool kernel_is_elf(const char *data, size_t len)
{
	return len >= EI_NIDENT && memcmp(data, ELFMAG, SELFMAG) == 0;
}

/* Both ends of a range in the file, without an overflow. */
static bool inside(uint64_t offset, uint64_t size, size_t len)
{
	return offset <= len && size <= len - offset;
}

static int read_header(const struct kernel *k, const char *name, Elf64_Ehdr *ret, struct err *err)
{
	if (k->len < sizeof(*ret))
		return err_set(err, ENOEXEC, "%s: the ELF file ends in its header", name);
	memcpy(ret, k->data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret->e_machine != EM_X86_64)
		return err_set(err, ENOEXEC,
			       "%s is an ELF file, but not for x86-64: machine %u, class %u", name,
			       ret->e_machine, ret->e_ident[EI_CLASS]);
	if (ret->e_type != ET_EXEC && ret->e_type != ET_DYN)
		return err_set(
			err, ENOEXEC,
			"%s is an ELF file that can't be started (type %u): an object file or a "
			"module?",
			name, ret->e_type);
	if (ret->e_phentsize != sizeof(Elf64_Phdr) || ret->e_phnum == 0 ||
	    ret->e_phnum > HEADERS_MAX)
		return err_set(err, ENOEXEC,
			       "%s: %u program headers of %u bytes, where 1 to %d of %zu can be",
			       name, ret->e_phnum, ret->e_phentsize, HEADERS_MAX,
			       sizeof(Elf64_Phdr));
	if (!inside(ret->e_phoff, (uint64_t)ret->e_phnum * sizeof(Elf64_Phdr), k->len))
		return err_set(err, ENOEXEC,
			       "%s: the program headers are behind the file's end; is it cut off?",
			       name);
	return 0;
}

static int add_part(struct kernel *k, const Elf64_Phdr *ph, const char *name, struct err *err)
{
	if (ph->p_memsz == 0)
		return 0;
	if (k->count == KERNEL_PARTS_MAX)
		return err_set(err, ENOEXEC, "%s: more than %d segments to load", name,
			       KERNEL_PARTS_MAX);
	if (ph->p_filesz > ph->p_memsz)
		return err_set(err, ENOEXEC,
			       "%s: a segment has %llu bytes in the file and %llu in memory", name,
			       (unsigned long long)ph->p_filesz, (unsigned long long)ph->p_memsz);
	if (ph->p_paddr < KERNEL_LOW_GPA || ph->p_paddr >= KERNEL_END_GPA ||
	    ph->p_memsz > KERNEL_END_GPA - ph->p_paddr)
		return err_set(
			err, ENOEXEC,
			"%s: a segment wants %llu bytes at %#llx; a kernel can lie from 1 MiB to "
			"3 GiB. Is it a program, not a kernel?",
			name, (unsigned long long)ph->p_memsz, (unsigned long long)ph->p_paddr);
	k->parts[k->count++] = (struct kernel_part){
		.offset = ph->p_offset,
		.file = ph->p_filesz,
		.gpa = ph->p_paddr,
		.memory = ph->p_memsz,
	};
	if (ph->p_paddr + ph->p_memsz > k->end_gpa)
		k->end_gpa = ph->p_paddr + ph->p_memsz;
	return 0;
}

/* Notes follow each other, name and contents padded to 4 bytes each. */
static void find_entry(struct kernel *k, const Elf64_Phdr *ph)
{
	const char *notes = k->data + ph->p_offset;
	uint64_t at = 0, size = ph->p_filesz;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, content;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name = ((uint64_t)note.n_namesz + 3) & ~3ULL;
		content = ((uint64_t)note.n_descsz + 3) & ~3ULL;
		/* The last one may do without its padding. */
		if (name > size - at || note.n_descsz > size - at - name)
			return;
		if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    memcmp(notes + at, "Xen", 4) == 0 && note.n_descsz >= sizeof(k->entry)) {
			memcpy(&k->entry, notes + at + name, sizeof(k->entry));
			return;
		}
		if (content > size - at - name)
			return;
		at += name + content;
	}
}

static int check_entry(const struct kernel *k, const char *name, struct err *err)
{
	if (!k->count)
		return err_set(err, ENOEXEC, "%s: the ELF file has no segment to load", name);
	if (!k->entry)
		return err_set(
			err, ENOTSUP,
			"%s has no PVH entry (note 18 of Xen's): a kernel built with "
			"CONFIG_PVH=y is needed, as Debian's are, or a bzImage with --boot bzimage",
			name);
	for (size_t i = 0; i < k->count; i++)
		if (k->entry >= k->parts[i].gpa && k->entry - k->parts[i].gpa < k->parts[i].file)
			return 0;
	return err_set(err, ENOEXEC, "%s: its PVH entry, %#x, is not in what is loaded", name,
		       k->entry);
}

int kernel_read_elf(struct kernel *k, const char *name, struct err *err)
{
	Elf64_Ehdr header;
	int rc = read_header(k, name, &header, err);

	for (unsigned int i = 0; rc == 0 && i < header.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, k->data + header.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
			continue;
		if (!inside(ph.p_offset, ph.p_filesz, k->len))
			return err_set(err, ENOEXEC,
				       "%s: segment %u is behind the file's end; is it cut off?",
				       name, i);
		if (ph.p_type == PT_LOAD)
			rc = add_part(k, &ph, name, err);
		else if (!k->entry)
			find_entry(k, &ph);
	}
	return rc < 0 ? rc : check_entry(k, name, err);
}
