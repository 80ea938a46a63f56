#include "keys/message.h"

#include <string.h>

#include "base/mem.h"

void keys_key_wipe(struct keys_key *k)
{
	secret_wipe(k, sizeof(*k));
}

void keys_keys_wipe(struct keys_keys *k)
{
	secret_wipe(k, sizeof(*k));
}

/* ---- reading ---- */

static bool is_type(uint8_t t)
{
	return (t >= KEYS_GET && t <= KEYS_EPOCH_IS) ||
	       (t >= KEYS_PUSH && t <= KEYS_HELD);
}

enum rc keys_read_head(struct keys_head *out, struct span *body)
{
	struct span rest = *body;
	struct keys_head h = { 0 };
	uint8_t version, type;

	if (!rd_u8(&rest, &version))
		return RC_MALFORMED;
	if (version != KEYS_VERSION_ONE)
		return RC_UNSUPPORTED;
	if (!rd_u8(&rest, &type) || !is_type(type) ||
	    !rd_copy(&rest, h.session, sizeof(h.session)) ||
	    !rd_be32(&rest, &h.sequence))
		return RC_MALFORMED;
	h.type = (enum keys_type)type;
	*out = h;
	*body = rest;
	return RC_OK;
}

/* A purpose, as a string. */
static bool read_purpose(char out[KEYS_PURPOSE_MAX + 1], struct span *from)
{
	struct span text;

	if (!rd_vec8(from, &text) || !keys_is_purpose(text))
		return false;
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return true;
}

static bool read_wanted(struct keys_wanted *out, struct span *from)
{
	uint8_t scope;

	if (!rd_be32(from, &out->epoch) || !rd_u8(from, &scope) ||
	    (scope != KEYS_OF_APP && scope != KEYS_OF_INSTANCE))
		return false;
	out->scope = (enum keys_scope)scope;
	return read_purpose(out->purpose, from);
}

static bool read_count(size_t *out, struct span *from)
{
	uint8_t count;

	if (!rd_u8(from, &count) || count == 0 || count > KEYS_WANTED_MAX)
		return false;
	*out = count;
	return true;
}

enum rc keys_read_get(struct keys_get *out, struct span rest)
{
	struct keys_get m = { 0 };

	if (!read_count(&m.count, &rest))
		return RC_MALFORMED;
	for (size_t i = 0; i < m.count; i++)
		if (!read_wanted(&m.wanted[i], &rest))
			return RC_MALFORMED;
	if (!rd_end(&rest))
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

static bool read_key(struct keys_key *out, struct span *from)
{
	return rd_be32(from, &out->epoch) && out->epoch &&
	       rd_copy(from, out->key.b, sizeof(out->key.b));
}

enum rc keys_read_keys(struct keys_keys *out, struct span rest)
{
	AUTO(keys_keys_wipe)
	struct keys_keys m = { 0 };

	if (!read_count(&m.count, &rest))
		return RC_MALFORMED;
	for (size_t i = 0; i < m.count; i++)
		if (!read_key(&m.keys[i], &rest))
			return RC_MALFORMED;
	if (!rd_end(&rest))
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

enum rc keys_read_refused(struct keys_refused *out, struct span rest)
{
	struct keys_refused m = { 0 };
	struct span detail;
	uint16_t reason;

	if (!rd_be16(&rest, &reason) || reason == KEYS_OK ||
	    !rd_vec8(&rest, &detail) || !rd_end(&rest) ||
	    detail.n >= sizeof(m.detail))
		return RC_MALFORMED;
	m.reason = reason < KEYS_REASON_COUNT ? (enum keys_reason)reason
					      : KEYS_UNKNOWN;
	for (size_t i = 0; i < detail.n; i++) {
		char c = (char)detail.p[i];

		m.detail[i] = c < ' ' || c > '~' ? '?' : c;
	}
	*out = m;
	return RC_OK;
}

enum rc keys_read_epoch(struct keys_epoch *out, struct span rest)
{
	struct keys_epoch m = { 0 };

	if (!read_purpose(m.name, &rest) || !rd_be64(&rest, &m.raise_to) ||
	    !rd_end(&rest))
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

enum rc keys_read_epoch_is(uint64_t *out, struct span rest)
{
	uint64_t value;

	if (!rd_be64(&rest, &value) || !rd_end(&rest))
		return RC_MALFORMED;
	*out = value;
	return RC_OK;
}

/* ---- writing ---- */

void keys_write_head(struct wr *w, const struct keys_head *h)
{
	wr_u8(w, KEYS_VERSION_ONE);
	wr_u8(w, (uint8_t)h->type);
	wr_bytes(w, SPAN_ARRAY(h->session));
	wr_be32(w, h->sequence);
}

void keys_write_get(struct wr *w, const struct keys_head *h,
		    const struct keys_get *m)
{
	keys_write_head(w, h);
	wr_u8(w, (uint8_t)m->count);
	for (size_t i = 0; i < m->count; i++) {
		wr_be32(w, m->wanted[i].epoch);
		wr_u8(w, (uint8_t)m->wanted[i].scope);
		wr_vec8(w, span_str(m->wanted[i].purpose));
	}
}

void keys_write_keys(struct wr *w, const struct keys_head *h,
		     const struct keys_keys *m)
{
	keys_write_head(w, h);
	wr_u8(w, (uint8_t)m->count);
	for (size_t i = 0; i < m->count; i++) {
		wr_be32(w, m->keys[i].epoch);
		wr_bytes(w, SPAN_ARRAY(m->keys[i].key.b));
	}
}

void keys_write_refused(struct wr *w, const struct keys_head *h,
			const struct keys_refused *m)
{
	keys_write_head(w, h);
	wr_be16(w, (uint16_t)m->reason);
	wr_vec8(w, span_str(m->detail));
}

void keys_write_epoch(struct wr *w, const struct keys_head *h,
		      const struct keys_epoch *m)
{
	keys_write_head(w, h);
	wr_vec8(w, span_str(m->name));
	wr_be64(w, m->raise_to);
}

void keys_write_epoch_is(struct wr *w, const struct keys_head *h,
			 uint64_t value)
{
	keys_write_head(w, h);
	wr_be64(w, value);
}
