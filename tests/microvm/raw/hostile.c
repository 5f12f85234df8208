/*
 * A guest without an operating system, which does to its devices what no driver would: registers in any order,
 * queues anywhere, descriptors in loops, indices that jump while the device reads, doorbells without an end. It runs in
 * flat 32-bit mode, as PVH enters it, and needs nothing of a processor that a limited KVM lacks. Whatever it does, its
 * launcher has to survive it, or to end with words.
 *
 * Of its command line it takes seed=N and rounds=N. At the end it says so on the first serial port and powers off.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum {
	SERIAL = 0x3f8,
	SLEEP = 0x600,
	POWER_OFF = 5 << 2 | 0x20,
	PCI_ADDRESS = 0xcf8,
	PCI_DATA = 0xcfc,
	SLOTS = 32,
	BARS = 6,
	WINDOW = 0xc0000000, /* from here on BARs are put */
	ARENA = 0x2000000,   /* what queues and buffers are in, and what devices write into */
	ARENA_BYTES = 0x100000,
	COMMON = 0,
	NOTIFY = 0x3000,
	QUEUES = 4,
};

/* ---- the machine -------------------------------------------------------------------------------- */

static void out8(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void out16(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static void out32(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static u8 in8(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static u32 in32(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void say(const char *text)
{
	for (; *text; text++)
		out8(SERIAL, (u8)*text);
}

static void say_number(u32 n)
{
	char digits[12];
	int at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	say(digits + at);
}

/* ---- chance ------------------------------------------------------------------------------------- */

static u32 state = 1;

static u32 any(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static u32 below(u32 n)
{
	return any() % n;
}

/* What is at an edge more often than what isn't. */
static u32 value(void)
{
	static const u32 edges[] = { 0,      1,          2,          0x7fff,     0x8000,
				     0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

	switch (below(4)) {
	case 0:
		return edges[below(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return below(64);
	case 2:
		return 1u << below(32);
	default:
		return any();
	}
}

/* An address: in the arena, at its edges, at memory's end, in a device, nowhere. */
static u64 address(void)
{
	switch (below(8)) {
	case 0:
		return any();
	case 1:
		return (u64)any() << 32 | any();
	case 2:
		return WINDOW + below(0x100000);
	case 3:
		return 0xffffffffffffff00ull + below(256);
	case 4:
		return 0x4000000 - below(8192); /* of 64 MiB */
	default:
		return ARENA + (below(ARENA_BYTES) & ~(below(2) ? 15u : 4095u));
	}
}

/* ---- the bus ------------------------------------------------------------------------------------- */

static u32 bars[SLOTS]; /* where the first one of each is; 0: there is none */

static void at_config(u32 slot, u32 offset)
{
	out32(PCI_ADDRESS, 0x80000000 | slot << 11 | (offset & 0xfc));
}

static void find_devices(void)
{
	for (u32 slot = 0; slot < SLOTS; slot++) {
		at_config(slot, 0);
		if ((in32(PCI_DATA) & 0xffff) == 0xffff)
			continue;
		at_config(slot, 8);
		if (in32(PCI_DATA) >> 24 == 6) /* the bridge */
			continue;
		bars[slot] = WINDOW + slot * 0x10000;
		at_config(slot, 0x10);
		out32(PCI_DATA, bars[slot]);
		at_config(slot, 4);
		out16(PCI_DATA, 6);
	}
}

static u32 a_device(void)
{
	for (;;) {
		u32 slot = below(SLOTS);

		if (bars[slot])
			return slot;
	}
}

static void poke(u32 at, u32 v)
{
	switch (below(3)) {
	case 0:
		*(volatile u8 *)at = (u8)v;
		break;
	case 1:
		*(volatile u16 *)(at & ~(below(4) ? 1u : 0u)) = (u16)v;
		break;
	default:
		*(volatile u32 *)(at & ~(below(4) ? 3u : 0u)) = v;
	}
}

static void peek(u32 at)
{
	switch (below(3)) {
	case 0:
		(void)*(volatile u8 *)at;
		break;
	case 1:
		(void)*(volatile u16 *)at;
		break;
	default:
		(void)*(volatile u32 *)(at & ~3u);
	}
}

/* ---- what it does --------------------------------------------------------------------------------- */

static void any_register(void)
{
	u32 slot = a_device(), at = bars[slot] + below(8) * 0x1000 + below(below(4) ? 64 : 0x1000);

	if (below(2))
		poke(at, value());
	else
		peek(at);
}

static void any_configuration(void)
{
	u32 slot = a_device();

	at_config(slot, below(256));
	if (below(2))
		(void)in32(PCI_DATA);
	else
		out32(PCI_DATA, value());
	/* Back where it can be reached, most times. */
	if (below(8)) {
		at_config(slot, 0x10);
		out32(PCI_DATA, bars[slot]);
		at_config(slot, 4);
		out16(PCI_DATA, 6);
	}
}

/* All but what ends the machine. */
static void any_port(void)
{
	static const u16 ports[] = { 0x20, 0x40,  0x60,  0x64,  0x70, 0x71,
				     0x80, 0xcf8, 0xcfc, 0x3f8, 0x601 };
	u16 port = below(2) ? ports[below(sizeof(ports) / sizeof(ports[0]))] : (u16)any();
	u8 v = (u8)value();

	if ((port >= SLEEP - 3 && port <= SLEEP) || (port >= 0xcf9 - 3 && port <= 0xcf9) ||
	    (port == 0x64 && v >= 0xf0))
		return;
	/* The words of its end are on it. */
	if (port >= SERIAL && port < SERIAL + 8 && port != SERIAL + 7)
		return;
	if (below(2))
		(void)in8(port);
	else
		out8(port, v);
}

struct descriptor {
	u64 at;
	u32 len;
	u16 flags, next;
};

static void fill_arena(void)
{
	volatile struct descriptor *d = (volatile struct descriptor *)ARENA;

	for (u32 i = 0; i < 64; i++) {
		volatile struct descriptor *one = d + below(ARENA_BYTES / sizeof(*d));

		one->at = address();
		one->len = below(4) ? below(70000) : value();
		one->flags = (u16)(below(4) ? below(8) : any());
		one->next = (u16)(below(4) ? below(16) : any());
	}
	for (u32 i = 0; i < 64; i++)
		*(volatile u32 *)(ARENA + (below(ARENA_BYTES) & ~3u)) = value();
}

static void put64(u32 at, u64 v)
{
	*(volatile u32 *)at = (u32)v;
	*(volatile u32 *)(at + 4) = (u32)(v >> 32);
}

/* As a driver does it, but for what chance puts in the place of its numbers. */
static void begin_device(void)
{
	u32 bar = bars[a_device()];
	volatile u8 *status = (volatile u8 *)(bar + COMMON + 20);
	u32 features;

	*status = 0;
	*status = 3;
	for (u32 word = 0; word < 2; word++) {
		*(volatile u32 *)(bar + COMMON) = word;
		features = *(volatile u32 *)(bar + COMMON + 4);
		*(volatile u32 *)(bar + COMMON + 8) = word;
		*(volatile u32 *)(bar + COMMON + 12) = word ? features : features & any();
	}
	*status = 11;
	for (u16 q = 0; q < QUEUES; q++) {
		*(volatile u16 *)(bar + COMMON + 22) = q;
		if (below(4) == 0)
			*(volatile u16 *)(bar + COMMON + 24) = (u16)value();
		else
			*(volatile u16 *)(bar + COMMON + 24) = (u16)(1 << below(9));
		*(volatile u16 *)(bar + COMMON + 26) = (u16)below(4);
		put64(bar + COMMON + 32, address());
		put64(bar + COMMON + 40, address());
		put64(bar + COMMON + 48, address());
		*(volatile u16 *)(bar + COMMON + 28) = 1;
	}
	*status = (u8)(below(8) ? 15 : any());
}

/* The doorbell, and meanwhile the indices are others. */
static void storm(void)
{
	u32 bar = bars[a_device()];

	for (u32 i = below(64); i > 0; i--) {
		*(volatile u16 *)(bar + NOTIFY + 4 * below(QUEUES)) = (u16)below(QUEUES);
		*(volatile u32 *)(ARENA + (below(ARENA_BYTES) & ~3u)) = value();
	}
}

/* ---- its way ---------------------------------------------------------------------------------------- */

static u32 number_behind(const char *text, const char *name, u32 otherwise)
{
	for (; *text; text++) {
		const char *a = text, *b = name;
		u32 n = 0;

		while (*b && *a == *b)
			a++, b++;
		if (*b)
			continue;
		for (; *a >= '0' && *a <= '9'; a++)
			n = n * 10 + (u32)(*a - '0');
		return n;
	}
	return otherwise;
}

/* `start` is PVH's start_info: the address of the command line is at 24. */
void run(const u32 *start);
void run(const u32 *start)
{
	static void (*const deeds[])(
		void) = { any_register, any_configuration, any_port, fill_arena,
			  begin_device, begin_device,      storm,    storm };
	const char *line = (const char *)start[6];
	u32 rounds = number_behind(line, "rounds=", 10000);

	state = number_behind(line, "seed=", 1) * 2654435761u | 1;
	find_devices();
	for (u32 i = 0; i < rounds; i++)
		deeds[below(sizeof(deeds) / sizeof(deeds[0]))]();
	say("done after ");
	say_number(rounds);
	say(" rounds\n");
	out8(SLEEP, POWER_OFF);
	for (;;)
		__asm__ volatile("hlt");
}

__asm__(".section .note.Xen, \"a\", @note\n"
	".long 4, 4, 18\n" /* XEN_ELFNOTE_PHYS32_ENTRY */
	".asciz \"Xen\"\n"
	".long enter\n"
	".text\n"
	".globl enter\n"
	"enter:\n"
	"mov $0x3000000, %esp\n"
	"push %ebx\n"
	"call run\n");
