#include "certd/showing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/client.h"
#include "io/clock.h"
#include "pki/pem.h"
#include "pki/proof.h"

enum {
	EDGE_MS = 30'000,
	PROOF_LIFE_S = 7 * 86'400,
	PROOF_PEM_MAX = 4096,
	DAY_S = 86'400,
};

enum rc showing_tell_edge(struct showing *s, char error[NODE_ERROR_MAX])
{
	AUTO(http_reply_fini)
	struct http_reply reply = { 0 };
	const char *at = s->config->edge;
	enum rc rc;

	if (!at[0])
		return RC_OK;
	/* It asks our socket 'keys' before it answers. */
	rc = http_client_post(&reply, at, "/v1/tls", span_str("{}"), EDGE_MS);
	if (!rc && reply.status / 100 != 2)
		rc = RC_DENIED;
	if (rc == RC_DENIED)
		error_set(error, "the edge at %s: %.*s", at,
			  (int)buf_span(&reply.body).n,
			  (const char *)buf_span(&reply.body).p);
	else if (rc)
		error_set(error, "the edge at %s: %s", at,
			  rc == RC_SYS ? strerror(errno) : rc_name(rc));
	return rc;
}

/* ---- tls-alpn-01 ---- */

static enum rc show_alpn(struct showing *s, const struct proof *p,
			 char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf der = { 0 };
	struct p256_private *key = p256_private_generate();
	const struct request_name name = name_request(&p->name);
	char pem[PROOF_PEM_MAX], *key_pem;
	struct wr w = WR_ARRAY(pem);
	int64_t now = clock_unix_s();
	enum rc rc;

	buf_init(&der, PROOF_PEM_MAX / 2);
	rc = proof_make(&der, key, &name, &p->digest, now - DAY_S,
			now + PROOF_LIFE_S);
	key_pem = p256_private_to_pem(key);
	p256_private_free(key);
	if (!rc) {
		pem_encode(&w, PEM_CERTIFICATE, buf_span(&der));
		rc = shelf_put_proof(s->shelf, p->where, wr_span(&w), key_pem);
	}
	secret_wipe(key_pem, strlen(key_pem));
	free(key_pem);
	if (rc) {
		error_set(error, "%s: no proof certificate: %s", p->where,
			  rc_name(rc));
		return rc;
	}
	return showing_tell_edge(s, error);
}

static void hide_alpn(struct showing *s, const struct proof *p)
{
	char error[NODE_ERROR_MAX];

	/* Nothing is put where a chain is empty, so nothing is refused. */
	(void)shelf_put_proof(s->shelf, p->where, span_of(NULL, 0), NULL);
	if (showing_tell_edge(s, error))
		log_event(s->log, LOG_WARN, "edge_not_told",
			  LSTR("why", error));
}

/* The last part of http-01's path is the token; elsewhere nobody needs it. */
static const char *token_of(const struct proof *p)
{
	const char *slash = strrchr(p->where, '/');

	return p->type == CHALLENGE_HTTP_01 && slash ? slash + 1 : "-";
}

/* ---- http-01, at the edge's plain listener ---- */

static enum rc show_http(struct showing *s, const struct proof *p,
			 char error[NODE_ERROR_MAX])
{
	enum rc rc;

	if (!s->config->edge[0] || p->name.is_ip) {
		error_set(error, "http-01 takes an edge, or a hook; an address "
				 "takes a hook");
		return RC_UNSUPPORTED;
	}
	rc = shelf_put_answer(s->shelf, name_base(&p->name), token_of(p),
			      p->value);
	if (rc) {
		error_set(error, "%s: too many answers", name_base(&p->name));
		return rc;
	}
	return showing_tell_edge(s, error);
}

static void hide_http(struct showing *s, const struct proof *p)
{
	char error[NODE_ERROR_MAX];

	/* Taking one away is never refused. */
	(void)shelf_put_answer(s->shelf, name_base(&p->name), token_of(p),
			       NULL);
	if (showing_tell_edge(s, error))
		log_event(s->log, LOG_WARN, "edge_not_told",
			  LSTR("why", error));
}

/* ---- the hook: uacme's calling convention ---- */

static enum rc hook(struct showing *s, const struct proof *p,
		    const char *moment, char error[NODE_ERROR_MAX])
{
	const char *const words[] = {
		moment,
		challenge_name(p->type),
		name_base(&p->name),
		token_of(p),
		p->value,
		NULL,
	};
	enum rc rc = runner_run(s->runner, RUNNER_HOOK, words,
				CONFIG_HOOK_TIMEOUT_MS);

	if (rc)
		error_set(error, "%s %s: %s", s->config->dns.hook, moment,
			  rc_name(rc));
	return rc;
}

static bool is_hooked(const struct showing *s, const struct proof *p)
{
	if (!s->config->dns.hook || p->type == CHALLENGE_TLS_ALPN_01 ||
	    p->type == CHALLENGE_DNS_PERSIST_01)
		return false;
	return p->type == CHALLENGE_HTTP_01 || !writer_may_write(s->writer);
}

enum rc showing_show(struct showing *s, const struct proof *p,
		     char error[NODE_ERROR_MAX])
{
	enum rc rc = RC_OK;

	if (is_hooked(s, p)) {
		rc = hook(s, p, "begin", error);
		/* That all servers have it is for us to see. */
		if (rc || p->type == CHALLENGE_HTTP_01)
			return rc;
		return writer_see(s->writer, p, error);
	}
	switch (p->type) {
	case CHALLENGE_TLS_ALPN_01:
		return show_alpn(s, p, error);
	case CHALLENGE_HTTP_01:
		return show_http(s, p, error);
	case CHALLENGE_DNS_01:
	case CHALLENGE_DNS_ACCOUNT_01:
	case CHALLENGE_DNS_PERSIST_01:
		return writer_show(s->writer, p, error);
	case CHALLENGE_TYPES:
		break;
	}
	error_set(error, "no such challenge");
	return RC_UNSUPPORTED;
}

void showing_hide(struct showing *s, const struct proof *p)
{
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = RC_OK;

	if (is_hooked(s, p))
		rc = hook(s, p, p->state == PROOF_FAILED ? "failed" : "done",
			  error);
	else if (p->type == CHALLENGE_TLS_ALPN_01)
		hide_alpn(s, p);
	else if (p->type == CHALLENGE_HTTP_01)
		hide_http(s, p);
	else
		rc = writer_hide(s->writer, p, error);
	if (rc)
		log_event(s->log, LOG_WARN, "challenge_not_hidden",
			  LSTR("where", p->where), LSTR("why", error));
}
