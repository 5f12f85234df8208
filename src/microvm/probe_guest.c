/*
 * Memory, all zero at first: code from 1000h, the stack below 7000h, page tables from 8000h (one of its own
 * for 2 to 4 MiB), the IDT at D000h, two pages that are swapped at 10000h and 11000h.
 */
#include "microvm/probe_guest.h"

__asm__(".pushsection .rodata\n"
	".globl probe_guest, probe_guest_end\n"
	"probe_guest:\n"
	".code32\n"
	"	cmp $1, %ebx\n" /* PROBE_PORT */
	"	jne 1f\n"
	"	in $0xf5, %al\n"
	"	cmp $0x5a, %al\n"
	"	jne probe_bad32\n"
	"	mov $1, %al\n"
	"	out %al, $0xf4\n"
	"probe_bad32:\n"
	"	mov $2, %al\n"
	"	out %al, $0xf4\n"
	"1:	movl $0x9007, 0x8000\n"
	"	movl $0xa007, 0x9000\n"
	"	movl $0xb007, 0x9018\n"
	"	movl $0x87, 0xa000\n"       /* 0 to 2 MiB as they are */
	"	movl $0xc007, 0xa008\n"     /* 2 MiB: */
	"	movl $0x10007, 0xc000\n"    /* one page */
	"	movl $0xd0000097, 0xb400\n" /* what is no memory */
	"	movl $0xfee00097, 0xbfb8\n" /* the local APIC */
	"	movl $0x11111111, 0x10000\n"
	"	movl $0x22222222, 0x11000\n"
	"	mov $0x8000, %eax\n"
	"	mov %eax, %cr3\n"
	"	mov %cr4, %eax\n"
	"	or $0x20, %eax\n" /* PAE */
	"	mov %eax, %cr4\n"
	"	mov $0xc0000080, %ecx\n" /* EFER: long mode, system calls */
	"	rdmsr\n"
	"	or $0x101, %eax\n"
	"	wrmsr\n"
	"	mov %cr0, %eax\n"
	"	or $0x80000001, %eax\n"
	"	mov %eax, %cr0\n"
	"	lgdtl (probe_gdtr - probe_guest + 0x1000)\n"
	"	ljmpl $0x08, $(probe_long - probe_guest + 0x1000)\n"
	".balign 8\n"
	"probe_gdt:\n"
	"	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n" /* ours: 08 code, 10 data */
	"	.quad 0, 0x00cff3000000ffff, 0x00affb000000ffff\n" /* the user's: 20 data, 28 code */
	"probe_gdtr:\n"
	"	.word 47\n"
	"	.long probe_gdt - probe_guest + 0x1000\n"
	"probe_idtr:\n"
	"	.word 0xfff\n"
	"	.quad 0xd000\n"
	".code64\n"
	"probe_long:\n"
	"	mov $0x10, %eax\n"
	"	mov %eax, %ss\n"
	"	mov %eax, %ds\n"
	"	mov %eax, %es\n"
	"	mov $0x7000, %rsp\n"
	"	movl $(probe_fault - probe_guest + 0x81000), 0xd0e0\n" /* gate 14: selector 8 */
	"	movl $0x8e00, 0xd0e4\n"
	"	movl $(probe_tick - probe_guest + 0x81000), 0xd400\n" /* gate 40h */
	"	movl $0x8e00, 0xd404\n"
	"	lidt probe_idtr(%rip)\n"
	"	cmp $2, %ebx\n" /* PROBE_LONG_MODE */
	"	je probe_good\n"
	"	cmp $3, %ebx\n" /* PROBE_CPUID: it says that there is a long mode */
	"	jne 1f\n"
	"	mov $0x80000001, %eax\n"
	"	cpuid\n"
	"	bt $29, %edx\n"
	"	jnc probe_bad\n"
	"	jmp probe_good\n"
	"1:	cmp $4, %ebx\n" /* PROBE_MSR: LSTAR keeps what is written */
	"	jne 1f\n"
	"	mov $0xc0000082, %ecx\n"
	"	mov $0x12345678, %eax\n"
	"	mov $0x00001234, %edx\n"
	"	wrmsr\n"
	"	xor %eax, %eax\n"
	"	xor %edx, %edx\n"
	"	rdmsr\n"
	"	cmp $0x12345678, %eax\n"
	"	jne probe_bad\n"
	"	cmp $0x00001234, %edx\n"
	"	jne probe_bad\n"
	"	jmp probe_good\n"
	"1:	cmp $5, %ebx\n" /* PROBE_PAGE_FAULT: at 4 MiB nothing is mapped */
	"	jne 1f\n"
	"	mov 0x400000, %eax\n"
	"	jmp probe_bad\n"
	"1:	cmp $6, %ebx\n" /* PROBE_PAGE_TABLE: another page at the same place */
	"	jne 1f\n"
	"	cmpl $0x11111111, 0x200000\n"
	"	jne probe_bad\n"
	"	movl $0x11007, 0xc000\n"
	"	invlpg 0x200000\n"
	"	cmpl $0x22222222, 0x200000\n"
	"	jne probe_bad\n"
	"	testl $0x20, 0xc000\n" /* and the processor has noted that it was used */
	"	jz probe_bad\n"
	"	jmp probe_good\n"
	"1:	cmp $7, %ebx\n" /* PROBE_SYSCALL: to the user and back */
	"	jne 1f\n"
	"	mov $0xc0000081, %ecx\n" /* STAR */
	"	xor %eax, %eax\n"
	"	mov $0x001b0008, %edx\n"
	"	wrmsr\n"
	"	mov $0xc0000082, %ecx\n" /* LSTAR */
	"	mov $(probe_called - probe_guest + 0x1000), %eax\n"
	"	xor %edx, %edx\n"
	"	wrmsr\n"
	"	mov $(probe_user - probe_guest + 0x1000), %ecx\n"
	"	mov $2, %r11d\n"
	"	sysretq\n"
	"probe_user:\n"
	"	mov %cs, %eax\n"
	"	mov %eax, %esi\n"
	"	syscall\n"
	"	ud2\n"
	"probe_called:\n"
	"	cmp $0x2b, %esi\n"
	"	jne probe_bad\n"
	"	jmp probe_good\n"
	"1:	cmp $8, %ebx\n" /* PROBE_MMIO */
	"	jne 1f\n"
	"	mov $0xd0000000, %edi\n"
	"	cmpl $0x12345678, (%rdi)\n"
	"	jne probe_bad\n"
	"	jmp probe_good\n"
	"1:	mov $0xfee00000, %edi\n"      /* PROBE_TIMER, PROBE_HALT */
	"	movl $0x1ff, 0xf0(%rdi)\n"    /* enabled */
	"	movl $0xb, 0x3e0(%rdi)\n"     /* not divided */
	"	movl $0x40, 0x320(%rdi)\n"    /* once, vector 40h */
	"	movl $1000000, 0x380(%rdi)\n" /* 1 ms of KVM's */
	"	sti\n"
	"	cmp $10, %ebx\n"
	"	je 3f\n"
	"2:	pause\n"
	"	jmp 2b\n"
	"3:	hlt\n"
	"	jmp 3b\n"
	"probe_tick:\n"
	"	jmp probe_good\n"
	"probe_fault:\n"
	"	cmp $5, %ebx\n"
	"	jne probe_bad\n"
	"	mov %cr2, %rax\n"
	"	cmp $0x400000, %rax\n"
	"	jne probe_bad\n"
	"	cmpq $0, (%rsp)\n" /* reads, by us, what isn't there */
	"	jne probe_bad\n"
	"probe_good:\n"
	"	mov $1, %al\n"
	"	out %al, $0xf4\n"
	"probe_bad:\n"
	"	mov $2, %al\n"
	"	out %al, $0xf4\n"
	"4:	hlt\n"
	"	jmp 4b\n"
	"probe_guest_end:\n"
	".popsection\n");
