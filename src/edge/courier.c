#include "edge/courier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "edge/issued.h"
#include "http/client.h"
#include "io/clock.h"

static const char PATH[] = "/v1/tls";

static void wipe_reply(struct http_reply *r)
{
	buf_wipe(&r->body);
	http_reply_fini(r);
}

static bool fetch(struct courier *c, struct buf *out, const char *socket,
		  char error[MESSAGE_TEXT_MAX])
{
	AUTO(wipe_reply)
	struct http_reply reply = { 0 };
	struct span body;
	enum rc rc;

	free(c->asked);
	c->asked = mem_dup(socket);
	rc = http_client_get(&reply, socket, PATH, COURIER_ASK_MS);
	c->is_slow = rc == RC_LIMIT;
	body = buf_span(&reply.body);
	if (rc)
		(void)snprintf(error, MESSAGE_TEXT_MAX, "%s: %s", socket,
			       rc == RC_SYS ? strerror(errno) : rc_name(rc));
	else if (reply.status != 200 || body.n == 0 || body.n > ISSUED_MAX)
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "%s: status %u with %zu bytes", socket,
			       reply.status, body.n);
	else
		return buf_add(out, body); /* it fits */
	return false;
}

static void on_again(void *arg)
{
	char error[MESSAGE_TEXT_MAX];
	struct courier *c = arg;

	if (c->options.keys_path(c->options.arg))
		(void)courier_run(c, COURIER_MUST, error); /* logged */
}

void courier_init(struct courier *c, const struct courier_options *options)
{
	*c = (struct courier){ .options = *options,
			       .again = { .fn = on_again, .arg = c } };
	buf_init(&c->document, ISSUED_MAX);
}

void courier_fini(struct courier *c)
{
	buf_wipe(&c->document);
	free(c->asked);
}

/* Later and later; from now, not from the turn's begin: one that does not
 * answer was waited for meanwhile, and the master did nothing else. */
static void ask_again(struct courier *c)
{
	struct loop *l = c->options.loop;

	if (c->has_ended)
		return;
	c->delay_ms = c->delay_ms ? c->delay_ms * 2 : COURIER_DELAY_MIN_MS;
	if (c->is_slow && c->delay_ms < COURIER_DELAY_SLOW_MS)
		c->delay_ms = COURIER_DELAY_SLOW_MS;
	if (c->delay_ms > COURIER_DELAY_MAX_MS)
		c->delay_ms = COURIER_DELAY_MAX_MS;
	loop_timer_arm(l, &c->again, clock_boot_ms() + c->delay_ms);
}

static void failed(struct courier *c, const char *why)
{
	log_event(c->options.log, LOG_WARN, "certificates_not_taken",
		  LSTR("reason", why));
	ask_again(c);
}

static bool is_same(const struct courier *c, const struct buf *got)
{
	return got->n == c->document.n &&
	       ct_equal(buf_span(got).p, buf_span(&c->document).p, got->n);
}

void courier_begin(struct courier *c)
{
	const char *socket = c->options.keys_path(c->options.arg);
	char error[MESSAGE_TEXT_MAX];

	/* What another master handed over is as good. */
	if (!socket || c->document.n)
		return;
	c->has_asked = fetch(c, &c->document, socket, error);
	if (!c->has_asked)
		log_event(c->options.log, LOG_WARN, "certificates_not_taken",
			  LSTR("reason", error));
}

/* Puts 'got' to use, or leaves everything as it was.  Takes got. */
static bool use(struct courier *c, struct buf *got, enum courier_need need,
		char error[MESSAGE_TEXT_MAX])
{
	struct buf before = c->document;
	bool is_good;

	c->document = *got;
	is_good = c->options.use(c->options.arg, need, error);
	if (is_good) {
		buf_wipe(&before);
		c->delay_ms = 0;
		return true;
	}
	buf_wipe(&c->document);
	c->document = before;
	return false;
}

bool courier_run(struct courier *c, enum courier_need need,
		 char error[MESSAGE_TEXT_MAX])
{
	const char *socket = c->options.keys_path(c->options.arg);
	struct buf got = { 0 };
	bool is_got;

	loop_timer_disarm(c->options.loop, &c->again);
	if (!socket && need == COURIER_MAY)
		return c->options.use(c->options.arg, need, error);
	if (!socket) {
		(void)snprintf(error, MESSAGE_TEXT_MAX,
			       "cert: not configured");
		return false;
	}
	buf_init(&got, ISSUED_MAX);
	is_got = fetch(c, &got, socket, error);
	c->has_asked |= is_got;
	if (!is_got || (need == COURIER_MUST && is_same(c, &got))) {
		buf_wipe(&got);
		if (!is_got)
			failed(c, error);
		else
			c->delay_ms = 0;
		return need == COURIER_MUST
			       ? is_got
			       : c->options.use(c->options.arg, need, error);
	}
	if (use(c, &got, need, error)) {
		log_event(c->options.log, LOG_INFO, "certificates_taken",
			  LU64("bytes", c->document.n));
		return true;
	}
	failed(c, error);
	return false;
}

void courier_settle(struct courier *c)
{
	const char *socket = c->options.keys_path(c->options.arg);
	struct loop *l = c->options.loop;

	if (!socket) {
		loop_timer_disarm(l, &c->again);
		buf_wipe(&c->document);
		return;
	}
	/* A reload asks where the configuration before it said. */
	if ((c->asked && strcmp(c->asked, socket) != 0) ||
	    (!loop_timer_is_armed(&c->again) &&
	     (!c->has_asked || c->document.n == 0)))
		loop_timer_arm(l, &c->again, loop_now_ms(l));
}

void courier_end(struct courier *c)
{
	c->has_ended = true;
	loop_timer_disarm(c->options.loop, &c->again);
}
