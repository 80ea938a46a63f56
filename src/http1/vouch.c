#include "http1/vouch.h"

#include "base/text.h"

static bool is_host_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

/* "[...]" of an IPv6 literal: what is inside is compared, never used. */
static bool read_literal(struct span *at, struct span *host)
{
	size_t i;

	for (i = 1; i < at->n && at->p[i] != ']'; i++)
		if (at->p[i] != ':' && at->p[i] != '.' &&
		    !is_host_byte(at->p[i]))
			return false;
	return i < at->n && rd_n(at, host, i + 1);
}

bool vouch_read_host(struct span *out, struct span at)
{
	struct span host;
	uint64_t port;
	size_t n;

	if (at.n && at.p[0] == '[') {
		if (!read_literal(&at, &host))
			return false;
	} else {
		for (n = 0; n < at.n && is_host_byte(at.p[n]);)
			n++;
		if (n == 0 || !rd_n(&at, &host, n))
			return false;
	}
	/* A port may be empty (RFC 3986 §3.2.3). */
	if (at.n && (at.p[0] != ':' || !rd_skip(&at, 1) ||
		     (at.n && !text_u64(&port, at, 65535))))
		return false;
	*out = host;
	return true;
}

bool vouch_is_name(const struct vouch *v, struct span host)
{
	if (v->name.n == 0)
		return true;
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	return span_equal_nocase(host, v->name);
}

/* Servers that turn fields into variables (RFC 3875 §4.1.18) make one of "-"
 * and "_": the client must not say under the other what we say. */
static bool has_prefix(struct span name, const char *prefix)
{
	size_t n = strlen(prefix);

	if (name.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = name.p[i] == '_' ? '-' : name.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (uint8_t)prefix[i])
			return false;
	}
	return true;
}

bool vouch_is_ours(struct span field_name)
{
	static const char *const whole[] = { "forwarded", "x-real-ip",
					     "x-request-id" };

	if (has_prefix(field_name, "x-forwarded-"))
		return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (field_name.n == strlen(whole[i]) &&
		    has_prefix(field_name, whole[i]))
			return true;
	return false;
}

bool vouch_is_postern(struct span field_name)
{
	return has_prefix(field_name, "postern-");
}

bool vouch_is_own_path(struct span target)
{
	static const char *const folders[] = { "/evidences/", "/.dstack/",
					       "/.well-known/acme-challenge/" };
	static const char whole[] = "/evidences";
	struct span scheme;
	size_t n;

	/* absolute-form: the path begins behind the authority */
	if (target.n && target.p[0] != '/') {
		if (!rd_until(&target, &scheme, '/') ||
		    !rd_skip(&target, target.n ? 1 : 0))
			return false;
		for (n = 0; n < target.n && target.p[n] != '/'; n++)
			;
		(void)rd_skip(&target, n); /* n <= target.n */
	}
	for (n = 0; n < sizeof(folders) / sizeof(*folders); n++)
		if (span_has_prefix(target, span_str(folders[n])))
			return true;
	return span_has_prefix(target, span_str(whole)) &&
	       (target.n == sizeof(whole) - 1 ||
		target.p[sizeof(whole) - 1] == '?');
}

void vouch_request_id(struct wr *w, const struct vouch *v, uint64_t number)
{
	text_hex(w, SPAN_ARRAY(v->id));
	wr_printf(w, "-%llu", (unsigned long long)number);
}
