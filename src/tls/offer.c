#include "tls/offer.h"

#include <string.h>

/* Numbers of the formats, each from its section. */
enum {
	/* RFC 8446 §4, §4.1.2 */
	CLIENT_HELLO = 1,
	LEGACY_VERSION = 0x0303,
	RANDOM_LEN = 32,
	SESSION_ID_MAX = 32,
	/* RFC 8446 §4.2 */
	EXT_SERVER_NAME = 0,
	EXT_MAX_FRAGMENT_LENGTH = 1,
	EXT_SUPPORTED_GROUPS = 10,
	EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_USE_SRTP = 14, /* RFC 5764: DTLS's */
	EXT_ALPN = 16,
	EXT_PRE_SHARED_KEY = 41,
	EXT_EARLY_DATA = 42,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_COOKIE = 44,
	EXT_PSK_KEY_EXCHANGE_MODES = 45,
	EXT_SIGNATURE_ALGORITHMS_CERT = 50,
	EXT_KEY_SHARE = 51,
	EXT_KNOWN = 64, /* all of them are below */
	/* RFC 8446 §4.2.1 */
	VERSION_TLS13 = 0x0304,
	/* RFC 8446 §4.2.3 */
	ECDSA_SECP256R1_SHA256 = 0x0403,
	/* RFC 8446 §4.2.8.2 */
	X25519_SHARE_LEN = 32,
	/* RFC 8446 §4.2.9 */
	PSK_DHE_KE = 1,
	/* RFC 8446 §4.2.11 */
	IDENTITIES_MIN = 7,
	BINDER_MIN = 32,
	/* RFC 6066 §3 */
	SNI_HOST_NAME = 0,
	HOST_NAME_MAX = 255,
};

bool offer_lists(struct span list, uint16_t wanted)
{
	uint16_t one;

	while (rd_be16(&list, &one))
		if (one == wanted)
			return true;
	return false;
}

/* A list of two bytes each, which is all of an extension. */
static bool read_list16(struct span *out, struct span ext)
{
	return rd_vec16(&ext, out) && rd_end(&ext) && out->n >= 2 &&
	       out->n % 2 == 0;
}

static bool read_versions(struct span ext)
{
	struct span list;

	return rd_vec8(&ext, &list) && rd_end(&ext) && list.n % 2 == 0 &&
	       offer_lists(list, VERSION_TLS13);
}

/* Exactly one host_name, in which a NUL would end it early for some. */
static bool read_name(struct offer *o, struct span ext)
{
	struct span list, name;
	uint8_t type;

	if (!rd_vec16(&ext, &list) || !rd_end(&ext) ||
	    !rd_u8(&list, &type) || type != SNI_HOST_NAME ||
	    !rd_vec16(&list, &name) || !rd_end(&list) ||
	    name.n == 0 || name.n > HOST_NAME_MAX ||
	    memchr(name.p, '\0', name.n))
		return false;
	o->name = name;
	return true;
}

static bool read_alpn(struct offer *o, struct span ext)
{
	struct span list, rest, name;

	if (!rd_vec16(&ext, &list) || !rd_end(&ext) || rd_end(&list))
		return false;
	for (rest = list; !rd_end(&rest);)
		if (!rd_vec8(&rest, &name) || name.n == 0)
			return false;
	o->alpn = list;
	return true;
}

static bool read_modes(struct offer *o, struct span ext)
{
	struct span list;
	uint8_t mode;

	if (!rd_vec8(&ext, &list) || !rd_end(&ext) || rd_end(&list))
		return false;
	while (rd_u8(&list, &mode))
		o->takes_psk_dhe |= mode == PSK_DHE_KE;
	return true;
}

/*
 * "Clients MUST NOT offer multiple KeyShareEntry values for the same group"
 * (§4.2.8).  That each is of a group they support is seen in the end.
 */
static bool read_shares(struct offer *o, struct span *shares, struct span ext)
{
	uint16_t seen[OFFER_SHARES_MAX], group;
	struct span list, key;
	size_t n = 0, i;

	if (!rd_vec16(&ext, &list) || !rd_end(&ext))
		return false;
	*shares = list;
	while (!rd_end(&list)) {
		if (n == OFFER_SHARES_MAX || !rd_be16(&list, &group) ||
		    !rd_vec16(&list, &key) || key.n == 0)
			return false;
		for (i = 0; i < n; i++)
			if (seen[i] == group)
				return false;
		seen[n++] = group;
		if (group != OFFER_X25519)
			continue;
		if (key.n != X25519_SHARE_LEN)
			return false;
		o->x25519 = key;
	}
	return true;
}

static bool read_psk(struct offer *o, struct span ext)
{
	struct span identity, binder;
	struct offer all;

	if (!rd_vec16(&ext, &o->identities) ||
	    !rd_vec16(&ext, &o->binders) || !rd_end(&ext) ||
	    o->identities.n < IDENTITIES_MIN)
		return false;
	for (all = *o; offer_next_psk(&all, &identity, &binder);)
		;
	return rd_end(&all.identities) && rd_end(&all.binders);
}

bool offer_next_psk(struct offer *o, struct span *identity,
		    struct span *binder)
{
	struct span identities = o->identities, binders = o->binders;
	uint32_t age;

	if (!rd_vec16(&identities, identity) || identity->n == 0 ||
	    !rd_be32(&identities, &age) || !rd_vec8(&binders, binder) ||
	    binder->n < BINDER_MIN)
		return false;
	o->identities = identities;
	o->binders = binders;
	return true;
}

/* One extension; 'shares' gets the list of key shares. */
static bool read_extension(struct offer *o, struct span *shares, uint16_t type,
			   struct span ext)
{
	struct span algorithms;

	switch (type) {
	case EXT_SERVER_NAME:
		return read_name(o, ext);
	case EXT_SUPPORTED_GROUPS:
		return read_list16(&o->groups, ext);
	case EXT_SIGNATURE_ALGORITHMS:
		if (!read_list16(&algorithms, ext))
			return false;
		o->takes_ecdsa_p256 =
			offer_lists(algorithms, ECDSA_SECP256R1_SHA256);
		return true;
	case EXT_SIGNATURE_ALGORITHMS_CERT:
		/* Who takes no such certificates from others is for libssl. */
		return read_list16(&algorithms, ext) &&
		       offer_lists(algorithms, ECDSA_SECP256R1_SHA256);
	case EXT_ALPN:
		return read_alpn(o, ext);
	case EXT_PRE_SHARED_KEY:
		return read_psk(o, ext);
	case EXT_SUPPORTED_VERSIONS:
		return read_versions(ext);
	case EXT_PSK_KEY_EXCHANGE_MODES:
		return read_modes(o, ext);
	case EXT_KEY_SHARE:
		return read_shares(o, shares, ext);
	case EXT_MAX_FRAGMENT_LENGTH:
	case EXT_USE_SRTP:
	case EXT_EARLY_DATA:
	case EXT_COOKIE:
		return false; /* ask for what brief does not do */
	default:
		return true;
	}
}

static bool has_come(uint64_t seen, unsigned type)
{
	return seen >> type & 1;
}

static bool read_extensions(struct offer *o, uint64_t *seen,
			    struct span *shares, struct span list)
{
	struct span ext;
	uint16_t type;

	while (!rd_end(&list)) {
		if (!rd_be16(&list, &type) || !rd_vec16(&list, &ext))
			return false;
		/* pre_shared_key "MUST be the last" (§4.2.11), and none comes
		 * twice (§4.2). */
		if (has_come(*seen, EXT_PRE_SHARED_KEY) ||
		    (type < EXT_KNOWN && has_come(*seen, type)))
			return false;
		if (type < EXT_KNOWN)
			*seen |= 1ull << type;
		if (!read_extension(o, shares, type, ext))
			return false;
	}
	return true;
}

/* What has to be there, and what has to go with what (§4.2.8, §4.2.9, §9.2). */
static bool is_consistent(const struct offer *o, uint64_t seen,
			  struct span shares)
{
	struct span key;
	uint16_t group;

	if (!has_come(seen, EXT_SUPPORTED_VERSIONS) ||
	    !has_come(seen, EXT_SUPPORTED_GROUPS) ||
	    !has_come(seen, EXT_KEY_SHARE) ||
	    (has_come(seen, EXT_PRE_SHARED_KEY) &&
	     !has_come(seen, EXT_PSK_KEY_EXCHANGE_MODES)))
		return false;
	while (rd_be16(&shares, &group) && rd_vec16(&shares, &key))
		if (!offer_lists(o->groups, group))
			return false;
	return true;
}

bool offer_read(struct offer *out, struct span message)
{
	static const uint8_t null_alone[] = { 0 };
	struct span s = message, body, compression, extensions, shares = { 0 };
	struct offer o = { 0 };
	uint64_t seen = 0;
	uint16_t version;
	uint8_t type;

	if (!rd_u8(&s, &type) || type != CLIENT_HELLO ||
	    !rd_vec24(&s, &body) || !rd_end(&s) ||
	    !rd_be16(&body, &version) || version != LEGACY_VERSION ||
	    !rd_skip(&body, RANDOM_LEN) ||
	    !rd_vec8(&body, &o.session_id) ||
	    o.session_id.n > SESSION_ID_MAX ||
	    !rd_vec16(&body, &o.suites) || o.suites.n < 2 || o.suites.n % 2 ||
	    !rd_vec8(&body, &compression) ||
	    !span_equal(compression, SPAN_ARRAY(null_alone)) ||
	    !rd_vec16(&body, &extensions) || !rd_end(&body) ||
	    !read_extensions(&o, &seen, &shares, extensions) ||
	    !is_consistent(&o, seen, shares))
		return false;
	if (o.binders.n > 0)
		o.bound = span_of(message.p, message.n - 2 - o.binders.n);
	*out = o;
	return true;
}
