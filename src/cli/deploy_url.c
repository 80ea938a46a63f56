#include "cli/deploy_url.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "http/fetch.h"
#include "manifest/lineage.h"

enum {
	FETCH_MS = 3000,
	ANSWER_MAX = 64 * 1024,
	STATUS_GATEWAY_FIRST = 502, /* to 504: the app does not answer yet */
	STATUS_GATEWAY_LAST = 504,
	PORT_HTTP = 80,
	PORT_HTTPS = 443,
};

const char *deploy_url_host(struct deploy_app *d,
			    const struct compose_port *port)
{
	uint8_t id[MANIFEST_ID_LEN];
	char hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	const char *suffix = "";

	/* ours, so it is one */
	if (lineage_of(id, buf_span(&d->manifest)))
		manifest_app_id(id, buf_span(&d->manifest));
	text_hex(&w, SPAN_ARRAY(id));
	if (port->protocol == MANIFEST_TLS)
		suffix = port->port == PORT_HTTPS
				 ? "-s"
				 : fmt(&d->arena, "-%us", port->port);
	else if (port->protocol == MANIFEST_H2)
		suffix = fmt(&d->arena, "-%ug", port->port);
	else if (port->port != PORT_HTTP)
		suffix = fmt(&d->arena, "-%u", port->port);
	return fmt(&d->arena, "%s%s.%s", hex, suffix, d->cloud.base);
}

const struct compose_port *deploy_url_port(const struct deploy_app *d)
{
	for (size_t i = 0; i < d->compose.port_count; i++) {
		if (d->compose.ports[i].protocol == MANIFEST_HTTP)
			return &d->compose.ports[i];
	}
	return NULL;
}

bool deploy_url_answers(struct deploy_app *d, const char *host)
{
	const char *url = fmt(&d->arena, "https://%s:%llu/", host,
			      (unsigned long long)d->cloud.port);
	const char *const resolve[] = {
		fmt(&d->arena, "%s:%llu:127.0.0.1", host,
		    (unsigned long long)d->cloud.port),
		NULL
	};
	struct fetch_options options = {
		.ca_file = fmt(&d->arena, "%s/ca.pem", d->cloud.state),
		.timeout_ms = FETCH_MS,
		.resolve = resolve,
	};
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char ignored[FETCH_ERROR_MAX];

	return web_ask_init(&ask, WEB_GET, span_str(url), ANSWER_MAX) ==
		       RC_OK &&
	       fetch(&answer, ignored, &ask, &options) == FETCH_OK &&
	       (answer.status < STATUS_GATEWAY_FIRST ||
		answer.status > STATUS_GATEWAY_LAST);
}

void deploy_url_print(struct deploy_app *d)
{
	for (size_t i = 0; i < d->compose.port_count; i++) {
		const struct compose_port *p = &d->compose.ports[i];
		bool is_web = p->protocol != MANIFEST_TCP;

		printf("%s://%s:%llu%s\n", is_web ? "https" : "tls",
		       deploy_url_host(d, p), (unsigned long long)d->cloud.port,
		       is_web ? "/" : "");
	}
	printf("authority of the gateway's certificate: %s/ca.pem (SIMULATED "
	       "platform)\n",
	       d->cloud.state);
}
