#include "pcs/request.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	HTTPS_PORT = 443,
	HTTP_PORT = 80,
	PORT_MAX = 65535,
	HOST_MAX = 253,
};

/* clang-format off */
static const struct {
	const char *name, *path;
	const char *headers[3];
} items[PCS_ITEM_COUNT] = {
	[PCS_TCB_INFO] = { "TCB info", "tcb",
		/* the second: API v3 and caches that grew up with it */
		{ "TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain" } },
	[PCS_QE_IDENTITY] = { "QE identity", "qe/identity",
		{ "SGX-Enclave-Identity-Issuer-Chain" } },
	[PCS_PCK_CRL] = { "PCK CRL", "pckcrl",
		{ "SGX-PCK-CRL-Issuer-Chain" } },
	[PCS_ROOT_CRL] = { "root CRL", "rootcacrl", { NULL } },
	[PCS_EVALUATIONS] = { "TCB evaluation data numbers",
		"tcbevaluationdatanumbers",
		{ "TCB-Evaluation-Data-Numbers-Issuer-Chain" } },
};
/* clang-format on */

/* The distribution point that Intel's root certificate names. */
static const char intel_root_crl[] =
	"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

const char *pcs_item_name(enum pcs_item item)
{
	return items[item].name;
}

const char *const *pcs_item_headers(enum pcs_item item)
{
	return items[item].headers;
}

/* ---- servers */

static bool is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool is_made_of(struct span s, const char *also)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && (!s.p[i] || !strchr(also, s.p[i])))
			return false;
	return true;
}

static bool rd_text(struct span *s, const char *text)
{
	return span_has_prefix(*s, span_str(text)) &&
	       rd_skip(s, span_str(text).n);
}

/* host, or [IPv6], with or without brackets in *host; then ":port" or nothing
 * in *rest. */
static bool split_authority(struct span *host, struct span *rest,
			    struct span authority)
{
	size_t n = 0;

	if (rd_text(&authority, "[")) {
		const uint8_t *end = authority.p + authority.n;

		if (!rd_until(&authority, host, ']') ||
		    host->p + host->n == end) /* without its ']' */
			return false;
		*rest = authority;
		/* at least "::" */
		return host->n >= 2 && is_made_of(*host, ":.");
	}
	while (n < authority.n && authority.p[n] != ':')
		n++;
	*host = span_of(authority.p, n);
	*rest = span_of(authority.p + n, authority.n - n);
	return n && n <= HOST_MAX && is_made_of(*host, "-.") &&
	       host->p[0] != '-' && host->p[0] != '.';
}

static bool check_authority(struct span authority)
{
	struct span host, rest;
	uint64_t port;

	if (!split_authority(&host, &rest, authority))
		return false;
	if (!rest.n)
		return true;
	return rd_text(&rest, ":") && text_u64(&port, rest, PORT_MAX) && port;
}

/* Segments of RFC 3986's unreserved characters, none of them a dot or two. */
static bool check_path(struct span path)
{
	struct span segment;

	while (rd_until(&path, &segment, '/'))
		if (!is_made_of(segment, "-._~") ||
		    span_equal_str(segment, ".") ||
		    span_equal_str(segment, ".."))
			return false;
	return true;
}

static struct span without_end(struct span s, const char *end)
{
	size_t n = strlen(end);

	if (s.n >= n && span_equal_str(span_of(s.p + s.n - n, n), end))
		s.n -= n;
	return s;
}

/* RFC 3986 §3.1: a scheme's case does not matter.  Without its ':'. */
static bool rd_scheme(struct span *s, struct span *scheme)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ':')
		n++;
	*scheme = span_of(s->p, n);
	return n && n < s->n && is_made_of(*scheme, "+-.") &&
	       !(s->p[0] >= '0' && s->p[0] <= '9') && is_alnum(s->p[0]) &&
	       rd_skip(s, n + 1);
}

static bool is_scheme(struct span scheme, const char *name)
{
	return span_equal_nocase(scheme, span_str(name));
}

bool pcs_is_url(struct span text)
{
	struct span scheme;

	return rd_scheme(&text, &scheme) &&
	       (is_scheme(scheme, "https") || is_scheme(scheme, "http") ||
		span_has_prefix(text, span_str("//")));
}

bool pcs_server_parse(struct pcs_server *out, struct span url)
{
	struct pcs_server s = { 0 };
	struct span rest = url, scheme, authority, path;
	size_t n;

	if (!rd_scheme(&rest, &scheme) || !rd_text(&rest, "//"))
		return false;
	s.is_https = is_scheme(scheme, "https");
	if (!s.is_https && !is_scheme(scheme, "http"))
		return false;
	if (!rd_until(&rest, &authority, '/') || !check_authority(authority) ||
	    !check_path(rest))
		return false;
	/* From the authority's end: a host may have any of these names. */
	path = span_of(authority.p + authority.n,
		       (size_t)(url.p + url.n - (authority.p + authority.n)));
	path = without_end(path, "/");
	path = without_end(path, "/sgx/certification/v4");
	path = without_end(path, "/");
	n = (size_t)(path.p + path.n - url.p);
	if (n >= sizeof(s.base))
		return false;
	memcpy(s.base, url.p, n);
	text_lower(s.base, scheme.n);
	s.is_intel = span_equal_nocase(span_str(s.base), span_str(PCS_INTEL));
	*out = s;
	return true;
}

void pcs_server_endpoint(struct pcs_endpoint *out,
			 const struct pcs_server *server)
{
	struct span url = span_str(server->base), scheme, authority = { 0 };
	struct span host = { 0 }, rest = { 0 };
	uint64_t port = server->is_https ? HTTPS_PORT : HTTP_PORT;

	*out = (struct pcs_endpoint){ 0 };
	/* It was checked when it was parsed. */
	if (!rd_until(&url, &scheme, ':') || !rd_text(&url, "//") ||
	    !rd_until(&url, &authority, '/') ||
	    !split_authority(&host, &rest, authority) ||
	    host.n >= sizeof(out->host))
		return;
	memcpy(out->host, host.p, host.n);
	if (rd_text(&rest, ":"))
		(void)text_u64(&port, rest, PORT_MAX); /* checked, too */
	out->port = (uint16_t)port;
}

/* ---- requests */

static const char *tee_path(enum quote_tee tee)
{
	return tee == QUOTE_TDX ? "tdx" : "sgx";
}

/* The lists of certificates are the same for both. */
static bool is_of_tee(enum pcs_item item)
{
	return item != PCS_PCK_CRL && item != PCS_ROOT_CRL;
}

static void write_update(struct wr *w, char before, const struct pcs_key *key)
{
	switch (key->update) {
	case PCS_UPDATE_DEFAULT:
		break;
	case PCS_UPDATE_STANDARD:
		wr_printf(w, "%cupdate=standard", before);
		break;
	case PCS_UPDATE_EARLY:
		wr_printf(w, "%cupdate=early", before);
		break;
	case PCS_UPDATE_NUMBER:
		wr_printf(w, "%ctcbEvaluationDataNumber=%u", before,
			  (unsigned)key->evaluation);
		break;
	}
}

static void write_query(struct wr *w, enum pcs_item item,
			const struct pcs_key *key)
{
	switch (item) {
	case PCS_TCB_INFO:
		wr_str(w, "?fmspc=");
		text_hex(w, SPAN_ARRAY(key->fmspc));
		write_update(w, '&', key);
		break;
	case PCS_QE_IDENTITY:
		write_update(w, '?', key);
		break;
	case PCS_PCK_CRL:
		wr_printf(w, "?ca=%s&encoding=der",
			  key->ca == PCS_CA_PROCESSOR ? "processor"
						      : "platform");
		break;
	case PCS_ROOT_CRL:
	case PCS_EVALUATIONS:
	case PCS_ITEM_COUNT:
		break;
	}
}

void pcs_request_url(struct wr *w, const struct pcs_server *server,
		     enum pcs_item item, const struct pcs_key *key)
{
	if (item == PCS_ROOT_CRL && server->is_intel) {
		wr_str(w, intel_root_crl);
	} else {
		wr_printf(w, "%s/%s/certification/v4/%s", server->base,
			  is_of_tee(item) ? tee_path(key->tee) : "sgx",
			  items[item].path);
		write_query(w, item, key);
	}
	wr_u8(w, 0);
}

/* ---- which update */

bool pcs_update_parse(enum pcs_update *update, uint32_t *evaluation,
		      struct span text)
{
	uint64_t number = 0;
	enum pcs_update found = PCS_UPDATE_NUMBER;

	if (span_equal_str(text, "early"))
		found = PCS_UPDATE_EARLY;
	else if (span_equal_str(text, "standard"))
		found = PCS_UPDATE_STANDARD;
	else if (span_equal_str(text, "default"))
		found = PCS_UPDATE_DEFAULT;
	else if (!text_u64(&number, text, UINT32_MAX))
		return false;
	*update = found;
	*evaluation = (uint32_t)number;
	return true;
}

void pcs_group_name(char out[PCS_GROUP_MAX], const struct pcs_key *key)
{
	static const char *const names[] = {
		[PCS_UPDATE_DEFAULT] = "default",
		[PCS_UPDATE_STANDARD] = "standard",
		[PCS_UPDATE_EARLY] = "early",
	};

	if (key->update == PCS_UPDATE_NUMBER)
		(void)snprintf(out, PCS_GROUP_MAX, "%s-%u", tee_path(key->tee),
			       (unsigned)key->evaluation);
	else
		(void)snprintf(out, PCS_GROUP_MAX, "%s-%s", tee_path(key->tee),
			       names[key->update]);
}
