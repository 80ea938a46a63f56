#include "teesim/renewal.h"

#include <stdio.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	LOOK_EVERY_MS = 3'600'000,
};

bool renewal_is_due(int64_t issued_at, int64_t now)
{
	return now < issued_at ||
	       now > issued_at + SIM_DOCS_VALID_S - SIM_DOCS_RENEW_S;
}

static enum rc issue(struct renewal *r, int64_t now, char error[256])
{
	AUTO(collateral_fini)
	struct collateral_files docs = { 0 };
	enum rc rc = sim_docs_make(&docs, r->pki, NULL, now);

	if (rc) {
		snprintf(error, 256, "documents: %s", rc_name(rc));
		return rc;
	}
	rc = collateral_save(&docs, r->collateral, r->pki->platform.fmspc,
			     error);
	if (rc)
		return rc;
	r->issued_at = now;
	log_event(r->log, LOG_INFO, "collateral_issued",
		  LSTR("folder", r->collateral),
		  LI64("valid_s", SIM_DOCS_VALID_S), LSTR("simulated", "true"));
	return RC_OK;
}

static enum rc write_root(const struct renewal *r, char error[256])
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	enum rc rc;

	buf_init(&pem, ISSUE_DER_MAX);
	rc = sim_pki_pem(&pem, r->pki, SIM_CERT_ROOT);
	if (!rc)
		rc = file_replace(r->root, buf_span(&pem), 0644);
	if (rc)
		snprintf(error, 256, "%s: %m", r->root);
	return rc;
}

static void arm(struct renewal *r)
{
	loop_timer_arm(r->loop, &r->timer,
		       loop_now_ms(r->loop) + LOOK_EVERY_MS);
}

static void on_time(void *arg)
{
	struct renewal *r = arg;
	char error[256];

	if (renewal_is_due(r->issued_at, clock_unix_s()) &&
	    issue(r, clock_unix_s(), error))
		log_event(r->log, LOG_ERROR, "collateral_failed",
			  LSTR("error", error), LSTR("simulated", "true"));
	arm(r);
}

enum rc renewal_start(struct renewal *r, char error[256])
{
	enum rc rc = write_root(r, error);

	if (!rc)
		rc = issue(r, clock_unix_s(), error);
	if (rc)
		return rc;
	r->timer = (struct loop_timer){ .fn = on_time, .arg = r };
	arm(r);
	return RC_OK;
}

void renewal_stop(struct renewal *r)
{
	loop_timer_disarm(r->loop, &r->timer);
}
