#include <string.h>

#include "base/mem.h"
#include "certd/monitoring.h"
#include "http/fetch.h"
#include "io/clock.h"

enum {
	TIMEOUT_MS = 30'000,
	TURN_MS = 120'000, /* for all that is asked in a round */
};

/* A document that was got last: certificates of one CA point to the same. */
struct kept {
	char url[WEB_URL_MAX];
	struct web_answer answer;
};

/* A turn of asking. */
struct asking {
	struct monitor *m;
	uint64_t end_ms;
	struct kept issuer, list;
};

static bool is_kept(const struct kept *k, struct span url)
{
	return k->url[0] && span_equal_str(url, k->url);
}

/* No answer is one, too, for this turn. */
static struct span get(struct asking *a, struct kept *k, struct span url,
		       size_t max)
{
	const struct fetch_options how = {
		.ca_file = a->m->o.config->ct.ca,
		.timeout_ms = TIMEOUT_MS,
		.stop = &a->m->pulse.stop,
	};
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	char why[FETCH_ERROR_MAX];

	if (!is_kept(k, url)) {
		struct wr w = wr_over(k->url, sizeof(k->url) - 1);

		web_answer_fini(&k->answer);
		k->url[0] = '\0';
		if (web_ask_init(&ask, WEB_GET, url, max) ||
		    clock_boot_ms() >= a->end_ms)
			return span_of(NULL, 0);
		wr_bytes(&w, url); /* it has that room, as web_ask knows */
		k->url[w.n] = '\0';
		(void)fetch(&k->answer, why, &ask, &how); /* or empty */
	}
	return k->answer.status == 200 ? buf_span(&k->answer.body)
				       : span_of(NULL, 0);
}

static bool is_due(const struct monitor *m, const struct find *f, int64_t now)
{
	int64_t every = (int64_t)(m->o.config->ct.revocation_ms / 1000);
	enum watchset_class class = monitor_class(m, f);

	return f->der.n && now <= f->not_after && class != WATCHSET_EXPECTED &&
	       class != WATCHSET_OURS &&
	       (now < f->revocation_asked_at ||
		now >= f->revocation_asked_at + every);
}

static void say(struct monitor *m, const struct find *f, const char *before)
{
	if (before && strcmp(before, f->revocation) == 0)
		return;
	log_event(m->o.log, LOG_INFO, "ct_revocation", LSTR("name", f->name),
		  LSTR("issuer", f->issuer), LSTR("says", f->revocation));
}

/* True: whether it is revoked has changed. */
static bool ask_about(struct asking *a, struct find *f)
{
	const char *before = f->revocation;
	AUTO(revocation_fini)
	struct revocation r = { 0 };
	struct web_cert cert;
	struct span url;
	size_t max;

	bool is_news;

	if (web_parse(&cert, f->der))
		return false;
	revocation_begin(&r, &cert);
	while (revocation_next(&r, &url, &max)) {
		struct kept *k = r.issuer_der.n ? &a->list : &a->issuer;

		revocation_take(&r, get(a, k, url, max), clock_unix_s());
	}
	if (pulse_is_stopping(&a->m->pulse))
		return false;
	is_news = finds_heed(&a->m->finds, f, &r, clock_unix_s());
	if (is_news)
		audit_event(a->m->o.audit,
			    f->is_revoked ? "ct_revoked" : "ct_not_revoked",
			    { "name", span_str(f->name) },
			    { "issuer", span_str(f->issuer) },
			    { "reason", span_str(webcrl_reason_name(
						f->revoked.reason)) });
	say(a->m, f, before);
	return is_news;
}

bool monitor_revoked(struct monitor *m)
{
	AUTO(mem_auto_free)
	struct asking *a = mem_new(sizeof(*a));
	int64_t now = clock_unix_s();
	bool is_news = false;

	a->m = m;
	a->end_ms = clock_boot_ms() + TURN_MS;
	for (size_t i = 0; i < m->finds.count; i++) {
		struct find *f = &m->finds.of[i];

		if (clock_boot_ms() >= a->end_ms ||
		    pulse_is_stopping(&m->pulse))
			break; /* the next round goes on here */
		if (is_due(m, f, now))
			is_news |= ask_about(a, f);
	}
	web_answer_fini(&a->issuer.answer);
	web_answer_fini(&a->list.answer);
	return is_news;
}
