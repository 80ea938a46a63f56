#include "edge/domain.h"

#include <string.h>

#include "base/text.h"
#include "base/wr.h"

enum {
	PORT_MAX = 65535,
	PARENT_LABELS_MIN = 2,
};

static const char *const prefixes[DOMAIN_PLACES] = {
	[DOMAIN_OWN] = "_postern.",
	[DOMAIN_COMPAT] = "_dstack-app-address.",
	[DOMAIN_WILDCARD] = "_dstack-app-address-wildcard.",
};

bool domain_read(struct domain_target *out, struct span rdata)
{
	struct domain_target t = { 0 };
	uint8_t bytes[NAME_ID_HEX_LEN / 2];
	struct span text, id;
	uint64_t port;

	if (!rd_vec8(&rdata, &text) || !rd_end(&rdata) ||
	    !rd_until(&text, &id, ':') || id.n == 0 ||
	    id.n > NAME_LABEL_MAX ||
	    !text_u64(&port, text, PORT_MAX) || port == 0)
		return false;
	memcpy(t.id, id.p, id.n);
	text_lower(t.id, id.n);
	t.id_is_hex = id.n == NAME_ID_HEX_LEN &&
		      text_hex_decode(bytes, sizeof(bytes), id);
	/* The whole of it: a NUL would end it early. */
	if (!t.id_is_hex && !name_is_alias(span_of(t.id, id.n)))
		return false;
	t.port = (uint16_t)port;
	*out = t;
	return true;
}

bool domain_same(const struct domain_target *a, const struct domain_target *b)
{
	return a->port == b->port && strcmp(a->id, b->id) == 0;
}

static size_t labels_of(const char *name)
{
	size_t n = 1;

	for (; *name; name++)
		n += *name == '.';
	return n;
}

bool domain_place_name(char out[NAME_MAX_LEN + 1], enum domain_place place,
		       const char *name)
{
	struct wr w = wr_over(out, NAME_MAX_LEN);
	const char *dot = strchr(name, '.');
	struct span done;

	if (place == DOMAIN_WILDCARD) {
		if (!dot || labels_of(dot + 1) < PARENT_LABELS_MIN)
			return false;
		name = dot + 1;
	}
	wr_str(&w, prefixes[place]);
	wr_str(&w, name);
	if (!wr_done(&w, &done))
		return false;
	out[done.n] = '\0';
	return true;
}

const char *domain_reason(enum domain_status s)
{
	static const char *const words[] = {
		[DOMAIN_FOUND] = "domain",
		[DOMAIN_NONE] = "domain_unknown",
		[DOMAIN_MALFORMED] = "domain_malformed",
		[DOMAIN_AMBIGUOUS] = "domain_ambiguous",
		[DOMAIN_NOT_SECURE] = "dns_not_secure",
		[DOMAIN_FAILED] = "dns_failed",
		[DOMAIN_TIMEOUT] = "dns_timeout",
		[DOMAIN_BUSY] = "dns_busy",
		[DOMAIN_LIMITED] = "dns_limited",
	};

	return words[s];
}
