#include "certd/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/figures.h"
#include "certd/nonces.h"
#include "evidence/attest.h"
#include "http/server.h"
#include "io/clock.h"
#include "json/jwrite.h"

enum {
	PART_MAX = 256 * 1024,
	/* Those who wait for a quote, and those who want something else. */
	PUBLIC_MAX = NONCES_MAX + 256,
	DESCRIPTORS = PUBLIC_MAX + 1024,
};

struct serve {
	struct serve_options o;
	struct nonces *nonces;
	struct http_server *admin, *keys, *public, *metrics;
};

static void say(struct http_answer *out, unsigned status, const char *json)
{
	out->status = status;
	buf_reset(&out->body);
	(void)buf_add(&out->body, span_str(json)); /* it is short */
}

/* ---- admin ---- */

static void put_node(struct serve *s, struct buf *part)
{
	struct jwrite j;
	struct sha256 last;
	char hex[65] = "";
	struct wr w = wr_over(hex, 64);
	uint64_t lines = audit_head(s->o.audit, &last);

	text_hex(&w, SPAN_ARRAY(last.b));
	j = jwrite_to(part);
	jwrite_object(&j, NULL);
	jwrite_bool(&j, "simulated", custody_is_simulated(s->o.custody));
	jwrite_number(&j, "generation", custody_generation(s->o.custody));
	jwrite_number(&j, "audit_lines", lines);
	jwrite_str(&j, "audit_last", hex);
	jwrite_utc(&j, "now", clock_unix_s());
	jwrite_end(&j);
	if (jwrite_done(&j))
		shelf_put_status(s->o.shelf, "node", buf_span(part));
}

static void put_attest(struct serve *s, struct buf *part)
{
	struct nonces_counts counts = nonces_counts(s->nonces);
	struct jwrite j = jwrite_to(part);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "answered", counts.answered);
	jwrite_number(&j, "refused", counts.refused);
	jwrite_number(&j, "busy", counts.busy);
	jwrite_number(&j, "failed", counts.failed);
	jwrite_number(&j, "quotes", counts.quotes);
	jwrite_number(&j, "waiting", counts.waiting);
	jwrite_end(&j);
	if (jwrite_done(&j))
		shelf_put_status(s->o.shelf, "attest", buf_span(part));
}

/* What is known here alone, to the rest of the status. */
static void put_status(struct serve *s)
{
	AUTO(buf_fini)
	struct buf part = { 0 };

	buf_init(&part, PART_MAX);
	if (!alarm_write(s->o.alarm, &part))
		shelf_put_status(s->o.shelf, "alarms", buf_span(&part));
	buf_reset(&part);
	if (!audit_events(s->o.audit, &part))
		shelf_put_status(s->o.shelf, "events", buf_span(&part));
	buf_reset(&part);
	put_node(s, &part);
	buf_reset(&part);
	put_attest(s, &part);
}

static const struct {
	const char *path;
	enum issuer_wish wish;
} wishes[] = {
	{ "/v1/renew", ISSUER_RENEW },
	{ "/v1/revoke", ISSUER_REVOKE },
	{ "/v1/account/key", ISSUER_CHANGE_KEY },
	{ "/v1/account/new", ISSUER_NEW_ACCOUNT },
	{ "/v1/caa/look", ISSUER_LOOK },
	{ "/v1/ct/revoke", ISSUER_REVOKE_FOREIGN },
	{ "/v1/serve", ISSUER_SERVE },
};

static bool is_post(const struct http_request *r)
{
	return strcmp(r->method, "POST") == 0;
}

static void on_admin(void *arg, const struct http_request *r,
		     struct http_answer *out)
{
	struct serve *s = arg;

	if (!is_post(r) && strcmp(r->path, "/v1/status") == 0) {
		put_status(s);
		if (shelf_status(s->o.shelf, &out->body))
			say(out, 500, "{\"error\":\"too_large\"}\n");
		return;
	}
	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++) {
		if (strcmp(r->path, wishes[i].path) != 0)
			continue;
		if (!is_post(r)) {
			say(out, 405, "{\"error\":\"method\"}\n");
			return;
		}
		audit_event(s->o.audit, "operator",
			    { "asked", span_str(r->path) });
		issuer_ask(s->o.issuer, wishes[i].wish);
		say(out, 202, "{\"ok\":true}\n");
		return;
	}
	say(out, 404, "{\"error\":\"not_found\"}\n");
}

/* ---- the edge ---- */

static void on_keys(void *arg, const struct http_request *r,
		    struct http_answer *out)
{
	struct serve *s = arg;

	if (is_post(r) || strcmp(r->path, "/v1/tls") != 0)
		say(out, 404, "{\"error\":\"not_found\"}\n");
	else if (shelf_edge(s->o.shelf, &out->body))
		say(out, 500, "{\"error\":\"too_large\"}\n");
}

/* ---- everybody ---- */

static void on_public(void *arg, const struct http_request *r,
		      struct http_answer *out)
{
	struct serve *s = arg;

	/* A connection that came here by its first request stays here: for any
	 * other path the client is to make a new one (RFC 9110 §15.5.20). */
	if (is_post(r) && strcmp(r->path, ATTEST_PATH) == 0)
		nonces_ask(s->nonces, r, out);
	else if (is_post(r) || strcmp(r->path, ATTEST_PATH) == 0)
		say(out, 405, "{\"error\":\"method\"}\n");
	else if (!(out->shared = shelf_get(s->o.shelf, &out->content_type,
					   r->path)))
		say(out, 404, "{\"error\":\"not_found\"}\n");
}

/* Certificates of others for our names, now. */
static bool put_foreign(const struct serve *s, struct buf *out)
{
	char text[128];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w,
		  "# TYPE postern_cert_foreign gauge\npostern_cert_foreign "
		  "%zu\n",
		  alarm_count_of(s->o.alarm, "ct_foreign") +
			  alarm_count_of(s->o.alarm, "ct_same_key"));
	return buf_add(out, wr_span(&w));
}

static void on_metrics(void *arg, const struct http_request *r,
		       struct http_answer *out)
{
	AUTO(buf_fini)
	struct buf status = { 0 };
	struct serve *s = arg;

	if (is_post(r) || strcmp(r->path, "/metrics") != 0) {
		say(out, 404, "{\"error\":\"not_found\"}\n");
		return;
	}
	put_status(s);
	buf_init(&status, HTTP_ANSWER_MAX);
	if (shelf_status(s->o.shelf, &status) ||
	    figures_write(&out->body, buf_span(&status), clock_unix_s()) ||
	    !put_foreign(s, &out->body))
		say(out, 500, "{\"error\":\"too_large\"}\n");
	else
		out->content_type = "text/plain; version=0.0.4";
}

/* ---- sockets ---- */

static enum rc open_one(struct http_server **out, struct serve *s,
			const char *path, mode_t mode, http_handler_fn *fn,
			char error[NODE_ERROR_MAX])
{
	enum rc rc;

	if (!path[0])
		return RC_OK;
	rc = http_server_new(out, s->o.loop, path, mode, fn, s);
	if (rc)
		error_set(error, "%s: %s", path, strerror(errno));
	return rc;
}

/* The edge may run as another user. */
static enum rc admit(struct http_server *server, const struct config *c,
		     char error[NODE_ERROR_MAX])
{
	enum rc rc;

	if (!server || c->edge_uid == 0)
		return RC_OK;
	rc = http_server_admit(server, (uid_t)c->edge_uid);
	if (rc)
		error_set(error, "edge_uid: %s", strerror(errno));
	return rc;
}

/* Many verifiers wait at a time, each on a connection. */
static enum rc make_room(struct http_server *server,
			 char error[NODE_ERROR_MAX])
{
	struct rlimit files;
	enum rc rc = RC_OK;

	if (!server)
		return RC_OK;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		rc = RC_SYS;
	if (!rc && files.rlim_cur < DESCRIPTORS) {
		files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max
							      : DESCRIPTORS;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			rc = RC_SYS;
	}
	if (!rc)
		rc = http_server_limit(server, PUBLIC_MAX);
	if (rc)
		error_set(error, "room for connections: %s", strerror(errno));
	return rc;
}

static enum rc open_nonces(struct serve *s, char error[NODE_ERROR_MAX])
{
	const struct nonces_options o = {
		.loop = s->o.loop,
		.shelf = s->o.shelf,
		.source = s->o.source,
		.eventlog = s->o.eventlog,
	};
	enum rc rc = nonces_new(&s->nonces, &o);

	if (rc)
		error_set(error, "fresh evidence: %s", strerror(errno));
	return rc;
}

enum rc serve_new(struct serve **out, const struct serve_options *o,
		  char error[NODE_ERROR_MAX])
{
	struct serve *s = mem_new(sizeof(*s));
	const struct config *c = o->config;
	enum rc rc;

	s->o = *o;
	rc = open_nonces(s, error);
	if (!rc)
		rc = open_one(&s->admin, s, c->admin, 0600, on_admin, error);
	if (!rc)
		rc = open_one(&s->keys, s, c->keys, 0600, on_keys, error);
	if (!rc)
		rc = open_one(&s->public, s, c->public, 0600, on_public, error);
	if (!rc)
		rc = open_one(&s->metrics, s, c->metrics, 0666, on_metrics,
			      error);
	if (!rc)
		rc = admit(s->keys, c, error);
	if (!rc)
		rc = admit(s->public, c, error);
	if (!rc)
		rc = make_room(s->public, error);
	if (rc) {
		serve_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void serve_free(struct serve *s)
{
	if (!s)
		return;
	http_server_free(s->admin);
	http_server_free(s->keys);
	http_server_free(s->public);
	http_server_free(s->metrics);
	nonces_free(s->nonces);
	free(s);
}
