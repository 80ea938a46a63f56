#include "sni/name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

enum {
	PORT_HTTP = 80, /* of a name that asks for none */
	PORT_HTTPS = 443, /* of "-s" */
	PORT_MAX = 65535,
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* A label of letters, digits and inner hyphens (RFC 1123 §2.1), lower case. */
static bool is_label(struct span s)
{
	size_t i;

	if (s.n == 0 || s.n > NAME_LABEL_MAX || s.p[0] == '-' ||
	    s.p[s.n - 1] == '-')
		return false;
	for (i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static bool is_all_digits(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/* Labels between single dots, the last one not a number: an IP address is no
 * host name. */
static bool is_host(struct span s)
{
	struct span label = { 0 };

	if (s.n == 0 || s.n > NAME_MAX_LEN || s.p[s.n - 1] == '.')
		return false;
	while (rd_until(&s, &label, '.'))
		if (!is_label(label))
			return false;
	return !is_all_digits(label);
}

/* What a label's end asks for. */
struct suffix {
	enum name_mode mode;
	uint16_t port;
};

/* Digits, then any of 's' and 'g'; or those alone. */
static bool looks_like_suffix(struct span s)
{
	size_t i = 0;

	while (i < s.n && is_digit(s.p[i]))
		i++;
	while (i < s.n && (s.p[i] == 's' || s.p[i] == 'g'))
		i++;
	return s.n > 0 && i == s.n;
}

/* Reads what looks like a suffix, from the right. */
static bool read_suffix(struct suffix *out, struct span s)
{
	struct suffix x = { NAME_TERMINATE, PORT_HTTP };
	uint64_t port;

	if (s.p[s.n - 1] == 's')
		x = (struct suffix){ NAME_PASSTHROUGH, PORT_HTTPS };
	else if (s.p[s.n - 1] == 'g')
		x.mode = NAME_H2;
	if (x.mode != NAME_TERMINATE)
		s.n--;
	if (s.n > 0) {
		/* A second letter is no digit, so "sg" ends here. */
		if (!text_u64(&port, s, PORT_MAX) || port == 0)
			return false;
		x.port = (uint16_t)port;
	}
	*out = x;
	return true;
}

/* Where the piece behind the last hyphen begins; 0: there is no hyphen. */
static size_t last_piece(struct span label)
{
	size_t i = label.n;

	while (i > 0 && label.p[i - 1] != '-')
		i--;
	return i;
}

static struct span from(struct span s, size_t at)
{
	return span_of(s.p + at, s.n - at);
}

/* An <id> ends in nothing that looks like a suffix. */
static bool is_id(struct span id)
{
	size_t at = last_piece(id);

	return is_label(id) && !(at > 0 && looks_like_suffix(from(id, at)));
}

static bool is_hex_id(struct span id)
{
	uint8_t bytes[NAME_ID_HEX_LEN / 2];

	return id.n == NAME_ID_HEX_LEN &&
	       text_hex_decode(bytes, sizeof(bytes), id);
}

static bool is_gateway(struct span id)
{
	return span_equal_str(id, "gateway");
}

/* <id>[-<port>][s|g] */
static bool read_label(struct name *n, struct span label)
{
	struct suffix suffix = { NAME_TERMINATE, PORT_HTTP };
	size_t at = last_piece(label);
	struct span id = label;

	if (is_gateway(label)) {
		n->kind = NAME_GATEWAY;
		return true;
	}
	if (at > 0 && looks_like_suffix(from(label, at))) {
		if (!read_suffix(&suffix, from(label, at)))
			return false;
		id.n = at - 1;
	}
	if (!is_id(id) || is_gateway(id))
		return false;
	n->kind = NAME_APP;
	n->mode = suffix.mode;
	n->port = suffix.port;
	n->id_is_hex = is_hex_id(id);
	memcpy(n->id, id.p, id.n);
	return true;
}

/* Takes ".<base>" from the end of *host. */
static bool strip_base(struct span *host, struct span base)
{
	size_t at;

	if (host->n <= base.n)
		return false;
	at = host->n - base.n;
	if (host->p[at - 1] != '.' || !span_equal(from(*host, at), base))
		return false;
	host->n = at - 1;
	return true;
}

enum rc name_parse(struct name *out, struct span host, struct span base)
{
	struct name n = { .kind = NAME_CUSTOM };
	struct span s;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > NAME_MAX_LEN)
		return RC_MALFORMED;
	memcpy(n.full, host.p, host.n);
	text_lower(n.full, host.n);
	s = span_of(n.full, host.n);
	if (!is_host(s))
		return RC_MALFORMED;
	if (strip_base(&s, base) && !read_label(&n, s))
		return RC_MALFORMED;
	*out = n;
	return RC_OK;
}

bool name_is_address(struct span host)
{
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t address[16];

	if (host.n == 0 || host.n >= sizeof(text) ||
	    memchr(host.p, '\0', host.n))
		return false;
	memcpy(text, host.p, host.n);
	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

bool name_is_base(struct span base)
{
	return is_host(base);
}

bool name_is_alias(struct span label)
{
	return is_id(label) && !is_hex_id(label) && !is_gateway(label);
}
