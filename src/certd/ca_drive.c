#include "base/mem.h"
#include "certd/ca_inside.h"
#include "http/fetch.h"
#include "io/clock.h"

static enum rc store(struct ca *ca, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf state = { 0 };
	enum seal_reason reason = SEAL_FULL;

	buf_init(&state, ACME_STATE_MAX);
	if (!acme_save(ca->client, &state))
		reason = custody_put(ca->options.custody, ca->purpose,
				     buf_span(&state));
	if (!reason) {
		ca->has_state = true;
		return RC_OK;
	}
	error_set(error, "state of the account: %s", seal_reason_name(reason));
	return RC_SYS;
}

static void perform(struct ca *ca)
{
	const struct web_ask *ask = acme_ask(ca->client);
	const struct fetch_options o = {
		.ca_file = ca->options.config->ca,
		.stop = &ca->options.pulse->stop,
	};
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char why[FETCH_ERROR_MAX] = "";
	enum fetch_result r = fetch(&answer, why, ask, &o);

	log_event(ca->options.log, LOG_DEBUG, "acme_request",
		  LSTR("method", web_method_name(ask->method)),
		  LSTR("url", ask->url), LU64("status", answer.status),
		  LSTR("error", why));
	if (r == FETCH_OK) {
		acme_answer(ca->client, &answer, clock_unix_s());
		return;
	}
	log_event(ca->options.log, LOG_WARN, "acme_no_answer",
		  LSTR("result", fetch_result_name(r)), LSTR("error", why));
	acme_answer(ca->client, NULL, clock_unix_s());
}

static void show(struct ca *ca, const struct ca_help *help)
{
	char error[NODE_ERROR_MAX];

	for (size_t i = 0; i < acme_proof_count(ca->client); i++) {
		const struct proof *p = acme_proof(ca->client, i);

		error[0] = '\0';
		if (!help->show)
			acme_not_shown(ca->client, i, "nobody to show it");
		else if (help->show(help->arg, p, error) == RC_OK)
			acme_shown(ca->client, i);
		else
			acme_not_shown(ca->client, i, error);
	}
}

static void hide(struct ca *ca, const struct ca_help *help)
{
	for (size_t i = 0; help->hide && i < acme_proof_count(ca->client); i++)
		help->hide(help->arg, acme_proof(ca->client, i));
	acme_hidden(ca->client);
}

static enum rc use_key(struct ca *ca, const struct ca_help *help,
		       char error[NODE_ERROR_MAX])
{
	struct p256_private *key = NULL;
	enum rc rc;

	if (!help->key) {
		error_set(error, "the CA asks for a key out of turn");
		return RC_DENIED;
	}
	rc = help->key(help->arg, &key, acme_certificate_key(ca->client),
		       error);
	if (!rc)
		rc = acme_use_certificate_key(ca->client, key);
	if (rc) {
		p256_private_free(key);
		return rc;
	}
	p256_private_free(ca->certificate_key);
	ca->certificate_key = key;
	return RC_OK;
}

static const char *want_name(enum acme_want want)
{
	static const char *const names[] = {
		[ACME_WANT_NOTHING] = "end",
		[ACME_WANT_STORE] = "store",
		[ACME_WANT_ASK] = "ask",
		[ACME_WANT_WAIT] = "wait",
		[ACME_WANT_SHOW] = "show",
		[ACME_WANT_HIDE] = "hide",
		[ACME_WANT_KEY] = "key",
	};

	return names[want];
}

static enum rc step(struct ca *ca, const struct ca_help *help,
		    enum acme_want want, char error[NODE_ERROR_MAX])
{
	switch (want) {
	case ACME_WANT_STORE:
		return store(ca, error);
	case ACME_WANT_ASK:
		perform(ca);
		return RC_OK;
	case ACME_WANT_WAIT:
		return pulse_sleep(ca->options.pulse,
				   acme_wait_until(ca->client) * 1000)
			       ? RC_OK
			       : RC_CLOSED;
	case ACME_WANT_SHOW:
		show(ca, help);
		return RC_OK;
	case ACME_WANT_HIDE:
		hide(ca, help);
		return RC_OK;
	case ACME_WANT_KEY:
		return use_key(ca, help, error);
	case ACME_WANT_NOTHING:
		break;
	}
	return RC_OK;
}

enum rc ca_drive(struct ca *ca, const struct ca_help *help,
		 char error[NODE_ERROR_MAX])
{
	enum acme_want want;
	enum rc rc = RC_OK;

	error[0] = '\0';
	do {
		want = acme_next(ca->client, clock_unix_s());
		log_event(ca->options.log, LOG_DEBUG, "acme_step",
			  LSTR("want", want_name(want)));
		rc = step(ca, help, want, error);
		if (pulse_is_stopping(ca->options.pulse))
			return RC_CLOSED;
	} while (!rc && want != ACME_WANT_NOTHING);
	if (rc)
		acme_break_off(ca->client, error[0] ? error : rc_name(rc));
	/* A platform that hung up is not the end of the program. */
	return rc == RC_CLOSED ? RC_SYS : rc;
}
