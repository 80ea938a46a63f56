#include "agent/secrets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/x25519.h"
#include "io/file.h"
#include "secrets/keyproof.h"

#define PURPOSE "env-seen"

enum {
	FOLDER_MAX = 512,
	SEEN_LEN = 8 + 32,
};

struct secrets {
	struct secrets_options o;
	struct key32 secret;
	struct buf proof;
	struct seal *seal;
	enum envelope_verdict last; /* logged */
};

/* ---- what was seen ---- */

static enum rc open_seal(struct secrets *s, char error[NODE_ERROR_MAX])
{
	char folder[FOLDER_MAX], why[SEAL_ERROR_MAX] = "";
	struct seal_options o = { .folder = folder, .provider = s->o.seal };
	enum seal_reason reason;

	memcpy(o.app, s->o.identity->manifest.lineage, sizeof(o.app));
	memcpy(o.instance, s->o.identity->instance_id, sizeof(o.instance));
	if (snprintf(folder, sizeof(folder), "%s/env-seal", s->o.state) >=
	    (int)sizeof(folder)) {
		error_set(error, "state folder: path too long");
		return RC_LIMIT;
	}
	reason = seal_open(&s->seal, &o, why);
	if (reason == SEAL_OK)
		return RC_OK;
	error_set(error, "sealed folder %s: %s: %.200s", folder,
		  seal_reason_name(reason), why);
	return RC_DENIED;
}

static enum rc read_seen(const struct secrets *s, struct envelope_seen *out,
			 char error[NODE_ERROR_MAX])
{
	AUTO(buf_wipe)
	struct buf content;
	enum seal_reason reason;
	struct span rest;

	buf_init(&content, FORM_SECRET_MAX);
	reason = seal_read(s->seal, PURPOSE, &content);
	rest = buf_span(&content);
	*out = (struct envelope_seen){ 0 };
	if (reason == SEAL_ABSENT)
		return RC_OK;
	if (reason == SEAL_OK && rd_be64(&rest, &out->serial) &&
	    rd_copy(&rest, out->hash.b, sizeof(out->hash.b)) && rd_end(&rest))
		return RC_OK;
	error_set(error, "sealed memory of the last envelope: %s",
		  seal_reason_name(reason));
	return RC_DENIED;
}

static enum rc write_seen(const struct secrets *s,
			  const struct envelope_seen *seen,
			  char error[NODE_ERROR_MAX])
{
	uint8_t content[SEEN_LEN];
	struct wr w = WR_ARRAY(content);
	enum seal_reason reason;

	wr_be64(&w, seen->serial);
	wr_bytes(&w, SPAN_ARRAY(seen->hash.b));
	reason = seal_write(s->seal, PURPOSE, wr_span(&w));
	if (reason == SEAL_OK)
		return RC_OK;
	error_set(error, "sealed memory of the last envelope: %s",
		  seal_reason_name(reason));
	return RC_SYS;
}

/* ---- the key ---- */

static enum rc make_proof(struct secrets *s, char error[NODE_ERROR_MAX])
{
	const struct identity *id = s->o.identity;
	AUTO(buf_fini)
	struct buf quote = { 0 };
	AUTO(buf_fini)
	struct buf log = { 0 };
	struct keyproof p = { 0 };
	struct sha512 report_data;
	enum rc rc;

	buf_init(&quote, QUOTE_MAX);
	buf_init(&log, EVENTLOG_MAX);
	memcpy(p.app_id, id->manifest.lineage, sizeof(p.app_id));
	memcpy(p.instance_id, id->instance_id, sizeof(p.instance_id));
	x25519_public(p.public_key, &s->secret);
	keyproof_report_data(&report_data, &p);
	rc = measured_quote_with_log(s->o.measured, &quote, &log,
				     report_data.b);
	p.quote = buf_span(&quote);
	p.event_log = buf_span(&log);
	if (!rc)
		rc = keyproof_write(&s->proof, &p);
	if (rc)
		error_set(error, "proof of the environment's key: %s",
			  rc_name(rc));
	return rc;
}

static enum rc get_secret(struct secrets *s, char error[NODE_ERROR_MAX])
{
	AUTO(key32_wipe)
	struct key32 root = { 0 };
	enum rc rc = s->o.keys->get(s->o.keys->arg, &root, "env", error);

	if (!rc)
		keyproof_secret(&s->secret, &root);
	return rc;
}

enum rc secrets_new(struct secrets **out, const struct secrets_options *options,
		    char error[NODE_ERROR_MAX])
{
	struct secrets *s = mem_new(sizeof(*s));
	enum rc rc;

	s->o = *options;
	s->last = ENVELOPE_OK;
	buf_init(&s->proof, KEYPROOF_TEXT_MAX);
	rc = get_secret(s, error);
	if (!rc)
		rc = open_seal(s, error);
	if (!rc)
		rc = make_proof(s, error);
	if (rc) {
		secrets_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void secrets_free(struct secrets *s)
{
	if (!s)
		return;
	seal_close(s->seal);
	buf_fini(&s->proof);
	key32_wipe(&s->secret);
	free(s);
}

struct span secrets_proof(const struct secrets *s)
{
	return buf_span(&s->proof);
}

/* ---- the envelope ---- */

static void tell(struct secrets *s, enum envelope_verdict v, uint64_t serial,
		 size_t count)
{
	if (v == ENVELOPE_OK)
		log_event(s->o.log, LOG_INFO, "environment_opened",
			  LU64("serial", serial), LU64("variables", count));
	else if (v != s->last)
		log_event(s->o.log, LOG_ERROR, "environment_refused",
			  LSTR("reason", envelope_verdict_name(v)));
	s->last = v;
}

static enum rc read_envelope(const struct secrets *s, struct buf *text,
			     char error[NODE_ERROR_MAX])
{
	enum rc rc = file_read(text, s->o.envelope);

	if (rc == RC_SYS && errno == ENOENT) {
		error_set(error, "waiting for the environment at %s",
			  s->o.envelope);
		return RC_CLOSED;
	}
	if (rc)
		error_set(error, "environment %s: %s", s->o.envelope,
			  file_why(rc));
	return rc;
}

enum rc secrets_take(void *secrets, struct envs *out,
		     char error[NODE_ERROR_MAX])
{
	struct secrets *s = secrets;
	struct envelope_terms terms = {
		.secret = &s->secret,
		.rules = s->o.identity->manifest.guest,
	};
	AUTO(buf_fini)
	struct buf text;
	struct envelope_seen seen;
	enum envelope_verdict v;
	enum rc rc;

	buf_init(&text, ENVELOPE_TEXT_MAX);
	rc = read_envelope(s, &text, error);
	if (!rc)
		rc = read_seen(s, &terms.seen, error);
	if (rc)
		return rc;
	memcpy(terms.app_id, s->o.identity->manifest.lineage,
	       sizeof(terms.app_id));
	v = envelope_open(out, &seen, buf_span(&text), &terms);
	if (v) {
		error_set(error, "environment refused: %s",
			  envelope_verdict_name(v));
		tell(s, v, 0, 0);
		return RC_DENIED;
	}
	/* Before it is used, so that no older one can be after it. */
	rc = write_seen(s, &seen, error);
	if (rc)
		envs_fini(out);
	else
		tell(s, v, seen.serial, out->count);
	return rc;
}
