#include "edge/proxy.h"

#include <arpa/inet.h>

#include "base/text.h"

enum {
	/* proxy-protocol.txt §2.1 */
	V1_MAX = 107,
	/* §2.2 */
	V2_HEADER_LEN = 16,
	VERSION_LOCAL = 0x20,
	VERSION_PROXY = 0x21,
	FAMILY_NONE = 0x00,
	FAMILY_TCP4 = 0x11,
	FAMILY_TCP6 = 0x21,
	LEN_TCP4 = 12,
	LEN_TCP6 = 36,
	/* §2.2.1 to §2.2.5 */
	TYPE_ALPN = 0x01,
	TYPE_AUTHORITY = 0x02,
	TYPE_CRC32C = 0x03,
	TYPE_UNIQUE_ID = 0x05,
	/* §2.2.6 */
	TYPE_SSL = 0x20,
	SUBTYPE_SSL_VERSION = 0x21,
	SUBTYPE_SSL_CN = 0x22,
	CLIENT_SSL = 0x01,
	CLIENT_CERT_CONN = 0x02,
	CLIENT_CERT_SESS = 0x04,
	VERIFIED = 0,
	NOT_VERIFIED = 1, /* or there was nothing to verify */
	/* §2.2.8: 0xe0 to 0xef are for applications. */
	TYPE_CERT_SHA256 = 0xe4,
	TYPES = 256,
};

static const uint8_t SIGNATURE[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
				     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

static bool is_family(const struct sock_addr *from, const struct sock_addr *to,
		      sa_family_t family)
{
	return from->sa.sa_family == family && to->sa.sa_family == family;
}

static void write_v1_addresses(struct wr *w, const char *family, int af,
			       const void *from, const void *to,
			       in_port_t from_port, in_port_t to_port)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	/* Both have room for any address. */
	(void)inet_ntop(af, from, a, sizeof(a));
	(void)inet_ntop(af, to, b, sizeof(b));
	wr_printf(w, "PROXY %s %s %s %u %u\r\n", family, a, b,
		  ntohs(from_port), ntohs(to_port));
}

static void write_v1(struct wr *w, const struct sock_addr *from,
		     const struct sock_addr *to)
{
	if (is_family(from, to, AF_INET))
		write_v1_addresses(w, "TCP4", AF_INET, &from->in.sin_addr,
				   &to->in.sin_addr, from->in.sin_port,
				   to->in.sin_port);
	else if (is_family(from, to, AF_INET6))
		write_v1_addresses(w, "TCP6", AF_INET6, &from->in6.sin6_addr,
				   &to->in6.sin6_addr, from->in6.sin6_port,
				   to->in6.sin6_port);
	else
		wr_str(w, "PROXY UNKNOWN\r\n");
}

static void write_element(struct wr *w, uint8_t type, struct span value)
{
	if (value.n == 0)
		return;
	wr_u8(w, type);
	wr_vec16(w, value);
}

static void write_tls(struct wr *w, const struct proxy_tls *tls)
{
	bool has_certificate = tls->digest.n > 0;
	uint8_t client = CLIENT_SSL;
	struct wr_mark length;

	if (has_certificate)
		client |= CLIENT_CERT_SESS;
	if (has_certificate && !tls->is_resumed)
		client |= CLIENT_CERT_CONN;
	wr_u8(w, TYPE_SSL);
	length = wr_open(w, 2);
	wr_u8(w, client);
	wr_be32(w, has_certificate ? VERIFIED : NOT_VERIFIED);
	write_element(w, SUBTYPE_SSL_VERSION, tls->version);
	write_element(w, SUBTYPE_SSL_CN, tls->common_name);
	wr_close(w, length);
	write_element(w, TYPE_CERT_SHA256, tls->digest);
}

static void write_extra(struct wr *w, const struct proxy_extra *extra)
{
	write_element(w, TYPE_ALPN, extra->alpn);
	write_element(w, TYPE_AUTHORITY, extra->name);
	write_element(w, TYPE_UNIQUE_ID, extra->id);
	if (extra->tls)
		write_tls(w, extra->tls);
}

static void write_tcp4(struct wr *w, const struct sockaddr_in *from,
		       const struct sockaddr_in *to)
{
	wr_bytes(w, span_of(&from->sin_addr, sizeof(from->sin_addr)));
	wr_bytes(w, span_of(&to->sin_addr, sizeof(to->sin_addr)));
	wr_be16(w, ntohs(from->sin_port));
	wr_be16(w, ntohs(to->sin_port));
}

static void write_tcp6(struct wr *w, const struct sockaddr_in6 *from,
		       const struct sockaddr_in6 *to)
{
	wr_bytes(w, span_of(&from->sin6_addr, sizeof(from->sin6_addr)));
	wr_bytes(w, span_of(&to->sin6_addr, sizeof(to->sin6_addr)));
	wr_be16(w, ntohs(from->sin6_port));
	wr_be16(w, ntohs(to->sin6_port));
}

static void write_v2(struct wr *w, const struct sock_addr *from,
		     const struct sock_addr *to,
		     const struct proxy_extra *extra)
{
	bool is_v4 = is_family(from, to, AF_INET);
	bool is_v6 = is_family(from, to, AF_INET6);
	struct wr_mark length;

	wr_bytes(w, SPAN_ARRAY(SIGNATURE));
	wr_u8(w, is_v4 || is_v6 ? VERSION_PROXY : VERSION_LOCAL);
	wr_u8(w, is_v4 ? FAMILY_TCP4 : is_v6 ? FAMILY_TCP6
					     : FAMILY_NONE);
	length = wr_open(w, 2);
	if (is_v4)
		write_tcp4(w, &from->in, &to->in);
	if (is_v6)
		write_tcp6(w, &from->in6, &to->in6);
	write_extra(w, extra);
	wr_close(w, length);
}

void proxy_write(struct wr *w, enum proxy_version version,
		 const struct sock_addr *from, const struct sock_addr *to,
		 const struct proxy_extra *extra)
{
	switch (version) {
	case PROXY_NONE:
		break;
	case PROXY_V1:
		write_v1(w, from, to);
		break;
	case PROXY_V2:
		write_v2(w, from, to, extra);
		break;
	}
}

/* The words of a line, one space between them. */
static bool rd_word(struct span *line, char *out, size_t cap)
{
	struct span word;

	if (!rd_until(line, &word, ' ') || word.n == 0 || word.n >= cap ||
	    memchr(word.p, 0, word.n))
		return false;
	memcpy(out, word.p, word.n);
	out[word.n] = '\0';
	return true;
}

/* Only as inet_ntop() writes it: one address has one form. */
static bool read_address(int af, const char *text, void *out)
{
	char again[INET6_ADDRSTRLEN];

	return inet_pton(af, text, out) == 1 &&
	       inet_ntop(af, out, again, sizeof(again)) &&
	       strcmp(text, again) == 0;
}

static void set_address(struct sock_addr *out, int af, const void *address,
			uint16_t port)
{
	*out = (struct sock_addr){ 0 };
	if (af == AF_INET) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, address, sizeof(out->in.sin_addr));
		out->len = sizeof(out->in);
	} else {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		memcpy(&out->in6.sin6_addr, address,
		       sizeof(out->in6.sin6_addr));
		out->len = sizeof(out->in6);
	}
}

static bool read_port(uint16_t *port, const char *text)
{
	uint64_t v;

	if (!text_u64(&v, span_str(text), UINT16_MAX))
		return false;
	*port = (uint16_t)v;
	return true;
}

static bool read_v1_line(struct proxy_header *h, struct span line)
{
	char proxy[6], family[8], from[40], to[40], from_port[6], to_port[6];
	uint8_t a[16], b[16];
	uint16_t p, q;
	int af;

	if (!rd_word(&line, proxy, sizeof(proxy)) ||
	    !rd_word(&line, family, sizeof(family)))
		return false;
	if (strcmp(family, "UNKNOWN") == 0) { /* the rest is to be ignored */
		h->is_local = true;
		return true;
	}
	af = strcmp(family, "TCP4") == 0 ? AF_INET : AF_INET6;
	if ((af == AF_INET6 && strcmp(family, "TCP6") != 0) ||
	    !rd_word(&line, from, sizeof(from)) ||
	    !rd_word(&line, to, sizeof(to)) ||
	    !rd_word(&line, from_port, sizeof(from_port)) ||
	    !rd_word(&line, to_port, sizeof(to_port)) || !rd_end(&line) ||
	    !read_address(af, from, a) || !read_address(af, to, b) ||
	    !read_port(&p, from_port) || !read_port(&q, to_port))
		return false;
	set_address(&h->from, af, a, p);
	set_address(&h->to, af, b, q);
	return true;
}

static enum proxy_status read_v1(struct proxy_header *out, struct span bytes)
{
	size_t seen = bytes.n < V1_MAX ? bytes.n : V1_MAX;
	const uint8_t *lf = memchr(bytes.p, '\n', seen);
	struct proxy_header h = { 0 };

	if (!lf)
		return seen == V1_MAX ? PROXY_MALFORMED : PROXY_MORE;
	h.n = (size_t)(lf - bytes.p) + 1;
	/* A line that ends in a space has an empty last word. */
	if (h.n < 2 || lf[-1] != '\r' || (h.n > 2 && lf[-2] == ' ') ||
	    memchr(bytes.p, '\r', h.n - 2) ||
	    !read_v1_line(&h, span_of(bytes.p, h.n - 2)))
		return PROXY_MALFORMED;
	*out = h;
	return PROXY_DONE;
}

/* Castagnoli's polynomial, reflected; one bit at a time: a header is short. */
static uint32_t crc32c(uint32_t crc, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= bytes.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & (0u - (crc & 1)));
	}
	return crc;
}

/* §2.2.3: over the whole header with the sum itself zero. */
static bool is_sum_right(struct span header, struct span sum)
{
	static const uint8_t zero[4];
	size_t at = (size_t)(sum.p - header.p);
	struct span rest = header, before, value = sum;
	uint32_t crc, want;

	if (!rd_be32(&value, &want) || !rd_end(&value) ||
	    !rd_n(&rest, &before, at) || !rd_skip(&rest, sum.n))
		return false;
	crc = crc32c(UINT32_MAX, before);
	crc = crc32c(crc, SPAN_ARRAY(zero));
	return ~crc32c(crc, rest) == want;
}

static bool take_element(struct proxy_extra *extra, uint8_t type,
			 struct span value, struct span header)
{
	switch (type) {
	case TYPE_ALPN:
		extra->alpn = value;
		return value.n <= PROXY_ALPN_MAX;
	case TYPE_AUTHORITY:
		extra->name = value;
		return value.n <= PROXY_NAME_MAX;
	case TYPE_UNIQUE_ID:
		extra->id = value;
		return value.n <= PROXY_ID_MAX;
	case TYPE_CRC32C:
		return is_sum_right(header, value);
	default:
		return true; /* §2.2: others are skipped */
	}
}

static bool read_elements(struct proxy_extra *extra, struct span rest,
			  struct span header)
{
	bool seen[TYPES] = { false };
	struct span value;
	uint8_t type;

	while (!rd_end(&rest)) {
		if (!rd_u8(&rest, &type) || !rd_vec16(&rest, &value) ||
		    seen[type] || !take_element(extra, type, value, header))
			return false;
		seen[type] = true;
	}
	return true;
}

static bool read_v2_addresses(struct proxy_header *h, struct span *rest,
			      uint8_t family)
{
	int af = family == FAMILY_TCP4 ? AF_INET : AF_INET6;
	size_t n = af == AF_INET ? 4 : 16;
	struct span from, to;
	uint16_t p, q;

	if ((family != FAMILY_TCP4 && family != FAMILY_TCP6) ||
	    !rd_n(rest, &from, n) || !rd_n(rest, &to, n) ||
	    !rd_be16(rest, &p) || !rd_be16(rest, &q))
		return false;
	set_address(&h->from, af, from.p, p);
	set_address(&h->to, af, to.p, q);
	return true;
}

static enum proxy_status read_v2(struct proxy_header *out, struct span bytes)
{
	struct proxy_header h = { 0 };
	struct span rest = bytes, header, body;
	uint8_t command, family;
	uint16_t length;

	if (!rd_skip(&rest, sizeof(SIGNATURE)) || !rd_u8(&rest, &command) ||
	    !rd_u8(&rest, &family) || !rd_be16(&rest, &length))
		return PROXY_MORE;
	if ((command != VERSION_LOCAL && command != VERSION_PROXY) ||
	    length > PROXY_READ_MAX - V2_HEADER_LEN)
		return PROXY_MALFORMED;
	if (!rd_n(&rest, &body, length))
		return PROXY_MORE;
	h.n = V2_HEADER_LEN + (size_t)length;
	header = span_of(bytes.p, h.n);
	h.is_local = command == VERSION_LOCAL;
	/* §2.2: what a LOCAL says of addresses is to be discarded. */
	if (!h.is_local && !read_v2_addresses(&h, &body, family))
		return PROXY_MALFORMED;
	if (!h.is_local && !read_elements(&h.extra, body, header))
		return PROXY_MALFORMED;
	*out = h;
	return PROXY_DONE;
}

/* As far as there are bytes. */
static bool may_begin(struct span bytes, struct span signature)
{
	size_t n = bytes.n < signature.n ? bytes.n : signature.n;

	return span_equal(span_of(bytes.p, n), span_of(signature.p, n));
}

enum proxy_status proxy_read(struct proxy_header *out, struct span bytes)
{
	if (bytes.n == 0)
		return PROXY_MORE;
	if (may_begin(bytes, SPAN_ARRAY(SIGNATURE)))
		return read_v2(out, bytes);
	if (may_begin(bytes, span_str("PROXY ")))
		return read_v1(out, bytes);
	return PROXY_MALFORMED;
}
