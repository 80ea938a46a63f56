#include "edge/admin.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "edge/listing.h"
#include "edge/master.h"
#include "edge/prom.h"
#include "edge/upgrade.h"

static int add_text(const char *text, size_t n, void *to)
{
	return buf_add(to, span_of(text, n)) ? 0 : -1;
}

/* Takes j.  One that does not fit is an answer of its own. */
static void answer_json(struct http_answer *out, unsigned status, json_t *j)
{
	out->status = status;
	if (!j || json_dump_callback(j, add_text, &out->body, JSON_INDENT(1))) {
		buf_reset(&out->body);
		out->status = 500;
	}
	json_decref(j);
}

static void answer_error(struct http_answer *out, unsigned status,
			 const char *error)
{
	json_t *text = json_string(error);

	/* A path may hold what is no UTF-8. */
	answer_json(out, status,
		    json_pack("{s:o}", "error",
			      text ? text : json_string("?")));
}

static void answer_metrics(struct master *m, struct http_answer *out)
{
	out->content_type = "text/plain; version=0.0.4; charset=utf-8";
	if (prom_write(&out->body, m))
		out->status = 500;
}

/* ---- changes ---- */

static void post_reload(struct master *m, struct http_answer *out)
{
	char error[MESSAGE_TEXT_MAX];

	if (master_reload(m, error))
		answer_json(out, 200,
			    json_pack("{s:I}", "generation",
				      (json_int_t)m->generation));
	else
		answer_error(out, 409, error);
}

static void post_tls(struct master *m, struct http_answer *out)
{
	const struct certs *c;
	char error[MESSAGE_TEXT_MAX];

	if (!master_take(m, error)) {
		answer_error(out, 409, error);
		return;
	}
	c = &m->setup->certs;
	answer_json(out, 200,
		    json_pack("{s:I,s:I,s:I}", "generation",
			      (json_int_t)m->generation, "certificates",
			      (json_int_t)(c->count - c->issued_from),
			      "proofs", (json_int_t)c->proof_count));
}

static void post_upgrade(struct master *m, struct http_answer *out)
{
	char error[MESSAGE_TEXT_MAX];

	if (upgrade_start(m, error))
		answer_json(out, 202,
			    json_pack("{s:i}", "pid", (int)m->next.pid));
	else
		answer_error(out, 409, error);
}

static void post_level(struct master *m, struct http_answer *out,
		       struct span name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!span_equal_str(name, names[i]))
			continue;
		master_set_level(m, (enum log_level)i);
		answer_json(out, 200, json_pack("{s:s}", "level", names[i]));
		return;
	}
	answer_error(out, 400, "expected error, warn, info or debug");
}

static void post_instance(struct master *m, struct http_answer *out,
			  struct span rest)
{
	uint8_t id[STORE_ID_LEN];
	bool is_drain;
	struct span hex;

	if (!rd_until(&rest, &hex, '/') ||
	    !text_hex_decode(id, sizeof(id), hex) ||
	    (!span_equal_str(rest, "drain") &&
	     !span_equal_str(rest, "undrain"))) {
		answer_error(out, 404, "expected /v1/instances/<40 hex digits>"
				       "/drain or .../undrain");
		return;
	}
	is_drain = span_equal_str(rest, "drain");
	if (is_drain ? board_drain(m->board, id) : board_undrain(m->board, id))
		answer_json(out, 200, json_pack("{s:b}", "drained", is_drain));
	else
		answer_error(out, 409,
			     is_drain ? "too many are drained"
				      : "it is not drained");
}

static bool take_prefix(struct span *path, const char *prefix)
{
	struct span p = span_str(prefix);

	return span_has_prefix(*path, p) && rd_skip(path, p.n);
}

static void post(struct master *m, struct http_answer *out, struct span path)
{
	if (span_equal_str(path, "/v1/reload"))
		post_reload(m, out);
	else if (span_equal_str(path, "/v1/tls"))
		post_tls(m, out);
	else if (span_equal_str(path, "/v1/upgrade"))
		post_upgrade(m, out);
	else if (take_prefix(&path, "/v1/log/"))
		post_level(m, out, path);
	else if (take_prefix(&path, "/v1/instances/"))
		post_instance(m, out, path);
	else
		answer_error(out, 404, "there is /v1/reload, /v1/tls, "
				       "/v1/upgrade, /v1/log/<level> and "
				       "/v1/instances/<id>/drain");
}

/* ---- looks ---- */

static void get(struct master *m, struct http_answer *out, const char *path)
{
	static const struct {
		const char *path;
		json_t *(*make)(struct master *m);
	} lists[] = {
		{ "/v1/status", listing_status },
		{ "/v1/apps", listing_apps },
		{ "/v1/instances", listing_instances },
		{ "/v1/certificates", listing_certificates },
		{ "/v1/connections", listing_connections },
	};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (strcmp(path, lists[i].path) != 0)
			continue;
		answer_json(out, 200, lists[i].make(m));
		return;
	}
	if (strcmp(path, "/metrics") == 0)
		answer_metrics(m, out);
	else
		answer_error(out, 404, "there is /v1/status, /v1/apps, "
				       "/v1/instances, /v1/certificates, "
				       "/v1/connections and /metrics");
}

void admin_answer(void *arg, const struct http_request *request,
		  struct http_answer *out)
{
	struct master *m = arg;

	if (strcmp(request->method, "GET") == 0)
		get(m, out, request->path);
	else if (strcmp(request->method, "POST") == 0)
		post(m, out, span_str(request->path));
	else
		answer_error(out, 405, "expected GET or POST");
}

void admin_metrics(void *arg, const struct http_request *request,
		   struct http_answer *out)
{
	struct master *m = arg;

	if (strcmp(request->method, "GET") != 0)
		answer_error(out, 405, "expected GET");
	else if (strcmp(request->path, "/metrics") == 0)
		answer_metrics(m, out);
	else if (strcmp(request->path, "/live.json") == 0)
		answer_json(out, 200, listing_live(m));
	else
		answer_error(out, 404, "there is /metrics and /live.json");
}
