#include "channel/message.h"

#include <string.h>

enum {
	FAMILY_4 = 4,
	FAMILY_6 = 6,
	WIRE_CLIENT = 1,
	WIRE_SERVER = 2,
};

size_t message_max(uint8_t type)
{
	switch (type) {
	case MESSAGE_HELLO:
		return MESSAGE_HELLO_MAX;
	case MESSAGE_EVIDENCE:
		return MESSAGE_EVIDENCE_MAX;
	case MESSAGE_KEY:
		return MESSAGE_KEY_LEN;
	case MESSAGE_ASSIGN:
		return MESSAGE_ASSIGN_MAX;
	case MESSAGE_REFUSE:
	case MESSAGE_WITHDRAW:
		return MESSAGE_REFUSE_MAX;
	case MESSAGE_DATA:
		return CHANNEL_DATA_MAX;
	default:
		return 0;
	}
}

static struct wr_mark open_frame(struct wr *w, enum message_type type)
{
	wr_u8(w, (uint8_t)type);
	return wr_open(w, 3);
}

/* The version comes first in every version's HELLO, and is judged first. */
enum rc message_read_hello(struct message_hello *out, struct span body)
{
	struct message_hello m = { 0 };
	uint8_t role;

	if (!rd_be16(&body, &m.version))
		return RC_MALFORMED;
	if (m.version != CHANNEL_VERSION)
		return RC_UNSUPPORTED;
	if (!rd_u8(&body, &role) ||
	    !rd_be32(&body, &m.round) ||
	    !rd_copy(&body, m.nonce, sizeof(m.nonce)) || !rd_end(&body))
		return RC_MALFORMED;
	if (role != WIRE_CLIENT && role != WIRE_SERVER)
		return RC_MALFORMED;
	m.role = role == WIRE_CLIENT ? CHANNEL_CLIENT : CHANNEL_SERVER;
	*out = m;
	return RC_OK;
}

void message_write_hello(struct wr *w, const struct message_hello *m)
{
	struct wr_mark frame = open_frame(w, MESSAGE_HELLO);

	wr_be16(w, m->version);
	wr_u8(w, m->role == CHANNEL_CLIENT ? WIRE_CLIENT : WIRE_SERVER);
	wr_be32(w, m->round);
	wr_bytes(w, SPAN_ARRAY(m->nonce));
	wr_close(w, frame);
}

static bool read_path(struct message_evidence *m, struct span path)
{
	m->path_count = path.n / MERKLE_HASH_LEN;
	if (path.n % MERKLE_HASH_LEN || m->path_count > MERKLE_PATH_MAX)
		return false;
	for (size_t i = 0; i < m->path_count; i++)
		if (!rd_copy(&path, m->path[i].b, MERKLE_HASH_LEN))
			return false;
	return true;
}

enum rc message_read_evidence(struct message_evidence *out, struct span body)
{
	struct message_evidence m = { 0 };
	struct span path;

	if (!rd_be32(&body, &m.round) ||
	    !rd_be64(&body, &m.leaf_index) ||
	    !rd_be64(&body, &m.leaf_count) ||
	    !rd_vec16(&body, &path) || !read_path(&m, path) ||
	    !rd_vec16(&body, &m.claims) ||
	    !rd_vec24(&body, &m.manifest) ||
	    !rd_vec24(&body, &m.eventlog) ||
	    !rd_vec24(&body, &m.quote) || !rd_end(&body))
		return RC_MALFORMED;
	if (m.leaf_index >= m.leaf_count ||
	    m.claims.n > CHANNEL_CLAIMS_MAX || m.manifest.n > MANIFEST_MAX ||
	    m.eventlog.n > EVENTLOG_MAX || m.quote.n > QUOTE_MAX)
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

void message_write_evidence(struct wr *w, const struct message_evidence *m)
{
	struct wr_mark frame = open_frame(w, MESSAGE_EVIDENCE), path;

	wr_be32(w, m->round);
	wr_be64(w, m->leaf_index);
	wr_be64(w, m->leaf_count);
	path = wr_open(w, 2);
	for (size_t i = 0; i < m->path_count; i++)
		wr_bytes(w, SPAN_ARRAY(m->path[i].b));
	wr_close(w, path);
	wr_vec16(w, m->claims);
	wr_vec24(w, m->manifest);
	wr_vec24(w, m->eventlog);
	wr_vec24(w, m->quote);
	wr_close(w, frame);
}

enum rc message_read_key(struct message_key *out, struct span body)
{
	struct message_key m = { 0 };

	if (!rd_be32(&body, &m.round) ||
	    !rd_copy(&body, m.wg_public, sizeof(m.wg_public)) || !rd_end(&body))
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

void message_write_key(struct wr *w, const struct message_key *m)
{
	struct wr_mark frame = open_frame(w, MESSAGE_KEY);

	wr_be32(w, m->round);
	wr_bytes(w, SPAN_ARRAY(m->wg_public));
	wr_close(w, frame);
}

/* Address bytes of a family; 0: no such family. */
static size_t family_len(uint8_t family)
{
	switch (family) {
	case FAMILY_4:
		return 4;
	case FAMILY_6:
		return 16;
	default:
		return 0;
	}
}

static bool prefix_is_sound(const struct channel_prefix *p)
{
	size_t n = family_len(p->family);

	return n && p->len <= n * 8;
}

static bool prefix_is_host(const struct channel_prefix *p)
{
	return prefix_is_sound(p) && p->len == family_len(p->family) * 8;
}

/* No bit is set behind the prefix's length. */
static bool prefix_is_network(const struct channel_prefix *p)
{
	size_t n = family_len(p->family);

	if (!prefix_is_sound(p))
		return false;
	for (size_t bit = p->len; bit < n * 8; bit++)
		if (p->bytes[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

bool message_assignment_is_sound(const struct channel_assignment *a)
{
	if (!prefix_is_sound(&a->address) || !prefix_is_sound(&a->gateway) ||
	    !prefix_is_host(&a->endpoint_ip) || a->endpoint_port == 0 ||
	    a->lease_ms == 0 || a->allowed_count > CHANNEL_ALLOWED_MAX)
		return false;
	for (size_t i = 0; i < a->allowed_count; i++)
		if (!prefix_is_network(&a->allowed[i]))
			return false;
	return true;
}

static bool read_prefix(struct span *s, struct channel_prefix *out)
{
	struct channel_prefix p = { 0 };

	if (!rd_u8(s, &p.family) ||
	    !rd_u8(s, &p.len) || !prefix_is_sound(&p) ||
	    !rd_copy(s, p.bytes, family_len(p.family)))
		return false;
	*out = p;
	return true;
}

static void write_prefix(struct wr *w, const struct channel_prefix *p)
{
	wr_u8(w, p->family);
	wr_u8(w, p->len);
	wr_bytes(w, span_of(p->bytes, family_len(p->family)));
}

enum rc message_read_assign(struct message_assign *out, struct span body)
{
	struct message_assign m = { 0 };
	struct channel_assignment *a = &m.assignment;
	uint8_t count;

	if (!rd_be32(&body, &m.round) ||
	    !rd_copy(&body, a->wg_public, sizeof(a->wg_public)) ||
	    !read_prefix(&body, &a->address) ||
	    !read_prefix(&body, &a->gateway) ||
	    !read_prefix(&body, &a->endpoint_ip) ||
	    !rd_be16(&body, &a->endpoint_port) ||
	    !rd_be32(&body, &a->lease_ms) ||
	    !rd_be16(&body, &a->keepalive_s) ||
	    !rd_u8(&body, &count) || count > CHANNEL_ALLOWED_MAX)
		return RC_MALFORMED;
	a->allowed_count = count;
	for (size_t i = 0; i < count; i++)
		if (!read_prefix(&body, &a->allowed[i]))
			return RC_MALFORMED;
	if (!rd_end(&body) || !message_assignment_is_sound(a))
		return RC_MALFORMED;
	*out = m;
	return RC_OK;
}

void message_write_assign(struct wr *w, const struct message_assign *m)
{
	const struct channel_assignment *a = &m->assignment;
	struct wr_mark frame = open_frame(w, MESSAGE_ASSIGN);

	wr_be32(w, m->round);
	wr_bytes(w, SPAN_ARRAY(a->wg_public));
	write_prefix(w, &a->address);
	write_prefix(w, &a->gateway);
	write_prefix(w, &a->endpoint_ip);
	wr_be16(w, a->endpoint_port);
	wr_be32(w, a->lease_ms);
	wr_be16(w, a->keepalive_s);
	wr_u8(w, (uint8_t)a->allowed_count);
	for (size_t i = 0; i < a->allowed_count; i++)
		write_prefix(w, &a->allowed[i]);
	wr_close(w, frame);
}

static enum channel_reason reason_of(uint16_t number)
{
	if (number >= CHANNEL_REASON_COUNT)
		return CHANNEL_UNKNOWN;
	return (enum channel_reason)number;
}

enum rc message_read_refusal(struct message_refusal *out, struct span body)
{
	struct message_refusal m = { 0 };
	struct span detail;
	uint16_t reason;

	if (!rd_be16(&body, &reason) ||
	    !rd_vec8(&body, &detail) || !rd_end(&body))
		return RC_MALFORMED;
	if (reason == CHANNEL_OK)
		return RC_MALFORMED;
	m.reason = reason_of(reason);
	static_assert(sizeof(m.detail) > UINT8_MAX);
	for (size_t i = 0; i < detail.n; i++) {
		bool is_printable = detail.p[i] >= 0x20 && detail.p[i] < 0x7f;

		m.detail[i] = is_printable ? (char)detail.p[i] : '?';
	}
	*out = m;
	return RC_OK;
}

void message_write_refusal(struct wr *w, enum message_type type,
			   const struct message_refusal *m)
{
	struct wr_mark frame = open_frame(w, type);

	wr_be16(w, (uint16_t)m->reason);
	wr_vec8(w, span_of(m->detail, strnlen(m->detail, UINT8_MAX)));
	wr_close(w, frame);
}

void message_write_data(struct wr *w, struct span body)
{
	struct wr_mark frame = open_frame(w, MESSAGE_DATA);

	wr_bytes(w, body);
	wr_close(w, frame);
}
