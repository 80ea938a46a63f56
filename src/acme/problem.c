#include "acme/problem.h"

#include <string.h>

#include "acme/member.h"
#include "acme/when.h"
#include "base/mem.h"
#include "base/text.h"

#define PREFIX "urn:ietf:params:acme:error:"

enum {
	BODY_MAX = 64 * 1024,
	ARENA_MAX = 1024 * 1024,
	HTTP_CLIENT_ERROR = 400,
	HTTP_TOO_MANY = 429,
	HTTP_SERVER_ERROR = 500,
	HTTP_UNAVAILABLE = 503,
};

static const struct {
	const char *name;
	enum problem_cure cure;
} types[PROBLEM_TYPES] = {
	[PROBLEM_OTHER] = { "other", CURE_WAIT },
	[PROBLEM_ACCOUNT_DOES_NOT_EXIST] = { "accountDoesNotExist",
					     CURE_ACCOUNT },
	[PROBLEM_ALREADY_REPLACED] = { "alreadyReplaced", CURE_DROP_REPLACES },
	[PROBLEM_ALREADY_REVOKED] = { "alreadyRevoked", CURE_DONE },
	[PROBLEM_BAD_CSR] = { "badCSR", CURE_OURS },
	[PROBLEM_BAD_NONCE] = { "badNonce", CURE_RESEND },
	[PROBLEM_BAD_PUBLIC_KEY] = { "badPublicKey", CURE_OURS },
	[PROBLEM_BAD_REVOCATION_REASON] = { "badRevocationReason",
					    CURE_SETTINGS },
	[PROBLEM_BAD_SIGNATURE_ALGORITHM] = { "badSignatureAlgorithm",
					      CURE_OURS },
	[PROBLEM_CAA] = { "caa", CURE_CAA },
	[PROBLEM_COMPOUND] = { "compound", CURE_WAIT },
	[PROBLEM_CONNECTION] = { "connection", CURE_PROOF },
	[PROBLEM_DNS] = { "dns", CURE_PROOF },
	[PROBLEM_EXTERNAL_ACCOUNT_REQUIRED] = { "externalAccountRequired",
						CURE_PERSON },
	[PROBLEM_INCORRECT_RESPONSE] = { "incorrectResponse", CURE_PROOF },
	[PROBLEM_INVALID_CONTACT] = { "invalidContact", CURE_SETTINGS },
	[PROBLEM_INVALID_PROFILE] = { "invalidProfile", CURE_SETTINGS },
	[PROBLEM_MALFORMED] = { "malformed", CURE_OURS },
	[PROBLEM_ORDER_NOT_READY] = { "orderNotReady", CURE_LOOK },
	[PROBLEM_RATE_LIMITED] = { "rateLimited", CURE_WAIT },
	[PROBLEM_REJECTED_IDENTIFIER] = { "rejectedIdentifier",
					  CURE_SETTINGS },
	[PROBLEM_SERVER_INTERNAL] = { "serverInternal", CURE_WAIT },
	[PROBLEM_TLS] = { "tls", CURE_PROOF },
	[PROBLEM_UNAUTHORIZED] = { "unauthorized", CURE_PROOF },
	[PROBLEM_UNSUPPORTED_CONTACT] = { "unsupportedContact",
					  CURE_SETTINGS },
	[PROBLEM_UNSUPPORTED_IDENTIFIER] = { "unsupportedIdentifier",
					     CURE_SETTINGS },
	[PROBLEM_USER_ACTION_REQUIRED] = { "userActionRequired",
					   CURE_PERSON },
};

const char *problem_name(enum problem_type type)
{
	return types[type].name;
}

enum problem_cure problem_cure(enum problem_type type)
{
	return types[type].cure;
}

const char *problem_cure_name(enum problem_cure cure)
{
	static const char *const names[] = {
		[CURE_RESEND] = "resend",
		[CURE_DONE] = "done",
		[CURE_DROP_REPLACES] = "drop_replaces",
		[CURE_LOOK] = "look",
		[CURE_WAIT] = "wait",
		[CURE_PROOF] = "proof",
		[CURE_CAA] = "caa",
		[CURE_SETTINGS] = "settings",
		[CURE_PERSON] = "person",
		[CURE_ACCOUNT] = "account",
		[CURE_OURS] = "ours",
	};

	return names[cure];
}

enum problem_cure problem_cure_of(const struct problem *p)
{
	enum problem_cure most = CURE_RESEND;

	if (p->status == HTTP_TOO_MANY || p->status == HTTP_UNAVAILABLE)
		return CURE_WAIT;
	if (p->type == PROBLEM_OTHER && p->status >= HTTP_CLIENT_ERROR &&
	    p->status < HTTP_SERVER_ERROR)
		return CURE_OURS;
	if (p->type != PROBLEM_COMPOUND || !p->sub_count)
		return problem_cure(p->type);
	for (size_t i = 0; i < p->sub_count; i++) {
		enum problem_cure cure = problem_cure(p->sub[i].type);

		if (cure > most)
			most = cure;
	}
	return most;
}

static enum problem_type type_of(struct span uri)
{
	if (!span_has_prefix(uri, span_str(PREFIX)))
		return PROBLEM_OTHER;
	(void)rd_skip(&uri, sizeof(PREFIX) - 1); /* the prefix is there */
	for (enum problem_type t = PROBLEM_OTHER + 1; t < PROBLEM_TYPES; t++)
		if (span_equal_str(uri, types[t].name))
			return t;
	return PROBLEM_OTHER;
}

/* A stranger's text as we keep it: escaped, cut where the room ends. */
static void keep(char *out, size_t cap, struct span text)
{
	enum {
		ESCAPED_MAX = 4, /* \xNN */
	};
	struct wr w = wr_over(out, cap - 1);

	/* text_escape() writes "..." where it cuts. */
	text_escape(&w, text, (cap - 1 - 3) / ESCAPED_MAX);
	out[wr_span(&w).n] = 0;
}

/* Mostly ASCII: keeps as much of it as fits when nothing needs escaping. */
static void keep_detail(char *out, size_t cap, struct span text)
{
	size_t n = text.n < cap ? text.n : cap - 1;

	for (size_t i = 0; i < n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~') {
			keep(out, cap, text);
			return;
		}
	if (n)
		memcpy(out, text.p, n);
	out[n] = 0;
}

static void read_subs(struct problem *p, const struct jtree *list)
{
	if (!list || list->type != JTREE_ARRAY)
		return;
	for (const struct jtree *v = list->first; v; v = v->next) {
		struct subproblem *s = &p->sub[p->sub_count];

		if (p->sub_count == PROBLEM_SUBS_MAX)
			return;
		s->type = type_of(member_text(v, "type"));
		keep_detail(s->detail, sizeof(s->detail),
			    member_text(v, "detail"));
		keep_detail(s->identifier, sizeof(s->identifier),
			    member_text(jtree_get(v, "identifier"), "value"));
		p->sub_count++;
	}
}

void problem_of_tree(struct problem *out, const struct jtree *error)
{
	struct problem p = { 0 };
	struct span uri = member_text(error, "type");

	p.type = type_of(uri);
	keep_detail(p.uri, sizeof(p.uri), uri);
	keep_detail(p.detail, sizeof(p.detail), member_text(error, "detail"));
	keep_detail(p.instance, sizeof(p.instance),
		    member_text(error, "instance"));
	read_subs(&p, jtree_get(error, "subproblems"));
	*out = p;
}

void problem_of_answer(struct problem *out, const struct web_answer *a,
		       int64_t now)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	const struct jtree *top = NULL;
	struct span body = buf_span(&a->body);

	arena_init(&arena, ARENA_MAX);
	if (body.n && body.n <= BODY_MAX)
		top = jtree_read(&arena, body);
	problem_of_tree(out, top);
	out->status = a->status;
	out->retry_at = when_retry(a, now);
	if (!out->detail[0]) {
		struct wr w = wr_over(out->detail, sizeof(out->detail) - 1);

		wr_printf(&w, "HTTP status %u", a->status);
		out->detail[wr_span(&w).n] = 0;
	}
}
