#include <string.h>

#include "cli/verify_gather.h"
#include "ct/watchset.h"
#include "evidence/core.h"
#include "pki/webcrl.h"
#include "pki/webkey.h"

enum {
	ISSUERS_MAX = 64,
	SUBJECTS_MAX = 256, /* certificates that are asked about */
	URLS_MAX = 2 * GATHERED_LISTS_MAX, /* that are asked, for anything */
};

/* What was asked already, and the certificates that may be somebody's
 * issuer. */
struct shelf {
	struct arena *arena;
	const struct verify_options *o;
	struct gathered *out;
	struct span issuers[ISSUERS_MAX];
	size_t issuer_count;
	struct span urls[URLS_MAX]; /* asked, whatever came of it */
	size_t url_count, subject_count;
	struct span *crls;
};

static bool is_asked(struct shelf *s, struct span url)
{
	for (size_t i = 0; i < s->url_count; i++)
		if (span_equal(s->urls[i], url))
			return true;
	if (s->url_count == URLS_MAX)
		return true;
	s->urls[s->url_count++] = url;
	return false;
}

/* A body of a URL that was not asked yet; or empty. */
static struct span download(struct shelf *s, struct span url, size_t max)
{
	struct web_ask ask = { 0 };
	struct web_answer answer = { 0 };
	struct span body = { 0 };
	const char *copy;

	if (is_asked(s, url))
		return body;
	if (web_ask_init(&ask, WEB_GET, url, max) == RC_OK &&
	    verify_fetch(&answer, &ask, s->o, "revocation") == FETCH_OK &&
	    answer.status == 200) {
		copy = arena_dup(s->arena, buf_span(&answer.body));
		body = span_of(copy, copy ? buf_span(&answer.body).n : 0);
	}
	web_answer_fini(&answer);
	web_ask_fini(&ask);
	return body;
}

/* ---- issuers: of the server's chain, or where the certificate points */

static void add_issuer(struct shelf *s, struct span der)
{
	struct web_cert cert;

	if (s->issuer_count < ISSUERS_MAX && der.n &&
	    web_parse(&cert, der) == RC_OK)
		s->issuers[s->issuer_count++] = der;
}

static struct span known_issuer(const struct shelf *s,
				const struct web_cert *cert)
{
	for (size_t i = 0; i < s->issuer_count; i++) {
		struct web_cert issuer;

		if (web_parse(&issuer, s->issuers[i]) == RC_OK &&
		    web_names_issuer(cert, &issuer) &&
		    webkey_signed(issuer.spki, cert->algorithm, cert->tbs,
				  cert->signature))
			return s->issuers[i];
	}
	return span_of(NULL, 0);
}

static struct span issuer_of(struct shelf *s, const struct web_cert *cert)
{
	struct span found = known_issuer(s, cert);

	if (found.n || !cert->ca_issuers.n)
		return found;
	add_issuer(s, download(s, cert->ca_issuers, WEB_CERT_MAX));
	return known_issuer(s, cert);
}

/* ---- lists */

static void add_list(struct shelf *s, const struct web_cert *cert)
{
	struct span url, der;

	if (s->out->crl_count == GATHERED_LISTS_MAX || !web_crl_url(cert, &url))
		return;
	der = download(s, url, WEBCRL_MAX);
	if (der.n)
		s->crls[s->out->crl_count++] = der;
}

/* The hashes of what was issued to the service, as it says itself. */
static void add_own(struct watchset *w, struct arena *arena, struct span bundle)
{
	struct evidence_bundle *b = arena_new(arena, 1, sizeof(*b));
	struct evidence_core core;

	if (!b || !bundle.n || evidence_bundle_read(b, arena, bundle) ||
	    evidence_core_read(&core, arena, b->core))
		return;
	for (size_t i = 0; i < core.cert_count; i++)
		(void)watchset_add(w, WATCHSET_OUR_TBS, &core.certs[i].tbs);
	for (size_t i = 0; i < core.key_count; i++) {
		/* what has no room is asked about */
		(void)watchset_add(w, WATCHSET_OUR_KEY, &core.keys[i].spki);
		for (size_t k = 0; k < core.keys[i].tbs_count; k++)
			(void)watchset_add(w, WATCHSET_OUR_TBS,
					   &core.keys[i].tbs[k]);
	}
}

/* Somebody else's, or older than the evidence, and not yet at its end. */
static bool is_subject(const struct shelf *s, struct watchset_hit *hit,
		       const struct watchset *w, struct span der)
{
	return watchset_look(hit, w, der) &&
	       hit->class != WATCHSET_EXPECTED &&
	       hit->class != WATCHSET_MALFORMED &&
	       hit->cert.not_after >= s->out->at;
}

static void ask_about(struct shelf *s, const struct watchset *w,
		      struct material_cert *cert)
{
	struct watchset_hit hit;

	if (s->subject_count == SUBJECTS_MAX ||
	    !is_subject(s, &hit, w, cert->der))
		return;
	s->subject_count++;
	cert->issuer = issuer_of(s, &hit.cert);
	if (cert->issuer.n)
		add_list(s, &hit.cert);
}

static void ask_source(struct shelf *s, const struct watchset *w,
		       struct material_source *source)
{
	struct material_cert *certs =
		arena_new(s->arena, source->count + 1, sizeof(*certs));

	if (!certs)
		return;
	if (source->count)
		memcpy(certs, source->certs, source->count * sizeof(*certs));
	for (size_t i = 0; i < source->count; i++)
		ask_about(s, w, &certs[i]);
	source->certs = certs;
}

void verify_gather_crls(struct gathered *out, struct arena *arena,
			const struct verify_options *o)
{
	struct shelf *s = arena_new(arena, 1, sizeof(*s));
	struct material_source *sources =
		arena_new(arena, out->source_count + 1, sizeof(*sources));
	struct watchset *w;

	if (!s || !sources)
		return;
	*s = (struct shelf){ .arena = arena, .o = o, .out = out };
	s->crls = arena_new(arena, GATHERED_LISTS_MAX, sizeof(*s->crls));
	if (!s->crls)
		return;
	for (size_t i = 1; i < out->tls.chain_count; i++)
		add_issuer(s, out->tls.chain[i]);
	w = watchset_new();
	if (watchset_add_name(w, out->host, WATCHSET_NAME) == RC_OK) {
		add_own(w, arena, out->bundle);
		for (size_t i = 0; i < out->source_count; i++) {
			sources[i] = out->sources[i];
			ask_source(s, w, &sources[i]);
		}
		out->sources = sources;
		out->crls = s->crls;
	}
	watchset_free(w);
}
