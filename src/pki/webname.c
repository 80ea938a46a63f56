#include "pki/webname.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_label(struct span label)
{
	if (!label.n || label.n > WEBNAME_LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

bool webname_is_host(struct span name)
{
	struct span label;

	if (!name.n || name.n > WEBNAME_MAX || name.p[name.n - 1] == '.')
		return false;
	while (rd_until(&name, &label, '.'))
		if (!is_label(label))
			return false;
	return true;
}

/* What follows "*."; false without it. */
static bool cut_wildcard(struct span *name)
{
	struct span star = span_str("*.");

	return span_has_prefix(*name, star) && rd_skip(name, star.n);
}

bool webname_is_pattern(struct span name)
{
	(void)cut_wildcard(&name); /* it may have none */
	return webname_is_host(name);
}

bool webname_matches(struct span pattern, struct span host)
{
	struct span label;

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (!webname_is_host(host) || !webname_is_pattern(pattern))
		return false;
	if (cut_wildcard(&pattern) &&
	    (!rd_until(&host, &label, '.') || !host.n))
		return false;
	return span_equal_nocase(pattern, host);
}

bool webname_address(uint8_t out[WEB_IPV6_LEN], size_t *n, struct span text)
{
	char s[INET6_ADDRSTRLEN];

	if (!text.n || text.n >= sizeof(s) || memchr(text.p, 0, text.n))
		return false;
	memcpy(s, text.p, text.n);
	s[text.n] = 0;
	*n = WEB_IPV4_LEN;
	if (inet_pton(AF_INET, s, out) == 1)
		return true;
	*n = WEB_IPV6_LEN;
	return inet_pton(AF_INET6, s, out) == 1;
}

bool webname_covers(const struct web_cert *c, struct span host)
{
	uint8_t address[WEB_IPV6_LEN];
	struct span left = c->sans;
	struct web_san name;
	size_t n;
	bool is_address = webname_address(address, &n, host);

	while (web_san_next(&left, &name)) {
		if (name.type == WEB_SAN_IP && is_address &&
		    span_equal(name.value, span_of(address, n)))
			return true;
		if (name.type == WEB_SAN_DNS && !is_address &&
		    webname_matches(name.value, host))
			return true;
	}
	return false;
}
