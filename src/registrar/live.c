#include "registrar/live.h"

#include <stdio.h>

#include "base/mem.h"
#include "http/client.h"

void live_fini(struct live *l)
{
	json_decref(l->answer);
	*l = (struct live){ 0 };
}

const json_t *live_ask(struct live *l, const char *path, uint64_t now_ms)
{
	uint64_t rest = l->answer ? LIVE_FRESH_MS : LIVE_REST_MS;
	AUTO(http_reply_fini)
	struct http_reply reply = { 0 };

	if (!*path || (l->asked_ms && now_ms - l->asked_ms < rest))
		return l->answer;
	live_fini(l);
	l->asked_ms = now_ms;
	if (http_client_get(&reply, path, "/live.json", LIVE_WAIT_MS) ==
		    RC_OK &&
	    reply.status == 200)
		l->answer = json_loadb((const char *)buf_span(&reply.body).p,
				       reply.body.n, 0, NULL);
	return l->answer;
}

static uint64_t number(const json_t *of, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(of, key));

	return n > 0 ? (uint64_t)n : 0;
}

void live_read(struct page_live *out, const json_t *answer)
{
	const json_t *rates = json_object_get(answer, "per_s");
	const json_t *list = json_object_get(answer, "certificates");
	const json_t *one = json_array_get(list, 0);
	const json_t *names = json_object_get(one, "names");
	const char *name = json_string_value(json_array_get(names, 0));

	*out = (struct page_live){
		.connections = number(answer, "connections"),
		.connections_per_s = number(rates, "connections"),
		.handshakes_per_s = number(rates, "handshakes"),
		.refused_per_s = number(rates, "refused"),
		.up_per_s = number(rates, "bytes_up"),
		.down_per_s = number(rates, "bytes_down"),
		.certificate_left_s = json_integer_value(
			json_object_get(one, "expires_in_s")),
	};
	(void)snprintf(out->certificate, sizeof(out->certificate), "%s",
		       name ? name : "");
}
