/* A stream's channels as they are, for who goes on with it elsewhere: numbers first, then the bytes that wait. */
#include "wire/channels.h"

#include <errno.h>
#include <string.h>

struct channel_state {
	uint32_t credit, waits;
	uint8_t ended, end_came, parted, zero;
};

struct channels_state {
	uint32_t sent, came, in, out;
	struct channel_state channel[CHANNELS];
};

void channels_save(const struct channels *s, struct str *out)
{
	const struct wire *w = &s->wire;
	struct channels_state state = { .sent = w->sent,
					.came = w->came,
					.in = (uint32_t)(w->in_len - w->in_used),
					.out = (uint32_t)backlog_len(&w->out) };

	for (unsigned int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &s->channel[i];

		state.channel[i] =
			(struct channel_state){ .credit = c->credit,
						.waits = (uint32_t)backlog_len(&c->waits),
						.ended = c->ended,
						.end_came = c->end_came,
						.parted = c->fd < 0 };
	}
	str_add_bytes(out, &state, sizeof(state));
	str_add_bytes(out, w->in + w->in_used, state.in);
	str_add_bytes(out, backlog_head(&w->out), state.out);
	for (unsigned int i = 0; i < CHANNELS; i++)
		str_add_bytes(out, backlog_head(&s->channel[i].waits), state.channel[i].waits);
}

static bool fits(const struct channels *s, const struct channels_state *state, size_t len)
{
	uint64_t bytes = sizeof(*state) + (uint64_t)state->in + state->out;

	for (unsigned int i = 0; i < CHANNELS; i++) {
		const struct channel_state *c = &state->channel[i];

		if (c->credit > CHANNEL_WINDOW || c->waits > CHANNEL_WINDOW - c->credit ||
		    (c->waits && s->channel[i].source))
			return false;
		bytes += c->waits;
	}
	return bytes == len && state->in <= sizeof(((struct wire *)NULL)->in);
}

static void load_channel(struct channel *c, const struct channel_state *state, const char *waits)
{
	c->credit = state->credit;
	c->ended = state->ended;
	c->end_came = state->end_came;
	if (state->parted)
		c->fd = -1;
	backlog_add(&c->waits, waits, state->waits);
}

int channels_load(struct channels *s, const char *bytes, size_t len)
{
	struct channels_state state;
	struct wire *w = &s->wire;

	if (len < sizeof(state))
		return -EINVAL;
	memcpy(&state, bytes, sizeof(state));
	if (!fits(s, &state, len))
		return -EINVAL;
	bytes += sizeof(state);
	w->sent = state.sent;
	w->came = state.came;
	memcpy(w->in, bytes, state.in);
	w->in_len = state.in;
	bytes += state.in;
	backlog_add(&w->out, bytes, state.out);
	bytes += state.out;
	for (unsigned int i = 0; i < CHANNELS; i++) {
		load_channel(&s->channel[i], &state.channel[i], bytes);
		bytes += state.channel[i].waits;
	}
	return 0;
}
