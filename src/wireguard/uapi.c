#include "wireguard/uapi.h"

#include <string.h>

#include "base/text.h"

enum {
	LINE_MAX_LEN = 128, /* of those written */
};

enum place {
	IN_DEVICE, /* before the first peer */
	BEGINS_PEER,
	IN_PEER,
	FIRST_IN_PEER, /* before anything else of the peer */
};

/* How a value is read. */
enum form {
	FORM_KEY,
	FORM_TRUE, /* the word "true" alone */
	FORM_NUMBER,
	FORM_ENDPOINT,
	FORM_PREFIX,
};

static const struct line {
	const char *name;
	enum uapi_kind kind;
	enum place place;
	enum form form;
	uint32_t min, max; /* of a number */
} grammar[] = {
	/* clang-format off */
	{ "private_key", UAPI_PRIVATE_KEY, IN_DEVICE, FORM_KEY, 0, 0 },
	{ "listen_port", UAPI_LISTEN_PORT, IN_DEVICE, FORM_NUMBER, 0, UINT16_MAX },
	{ "fwmark", UAPI_FWMARK, IN_DEVICE, FORM_NUMBER, 0, UINT32_MAX },
	{ "replace_peers", UAPI_REPLACE_PEERS, IN_DEVICE, FORM_TRUE, 0, 0 },
	{ "public_key", UAPI_PUBLIC_KEY, BEGINS_PEER, FORM_KEY, 0, 0 },
	{ "remove", UAPI_REMOVE, IN_PEER, FORM_TRUE, 0, 0 },
	{ "update_only", UAPI_UPDATE_ONLY, FIRST_IN_PEER, FORM_TRUE, 0, 0 },
	{ "preshared_key", UAPI_PRESHARED_KEY, IN_PEER, FORM_KEY, 0, 0 },
	{ "endpoint", UAPI_ENDPOINT, IN_PEER, FORM_ENDPOINT, 0, 0 },
	{ "persistent_keepalive_interval", UAPI_KEEPALIVE, IN_PEER, FORM_NUMBER, 0, UINT16_MAX },
	{ "replace_allowed_ips", UAPI_REPLACE_ALLOWED, IN_PEER, FORM_TRUE, 0, 0 },
	{ "allowed_ip", UAPI_ALLOWED, IN_PEER, FORM_PREFIX, 0, 0 },
	{ "protocol_version", UAPI_PROTOCOL_VERSION, IN_PEER, FORM_NUMBER, 1, 1 },
	/* clang-format on */
};

size_t uapi_request_len(struct span received)
{
	const uint8_t *end;

	if (received.n && received.p[0] == '\n')
		return 1;
	end = received.n ? memmem(received.p, received.n, "\n\n", 2) : NULL;
	return end ? (size_t)(end - received.p) + 2 : 0;
}

enum uapi_operation uapi_begin(struct span *request)
{
	struct span line;

	if (!rd_until(request, &line, '\n'))
		return UAPI_BROKEN;
	if (span_equal_str(line, "get=1"))
		return UAPI_GET;
	return span_equal_str(line, "set=1") ? UAPI_SET : UAPI_BROKEN;
}

static bool may_stand(const struct uapi_reader *r, enum place place)
{
	switch (place) {
	case IN_DEVICE:
		return !r->is_in_peer;
	case BEGINS_PEER:
		return true;
	case IN_PEER:
		return r->is_in_peer;
	case FIRST_IN_PEER:
		return r->is_in_peer && !r->has_begun_peer;
	}
	return false;
}

static bool read_prefix(struct uapi_item *out, struct span value)
{
	out->is_removal = value.n && value.p[0] == '-';
	return (!out->is_removal || rd_skip(&value, 1)) &&
	       allowedips_prefix_parse(&out->prefix, value);
}

static bool read_value(struct uapi_item *out, const struct line *l,
		       struct span value)
{
	uint64_t number;

	switch (l->form) {
	case FORM_KEY:
		return text_hex_decode(out->key.b, sizeof(out->key.b), value);
	case FORM_TRUE:
		return span_equal_str(value, "true");
	case FORM_NUMBER:
		if (!text_u64(&number, value, l->max) || number < l->min)
			return false;
		out->number = (uint32_t)number;
		return true;
	case FORM_ENDPOINT:
		return endpoint_parse_scoped(&out->endpoint, out->scope, value);
	case FORM_PREFIX:
		return read_prefix(out, value);
	}
	return false;
}

static const struct line *line_of(struct span name)
{
	for (size_t i = 0; i < sizeof(grammar) / sizeof(*grammar); i++)
		if (span_equal_str(name, grammar[i].name))
			return &grammar[i];
	return NULL;
}

enum uapi_line uapi_next(struct uapi_reader *r, struct uapi_item *out,
			 struct span *lines)
{
	struct uapi_item item = { 0 };
	struct span line, name;
	const struct line *l;

	if (!rd_until(lines, &line, '\n') || line.n == 0)
		return UAPI_END;
	if (!memchr(line.p, '=', line.n) || !rd_until(&line, &name, '='))
		return UAPI_PROTOCOL;
	l = line_of(name);
	if (!l || !may_stand(r, l->place) || !read_value(&item, l, line))
		return UAPI_INVALID;
	item.kind = l->kind;
	r->is_in_peer |= l->place == BEGINS_PEER;
	r->has_begun_peer = l->place == IN_PEER;
	*out = item;
	key32_wipe(&item.key);
	return UAPI_ITEM;
}

enum uapi_line uapi_check(struct span lines)
{
	struct uapi_reader r = { 0 };
	struct uapi_item item;
	enum uapi_line answer;

	do
		answer = uapi_next(&r, &item, &lines);
	while (answer == UAPI_ITEM);
	secret_wipe(&item, sizeof(item));
	return answer;
}

static bool put_line(struct buf *out, struct wr *w)
{
	struct span line;

	wr_str(w, "\n");
	return wr_done(w, &line) && buf_add(out, line);
}

bool uapi_put_key(struct buf *out, const char *name,
		  const uint8_t key[UAPI_KEY_LEN])
{
	uint8_t text[LINE_MAX_LEN];
	struct wr w = WR_ARRAY(text);
	bool ok;

	wr_printf(&w, "%s=", name);
	text_hex(&w, span_of(key, UAPI_KEY_LEN));
	ok = put_line(out, &w);
	secret_wipe(text, sizeof(text));
	return ok;
}

bool uapi_put_number(struct buf *out, const char *name, uint64_t v)
{
	uint8_t text[LINE_MAX_LEN];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w, "%s=%llu", name, (unsigned long long)v);
	return put_line(out, &w);
}

bool uapi_put_endpoint(struct buf *out, const struct endpoint *e)
{
	uint8_t text[LINE_MAX_LEN];
	struct wr w = WR_ARRAY(text);

	wr_str(&w, "endpoint=");
	endpoint_write(&w, e);
	return put_line(out, &w);
}

bool uapi_put_allowed(struct buf *out, const struct allowedips_prefix *p)
{
	uint8_t text[LINE_MAX_LEN];
	struct wr w = WR_ARRAY(text);

	wr_str(&w, "allowed_ip=");
	allowedips_prefix_write(&w, p);
	return put_line(out, &w);
}

bool uapi_put_errno(struct buf *out, int error)
{
	uint8_t text[LINE_MAX_LEN];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w, "errno=%d\n", error ? -error : 0);
	return put_line(out, &w);
}
