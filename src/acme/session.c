#include "acme/session.h"

#include <string.h>

#include "acme/when.h"
#include "base/mem.h"

#define AGENT "postern-cert"

enum {
	PAYLOAD_MAX = 128 * 1024,
	HTTP_OK = 200,
	HTTP_SUCCESS_END = 300,
	HTTP_UNAVAILABLE = 503,
	HTTP_SERVER_ERROR = 500,
};

enum rc session_init(struct session *s, const char *url)
{
	struct session fresh = { 0 };

	if (!directory_url(fresh.directory_url, span_str(url), ""))
		return RC_MALFORMED;
	*s = fresh;
	return RC_OK;
}

void session_reset(struct session *s)
{
	s->has_directory = false;
	s->nonce_count = 0;
	s->pause_until = 0;
	s->asked = SESSION_IDLE;
}

void call_init(struct call *c)
{
	*c = (struct call){ 0 };
	buf_init(&c->payload, PAYLOAD_MAX);
}

void call_fini(struct call *c)
{
	buf_fini(&c->payload);
	*c = (struct call){ 0 };
}

bool session_is_ready(const struct session *s, int64_t now)
{
	return s->has_directory && now >= s->directory_at &&
	       now - s->directory_at <= SESSION_DIRECTORY_AGE;
}

static const char *url_of(const struct session *s, const struct call *c)
{
	return c->url[0] ? c->url : s->directory.url[c->entry];
}

/* The oldest nonce, which is taken from the pool. */
static struct span take_nonce(struct session *s, char out[SESSION_NONCE_MAX])
{
	memcpy(out, s->nonce[0], SESSION_NONCE_MAX);
	s->nonce_count--;
	memmove(s->nonce[0], s->nonce[1],
		s->nonce_count * sizeof(s->nonce[0]));
	return span_str(out);
}

static enum rc ask_plain(struct session *s, struct web_ask *ask,
			 enum web_method method, const char *url,
			 enum session_asked asked)
{
	enum rc rc = web_ask_init(ask, method, span_str(url),
				  SESSION_ANSWER_MAX);

	if (!rc)
		rc = web_ask_header(ask, "User-Agent", span_str(AGENT));
	s->asked = asked;
	return rc;
}

static enum rc ask_signed(struct session *s, const struct call *c,
			  struct web_ask *ask)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	char nonce[SESSION_NONCE_MAX];
	const char *url = url_of(s, c);
	struct jws_head head = { .url = span_str(url) };
	enum rc rc;

	buf_init(&body, JWS_MAX);
	head.nonce = take_nonce(s, nonce);
	if (c->auth == CALL_ACCOUNT)
		head.kid = span_str(c->kid);
	rc = jws_sign(&body, &head, c->key, buf_span(&c->payload));
	if (rc)
		return rc;
	rc = ask_plain(s, ask, WEB_POST, url, SESSION_ASKED_CALL);
	if (rc)
		return rc;
	return web_ask_body(ask, "application/jose+json", buf_span(&body));
}

enum rc session_ask(struct session *s, const struct call *c,
		    struct web_ask *ask, int64_t now, int64_t *wait_until)
{
	*wait_until = s->pause_until > now ? s->pause_until : 0;
	if (*wait_until)
		return RC_OK;
	if (!session_is_ready(s, now))
		return ask_plain(s, ask, WEB_GET, s->directory_url,
				 SESSION_ASKED_DIRECTORY);
	if (!url_of(s, c)[0])
		return RC_UNSUPPORTED;
	if (c->auth == CALL_GET)
		return ask_plain(s, ask, WEB_GET, url_of(s, c),
				 SESSION_ASKED_CALL);
	if (!s->nonce_count)
		return ask_plain(s, ask, WEB_HEAD,
				 s->directory.url[DIRECTORY_NEW_NONCE],
				 SESSION_ASKED_NONCE);
	return ask_signed(s, c, ask);
}

/* base64url, and no longer than we keep (RFC 8555 §6.5.1: "clients MUST
 * ignore invalid Replay-Nonce values"). */
static bool is_nonce(struct span n)
{
	if (!n.n || n.n >= SESSION_NONCE_MAX)
		return false;
	for (size_t i = 0; i < n.n; i++) {
		uint8_t c = n.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static void keep_nonce(struct session *s, const struct web_answer *a)
{
	struct span n;

	if (!web_answer_only(a, "Replay-Nonce", &n) || !is_nonce(n))
		return;
	if (s->nonce_count == SESSION_NONCES) {
		char oldest[SESSION_NONCE_MAX];

		(void)take_nonce(s, oldest); /* to make room */
	}
	memcpy(s->nonce[s->nonce_count], n.p, n.n);
	s->nonce[s->nonce_count][n.n] = 0;
	s->nonce_count++;
}

/* No answer, or a server that says it is ill: again after a while, if that
 * does no harm. */
static enum session_said no_use(struct session *s, struct call *c,
				int64_t retry_at, int64_t now)
{
	const bool may_be_done = s->asked == SESSION_ASKED_CALL && c->is_once;
	int64_t until = retry_at;

	if (++c->tries >= SESSION_TRIES_MAX || may_be_done)
		return SESSION_UNREACHABLE;
	if (!until)
		until = now + (SESSION_PAUSE_FIRST << (c->tries - 1));
	if (until > now + SESSION_PAUSE_MAX)
		return SESSION_UNREACHABLE;
	s->pause_until = until;
	return SESSION_AGAIN;
}

static enum session_said take_directory(struct session *s, struct call *c,
					const struct web_answer *a,
					int64_t now)
{
	AUTO(mem_auto_free)
	struct directory *d = mem_new(sizeof(*d));

	if (directory_read(d, buf_span(&a->body)) != RC_OK ||
	    !directory_keeps_to(d, s->directory_url))
		return no_use(s, c, 0, now);
	s->directory = *d;
	s->has_directory = true;
	s->directory_at = now;
	return SESSION_AGAIN;
}

static enum session_said refused(struct session *s, struct call *c,
				 const struct problem *p, int64_t now)
{
	if (p->type == PROBLEM_BAD_NONCE && s->asked == SESSION_ASKED_CALL) {
		/* The nonces we hold are as old as that one; the answer brought
		 * the one to use (RFC 8555 §6.5). */
		if (++c->bad_nonces > SESSION_BAD_NONCES_MAX)
			return SESSION_REFUSED;
		if (s->nonce_count > 1) {
			memcpy(s->nonce[0], s->nonce[s->nonce_count - 1],
			       sizeof(s->nonce[0]));
			s->nonce_count = 1;
		}
		return SESSION_AGAIN;
	}
	if (problem_cure_of(p) == CURE_WAIT && p->retry_at &&
	    p->retry_at <= now + SESSION_PAUSE_MAX &&
	    ++c->tries < SESSION_TRIES_MAX) {
		s->pause_until = p->retry_at;
		return SESSION_AGAIN;
	}
	return SESSION_REFUSED;
}

enum session_said session_answer(struct session *s, struct call *c,
				 const struct web_answer *a, int64_t now,
				 struct problem *problem)
{
	*problem = (struct problem){ 0 };
	s->pause_until = 0;
	if (!a)
		return no_use(s, c, 0, now);
	keep_nonce(s, a);
	if (a->status < HTTP_OK || a->status >= HTTP_SUCCESS_END) {
		problem_of_answer(problem, a, now);
		if (a->status >= HTTP_SERVER_ERROR &&
		    !(a->status == HTTP_UNAVAILABLE && problem->retry_at))
			return no_use(s, c, problem->retry_at, now);
		return refused(s, c, problem, now);
	}
	switch (s->asked) {
	case SESSION_ASKED_DIRECTORY:
		return take_directory(s, c, a, now);
	case SESSION_ASKED_NONCE:
		return s->nonce_count ? SESSION_AGAIN : no_use(s, c, 0, now);
	case SESSION_IDLE:
	case SESSION_ASKED_CALL:
		break;
	}
	return SESSION_ANSWERED;
}
