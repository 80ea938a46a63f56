#include "acme/name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

enum {
	LABEL_MAX = 63,
};

static bool is_ldh(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_label(struct span label)
{
	if (!label.n || label.n > LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_ldh(label.p[i]))
			return false;
	return true;
}

/* Two labels at least; the last not all digits, or it were an address. */
static bool is_host(struct span host)
{
	struct span label;
	size_t count = 0;
	uint64_t number;

	if (!host.n || host.p[host.n - 1] == '.')
		return false;
	while (rd_until(&host, &label, '.')) {
		if (!is_label(label))
			return false;
		count++;
	}
	return count >= 2 && !text_u64(&number, label, UINT64_MAX) &&
	       !(label.p[0] >= '0' && label.p[0] <= '9');
}

static bool read_ip(struct name *out, struct span text)
{
	char copy[INET6_ADDRSTRLEN] = { 0 };

	if (text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return false;
	memcpy(copy, text.p, text.n);
	if (inet_pton(AF_INET, copy, out->ip) == 1)
		out->ip_len = 4;
	else if (inet_pton(AF_INET6, copy, out->ip) == 1)
		out->ip_len = 16;
	else
		return false;
	out->is_ip = true;
	return inet_ntop(out->ip_len == 4 ? AF_INET : AF_INET6, out->ip,
			 out->text, sizeof(out->text));
}

enum rc name_read(struct name *out, struct span text)
{
	struct name n = { 0 };
	struct span host;

	if (!text.n)
		return RC_MALFORMED;
	if (read_ip(&n, text)) {
		*out = n;
		return RC_OK;
	}
	memset(&n, 0, sizeof(n));
	if (text.n > 1 && text.p[text.n - 1] == '.')
		text.n--;
	if (text.n > NAME_MAX_LEN)
		return RC_MALFORMED;
	memcpy(n.text, text.p, text.n);
	text_lower(n.text, text.n);
	host = span_of(n.text, text.n);
	if (span_has_prefix(host, span_str("*."))) {
		n.is_wildcard = true;
		(void)rd_skip(&host, 2); /* the prefix is there */
	}
	if (!is_host(host))
		return RC_MALFORMED;
	*out = n;
	return RC_OK;
}

enum rc name_of_identifier(struct name *out, struct span type,
			   struct span value)
{
	struct name n;
	enum rc rc = name_read(&n, value);

	if (rc)
		return rc;
	if (n.is_wildcard || !span_equal_str(type, name_type(&n)))
		return RC_MALFORMED;
	*out = n;
	return RC_OK;
}

const char *name_type(const struct name *n)
{
	return n->is_ip ? "ip" : "dns";
}

const char *name_base(const struct name *n)
{
	return n->is_wildcard ? n->text + 2 : n->text;
}

enum rc names_put(struct names *set, struct span text)
{
	struct name n;
	enum rc rc = name_read(&n, text);
	size_t at = 0;

	if (rc)
		return rc;
	if (set->count == NAMES_MAX)
		return RC_LIMIT;
	while (at < set->count && strcmp(set->of[at].text, n.text) < 0)
		at++;
	if (at < set->count && strcmp(set->of[at].text, n.text) == 0)
		return RC_MALFORMED;
	memmove(&set->of[at + 1], &set->of[at],
		(set->count - at) * sizeof(set->of[0]));
	set->of[at] = n;
	set->count++;
	return RC_OK;
}

const struct name *names_get(const struct names *set, const char *text)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->of[i].text, text) == 0)
			return &set->of[i];
	return NULL;
}

bool names_equal(const struct names *a, const struct names *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->of[i].text, b->of[i].text) != 0)
			return false;
	return true;
}

void names_hash(const struct names *set, struct sha256 *out)
{
	struct span parts[2 * NAMES_MAX];

	for (size_t i = 0; i < set->count; i++) {
		parts[2 * i] = span_str(set->of[i].text);
		parts[2 * i + 1] = span_str("\n");
	}
	sha256_parts(out, parts, 2 * set->count);
}

struct request_name name_request(const struct name *n)
{
	if (n->is_ip)
		return (struct request_name){ REQUEST_IP,
					      span_of(n->ip, n->ip_len) };
	return (struct request_name){ REQUEST_DNS, span_str(n->text) };
}

void names_request(struct request_name out[NAMES_MAX], const struct names *set)
{
	for (size_t i = 0; i < set->count; i++)
		out[i] = name_request(&set->of[i]);
}

void name_sni(struct wr *w, const struct name *n)
{
	if (!n->is_ip) {
		wr_str(w, name_base(n));
	} else if (n->ip_len == 4) {
		wr_printf(w, "%d.%d.%d.%d.in-addr.arpa", n->ip[3], n->ip[2],
			  n->ip[1], n->ip[0]);
	} else {
		for (size_t i = n->ip_len; i-- > 0;)
			wr_printf(w, "%x.%x.", n->ip[i] & 15, n->ip[i] >> 4);
		wr_str(w, "ip6.arpa");
	}
}
