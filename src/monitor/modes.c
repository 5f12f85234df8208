#include "monitor/modes.h"

#include "base/cleanup.h"

#define ESC '\x1b'

/* xterm's control sequences, ctlseqs: those that full-screen programs use. The screen is first: others are
 * kept per screen by some terminals. */
static const struct row {
	uint16_t number; /* of DECSET and DECRST; 0: ESC = and ESC > */
	bool on;         /* at first */
} rows[] = {
	{ 1049, false }, { 1047, false }, { 47, false },   { 1, false },
	{ 7, true },     { 25, true },    { 9, false },    { 1000, false },
	{ 1002, false }, { 1003, false }, { 1004, false }, { 1005, false },
	{ 1006, false }, { 1015, false }, { 2004, false }, { 0, false },
};

#define SCREENS 3
#define KEYPAD (ARRAY_LEN(rows) - 1)

enum { TEXT, ESCAPE, CSI, PRIVATE, IGNORED };

static void set(struct modes *m, size_t row, bool on)
{
	uint32_t bit = UINT32_C(1) << row;

	m->changed = on == rows[row].on ? m->changed & ~bit : m->changed | bit;
}

static void parameter_end(struct modes *m)
{
	for (size_t i = 0; i < KEYPAD; i++)
		if (rows[i].number == m->number)
			m->named |= UINT32_C(1) << i;
	m->number = 0;
}

static void private_end(struct modes *m, char c)
{
	parameter_end(m);
	for (size_t i = 0; i < KEYPAD && (c == 'h' || c == 'l'); i++)
		if (m->named & UINT32_C(1) << i)
			set(m, i, c == 'h');
	m->state = TEXT;
}

static void escape(struct modes *m, char c)
{
	m->state = c == '[' ? CSI : TEXT;
	m->styled = true;
	m->named = 0;
	m->number = 0;
	if (c == '=' || c == '>')
		set(m, KEYPAD, c == '=');
	/* RIS: all is as at first. */
	if (c == 'c')
		*m = (struct modes){ .styled = true };
}

static void in_private(struct modes *m, char c)
{
	if (c >= '0' && c <= '9')
		m->number = (uint16_t)(m->number < 6000 ? m->number * 10 + (c - '0') : 60000);
	else if (c == ';')
		parameter_end(m);
	else if (c >= '@')
		private_end(m, c);
	else
		m->state = IGNORED;
}

static void one(struct modes *m, char c)
{
	if (c == ESC) {
		m->state = ESCAPE;
		return;
	}
	/* CAN and SUB end a sequence; other controls are obeyed in the midst of it. */
	if ((unsigned char)c < ' ') {
		if (c == '\x18' || c == '\x1a')
			m->state = TEXT;
		return;
	}
	switch (m->state) {
	case ESCAPE:
		escape(m, c);
		break;
	case CSI:
		m->state = c == '?' ? PRIVATE : c >= '@' ? TEXT : IGNORED;
		break;
	case PRIVATE:
		in_private(m, c);
		break;
	case IGNORED:
		if (c >= '@')
			m->state = TEXT;
		break;
	default:
		break;
	}
}

void modes_follow(struct modes *m, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (m->state != TEXT || bytes[i] == ESC)
			one(m, bytes[i]);
}

bool modes_full_screen(const struct modes *m)
{
	return m->changed & ((UINT32_C(1) << SCREENS) - 1);
}

static void row_put(size_t i, bool on, struct str *out)
{
	if (i == KEYPAD)
		str_printf(out, "\x1b%c", on ? '=' : '>');
	else
		str_printf(out, "\x1b[?%u%c", rows[i].number, on ? 'h' : 'l');
}

void modes_do(const struct modes *m, struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (m->changed & UINT32_C(1) << i)
			row_put(i, !rows[i].on, out);
}

/* Colours, the set of characters and the region that scrolls have no state here, and no harm is in this. */
void modes_undo(const struct modes *m, struct str *out)
{
	if (m->styled)
		str_add(out, "\x1b[m\x1b(B");
	if (m->changed)
		str_add(out, "\x1b[r");
	for (size_t i = ARRAY_LEN(rows); i-- > 0;)
		if (m->changed & UINT32_C(1) << i)
			row_put(i, rows[i].on, out);
}
