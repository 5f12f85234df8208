#include "microvm/serial.h"

#include <errno.h>
#include <string.h>

/* Registers by offset; the first two are the divisor while LCR says so. PC16550D data sheet. */
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

#define IER_RECEIVED 0x01
#define IER_EMPTY 0x02
#define IIR_NONE 0x01
#define IIR_EMPTY 0x02
#define IIR_RECEIVED 0x04
#define IIR_FIFO 0xc0
#define FCR_FIFO 0x01
#define FCR_CLEAR 0x02 /* what was received */
#define LCR_DIVISOR 0x80
#define LSR_RECEIVED 0x01
#define LSR_EMPTY 0x60 /* holding and shift register */
#define MCR_LOOP 0x10
#define MSR_CONNECTED 0xb0 /* carrier, ready, clear to send */

static void update(struct serial *s)
{
	/* The transmitter is always empty: its interrupt is due when it is asked for, until IIR was read. */
	bool up = ((s->ier & IER_EMPTY) && s->empty_pending) ||
		  ((s->ier & IER_RECEIVED) && s->count);

	if (up == s->up)
		return;
	s->up = up;
	s->irq(s->arg, up);
}

/* What Linux asks for when it looks for a UART: in a loop, the modem's lines are those of MCR. */
static uint8_t modem_lines(const struct serial *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_CONNECTED;
	return (uint8_t)((s->mcr & 0x0c) << 4 | (s->mcr & 0x02) << 3 | (s->mcr & 0x01) << 5);
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t fifo = s->fifo ? IIR_FIFO : 0;

	if (!s->up)
		return fifo | IIR_NONE;
	if ((s->ier & IER_RECEIVED) && s->count)
		return fifo | IIR_RECEIVED;
	s->empty_pending = false;
	update(s);
	return fifo | IIR_EMPTY;
}

static unsigned int room(const struct serial *s)
{
	return (s->fifo ? SERIAL_FIFO : 1) - (s->count ? s->fifo ? s->count : 1 : 0);
}

static void receive(struct serial *s, uint8_t byte)
{
	s->received[(s->first + s->count++) % SERIAL_FIFO] = byte;
	update(s);
}

bool serial_put(struct serial *s, uint8_t byte)
{
	s->waited = !(s->ier & IER_RECEIVED) || (s->mcr & MCR_LOOP) || !room(s);
	if (!s->waited)
		receive(s, byte);
	return !s->waited;
}

/* Something has changed that who waits should try again for. */
static void try_again(struct serial *s)
{
	if (!s->waited || !(s->ier & IER_RECEIVED) || !room(s))
		return;
	s->waited = false;
	s->room(s->arg);
}

static uint8_t read_data(struct serial *s)
{
	uint8_t byte = s->received[s->first];

	if (!s->count)
		return 0;
	s->first = (s->first + 1) % SERIAL_FIFO;
	s->count--;
	update(s);
	try_again(s);
	return byte;
}

uint8_t serial_read(struct serial *s, unsigned int offset)
{
	bool divisor = s->lcr & LCR_DIVISOR;

	switch (offset) {
	case DATA:
		return divisor ? s->dll : read_data(s);
	case IER:
		return divisor ? s->dlm : s->ier;
	case IIR:
		return read_iir(s);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return LSR_EMPTY | (s->count ? LSR_RECEIVED : 0);
	case MSR:
		return modem_lines(s);
	default:
		return s->scr;
	}
}

static void write_data(struct serial *s, uint8_t value)
{
	if (!(s->mcr & MCR_LOOP))
		s->send(s->arg, value);
	else if (room(s))
		receive(s, value);
	/* A new edge for each byte: gone down, and up again as it is sent. */
	s->empty_pending = false;
	update(s);
	s->empty_pending = true;
	update(s);
}

static void write_ier(struct serial *s, uint8_t value)
{
	if (!(s->ier & IER_EMPTY) && (value & IER_EMPTY))
		s->empty_pending = true;
	s->ier = value & 0x0f;
	update(s);
	try_again(s);
}

static void write_fcr(struct serial *s, uint8_t value)
{
	/* Either way from one kind of UART to the other clears, too. */
	if (s->fifo != (value & FCR_FIFO) || (value & FCR_CLEAR))
		s->first = s->count = 0;
	s->fifo = value & FCR_FIFO;
	update(s);
	try_again(s);
}

static void write_mcr(struct serial *s, uint8_t value)
{
	s->mcr = value & 0x1f;
	try_again(s);
}

void serial_write(struct serial *s, unsigned int offset, uint8_t value)
{
	bool divisor = s->lcr & LCR_DIVISOR;

	if (offset == DATA && divisor)
		s->dll = value;
	else if (offset == DATA)
		write_data(s, value);
	else if (offset == IER && divisor)
		s->dlm = value;
	else if (offset == IER)
		write_ier(s, value);
	else if (offset == IIR)
		write_fcr(s, value);
	else if (offset == LCR)
		s->lcr = value;
	else if (offset == MCR)
		write_mcr(s, value);
	else if (offset == SCR)
		s->scr = value;
}

void serial_save(const struct serial *s, struct serial_state *ret)
{
	*ret = (struct serial_state){ .first = s->first,
				      .count = s->count,
				      .ier = s->ier,
				      .lcr = s->lcr,
				      .mcr = s->mcr,
				      .scr = s->scr,
				      .dll = s->dll,
				      .dlm = s->dlm,
				      .fifo = s->fifo,
				      .empty_pending = s->empty_pending };
	memcpy(ret->received, s->received, sizeof(ret->received));
}

int serial_load(struct serial *s, const struct serial_state *state)
{
	if (state->first >= SERIAL_FIFO || state->count > SERIAL_FIFO || state->fifo > FCR_FIFO ||
	    (!state->fifo && state->count > 1))
		return -EINVAL;
	memcpy(s->received, state->received, sizeof(s->received));
	s->first = state->first;
	s->count = state->count;
	s->ier = state->ier & 0x0f;
	s->lcr = state->lcr;
	s->mcr = state->mcr & 0x1f;
	s->scr = state->scr;
	s->dll = state->dll;
	s->dlm = state->dlm;
	s->fifo = state->fifo;
	s->empty_pending = state->empty_pending;
	s->up = false;
	update(s);
	return 0;
}
