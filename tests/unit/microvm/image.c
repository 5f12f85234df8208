#include "microvm/image.h"

#include "base/str.h"

#include <lzma.h>
#include <string.h>
#include <zstd.h>

struct image image_make(void)
{
	struct image i = { 0 };

	memcpy(i.header.e_ident, ELFMAG, SELFMAG);
	i.header.e_ident[EI_CLASS] = ELFCLASS64;
	i.header.e_ident[EI_DATA] = ELFDATA2LSB;
	i.header.e_type = ET_EXEC;
	i.header.e_machine = EM_X86_64;
	i.header.e_phoff = offsetof(struct image, load);
	i.header.e_phentsize = sizeof(Elf64_Phdr);
	i.header.e_phnum = 2;
	i.load = (Elf64_Phdr){ .p_type = PT_LOAD,
			       .p_offset = offsetof(struct image, code),
			       .p_paddr = 0x1000000,
			       .p_filesz = sizeof(i.code),
			       .p_memsz = 4096 };
	i.note = (Elf64_Phdr){ .p_type = PT_NOTE,
			       .p_offset = offsetof(struct image, xen),
			       .p_filesz = sizeof(i.xen) };
	i.xen.head = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = 18 };
	memcpy(i.xen.name, "Xen", 4);
	i.xen.entry = IMAGE_ENTRY;
	memset(i.code, 0x90, sizeof(i.code));
	return i;
}

char *image_pack(const struct image *image, const char *name, uint32_t says, size_t *ret_len)
{
	enum { HEAD = 1024, ROOM = 4096 };
	static const uint32_t offset = 0;
	char *bz = xcalloc(1, HEAD + ROOM + 4);
	size_t packed = 0;
	uint32_t size = sizeof(*image), payload;

	if (str_eq(name, "xz"))
		(void)!lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, (const uint8_t *)image,
					       size, (uint8_t *)bz + HEAD, &packed, ROOM);
	else if (str_eq(name, "zstd"))
		packed = ZSTD_compress(bz + HEAD, ROOM, image, size, 1);
	else
		memcpy(bz + HEAD, image, packed = size);
	memcpy(bz + HEAD + packed, says ? &says : &size, 4);
	payload = (uint32_t)packed + 4;
	bz[0x1f1] = 1;
	memcpy(bz + 0x1fe, "\x55\xaaxxHdrS\x0f\x02", 10);
	memcpy(bz + 0x248, &offset, 4);
	memcpy(bz + 0x24c, &payload, 4);
	*ret_len = HEAD + payload;
	return bz;
}
