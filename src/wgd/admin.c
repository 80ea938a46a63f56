#include "wgd/admin.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/server.h"
#include "wgd/team.h"
#include "wgd/uapid.h"
#include "wireguard/control.h"
#include "wireguard/metrics.h"

struct admin {
	struct admin_setup setup;
	struct uapid *uapid;
	struct http_server *metrics; /* NULL: not asked for */
};

static int host_set_port(void *arg, uint16_t port)
{
	const struct admin *a = arg;
	int error = team_bind(a->setup.team, port);

	if (error)
		log_event(a->setup.log, LOG_WARN, "bind_failed",
			  LU64("port", port), LERRNO("error", error));
	return error;
}

static int host_set_mark(void *arg, uint32_t mark)
{
	return team_set_mark(((const struct admin *)arg)->setup.team, mark);
}

static uint16_t host_port(void *arg)
{
	return team_port(((const struct admin *)arg)->setup.team);
}

static uint32_t host_mark(void *arg)
{
	return team_mark(((const struct admin *)arg)->setup.team);
}

static uint32_t host_scope(void *arg, const char *interface)
{
	(void)arg;
	return if_nametoindex(interface);
}

static bool on_request(void *arg, struct buf *answer, struct span request)
{
	struct admin *a = arg;
	const struct control_host host = {
		host_set_port, host_set_mark, host_port,
		host_mark, host_scope, a
	};
	struct team *c = a->setup.team;
	struct device_time now = team_stop(c);
	bool ok = control_request(team_device(c), answer, request, &host, now);

	team_go(c);
	return ok;
}

static void on_socket_gone(void *arg)
{
	const struct admin *a = arg;

	a->setup.gone(a->setup.arg);
}

static void write_metrics(struct team *c, struct http_answer *answer)
{
	struct device_time now = team_stop(c);
	enum rc rc = metrics_write(&answer->body, team_device(c), now);

	team_go(c);
	if (rc) {
		/* More peers than an answer holds. */
		buf_reset(&answer->body);
		answer->status = 500;
	} else {
		answer->content_type = "text/plain; version=0.0.4";
	}
}

static void on_http(void *arg, const struct http_request *request,
		    struct http_answer *answer)
{
	const struct admin *a = arg;

	if (strcmp(request->method, "GET") != 0)
		answer->status = 405;
	else if (strcmp(request->path, "/metrics") != 0)
		answer->status = 404;
	else
		write_metrics(a->setup.team, answer);
}

enum rc admin_serve_metrics(struct admin *a)
{
	char path[sizeof("/var/run/wireguard/.metrics") + IFNAMSIZ];

	(void)snprintf(path, sizeof(path), "/var/run/wireguard/%s.metrics",
		       a->setup.interface); /* shorter than IFNAMSIZ */
	return http_server_new(&a->metrics, a->setup.loop, path, 0600, on_http,
			       a);
}

enum rc admin_new(struct admin **out, const struct admin_setup *setup)
{
	struct admin *a = mem_new(sizeof(*a));
	const struct uapid_events events = { on_request, on_socket_gone, a };
	enum rc rc;

	a->setup = *setup;
	rc = uapid_new(&a->uapid, setup->loop, setup->interface, &events);
	if (rc) {
		admin_free(a);
		return rc;
	}
	*out = a;
	return RC_OK;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	http_server_free(a->metrics);
	uapid_free(a->uapid);
	free(a);
}
