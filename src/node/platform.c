#include "node/platform.h"

enum {
	SOURCE_WAIT_MS = 10000,
};

static void say_trust(const struct platform *p,
		      const struct platform_options *o)
{
	bool has_anchor = trust_is_simulated(p->trust);

	if (platform_is_simulated(p))
		log_event(o->log, LOG_WARN, "SIMULATED",
			  LSTR("simulated", "true"),
			  LSTR("anchor", has_anchor ? o->trust->simulated_root
						    : "intel"),
			  LSTR("quotes", quote_source_name(p->source)));
	if (trust_accepts_any(p->trust))
		log_event(o->log, LOG_WARN, "policy_accepts_any_measurement",
			  LSTR("policy", o->trust->policy));
}

enum rc platform_open(struct platform *p, const struct platform_options *o,
		      char error[NODE_ERROR_MAX])
{
	char why[256] = "";
	enum rc rc = quoter_open(&p->source, o->quotes->simulator,
				 SOURCE_WAIT_MS, why);

	if (rc) {
		error_set(error, "quotes: %s", why);
		return rc;
	}
	rc = identity_open(&p->identity, &o->identity, p->source, error);
	if (rc)
		return rc;
	log_event(o->log, LOG_INFO, "identity",
		  LSTR("name", p->identity.manifest.name),
		  LHEX("app", SPAN_ARRAY(p->identity.manifest.lineage)),
		  LHEX("manifest", SPAN_ARRAY(p->identity.manifest.hash.b)),
		  LHEX("instance", SPAN_ARRAY(p->identity.instance_id)),
		  LSTR("quotes", quote_source_name(p->source)));
	rc = trust_open(&p->trust, o->trust, o->identity.state, error);
	if (rc)
		return rc;
	say_trust(p, o);
	return RC_OK;
}

void platform_fini(struct platform *p)
{
	trust_free(p->trust);
	identity_fini(&p->identity);
	quote_source_free(p->source);
}

bool platform_is_simulated(const struct platform *p)
{
	return trust_is_simulated(p->trust) ||
	       quote_source_is_simulated(p->source);
}

bool platform_poll(struct platform *p, bool now, const struct log *log)
{
	char error[NODE_ERROR_MAX] = "";

	switch (trust_poll(p->trust, now, error)) {
	case TRUST_SAME:
		return false;
	case TRUST_BAD:
		/* The last good policy may meet collateral that is new. */
		log_event(log, LOG_ERROR, "trust_not_reloaded",
			  LSTR("why", error));
		return true;
	case TRUST_UNSAVED:
		log_event(log, LOG_ERROR, "list_serials_not_saved",
			  LSTR("why", error));
		return true;
	case TRUST_RELOADED:
		log_event(log, LOG_INFO, "trust_reloaded");
		return true;
	}
	return false;
}
