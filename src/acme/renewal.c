#include "acme/renewal.h"

#include <string.h>

#include "acme/member.h"
#include "acme/when.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jwrite.h"

enum {
	BODY_MAX = 16 * 1024,
	ARENA_MAX = 256 * 1024,
	MISS_FIRST = 60,
	MISS_MAX = 21'600,
};

bool renewal_id(char out[ORDER_REPLACES_MAX], const struct web_cert *leaf)
{
	struct wr w = wr_over(out, ORDER_REPLACES_MAX - 1);
	struct span id;

	if (!leaf->aki.n)
		return false;
	text_base64url(&w, leaf->aki);
	wr_u8(&w, '.');
	/* The content octets of the INTEGER, so with its leading zero. */
	text_base64url(&w, leaf->serial);
	if (!wr_done(&w, &id))
		return false;
	out[id.n] = 0;
	return true;
}

void renewal_init(struct renewal *r, const struct web_cert *leaf, int64_t now)
{
	*r = (struct renewal){
		.not_before = leaf->not_before,
		.not_after = leaf->not_after,
		.ask_at = now,
	};
	if (!renewal_id(r->id, leaf))
		r->id[0] = 0;
}

enum rc renewal_read(struct renewal_window *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct renewal_window w = { 0 };
	const struct jtree *top, *window;
	struct span page;

	if (json.n > BODY_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, json);
	window = jtree_get(top, "suggestedWindow");
	if (!when_stamp(&w.start_at, member_text(window, "start")) ||
	    !when_stamp(&w.end_at, member_text(window, "end")) ||
	    w.end_at <= w.start_at)
		return RC_MALFORMED;
	page = member_text(top, "explanationURL");
	if (page.n && !directory_url(w.explanation, page, ""))
		return RC_MALFORMED;
	*out = w;
	return RC_OK;
}

static int64_t clamp_poll(int64_t at, int64_t now)
{
	if (at < now + RENEWAL_POLL_MIN)
		return now + RENEWAL_POLL_MIN;
	if (at > now + RENEWAL_POLL_MAX)
		return now + RENEWAL_POLL_MAX;
	return at;
}

void renewal_take(struct renewal *r, const struct renewal_window *w,
		  int64_t now, uint64_t random)
{
	const bool is_same = r->has_window &&
			     r->window.start_at == w->start_at &&
			     r->window.end_at == w->end_at;

	r->failures = 0;
	r->ask_at = clamp_poll(w->retry_at ? w->retry_at : now + RENEWAL_POLL,
			       now);
	r->window = *w;
	if (is_same)
		return;
	r->has_window = true;
	r->chosen_at = w->start_at +
		       (int64_t)(random %
				 (uint64_t)(w->end_at - w->start_at));
}

void renewal_miss(struct renewal *r, int64_t retry_at, int64_t now)
{
	int64_t pause = MISS_FIRST;

	for (unsigned i = 0; i < r->failures && pause < MISS_MAX; i++)
		pause *= 10;
	if (pause > MISS_MAX)
		pause = MISS_MAX;
	r->failures++;
	r->ask_at = clamp_poll(retry_at > now + pause ? retry_at : now + pause,
			       now);
}

int64_t renewal_ask_at(const struct renewal *r)
{
	/* "Clients MUST NOT check a certificate's RenewalInfo after the
	 * certificate has expired" (RFC 9773 §4.3). */
	if (!r->id[0] || r->is_replaced || r->ask_at >= r->not_after)
		return INT64_MAX;
	return r->ask_at;
}

int64_t renewal_by_lifetime(const struct renewal *r)
{
	const int64_t life = r->not_after - r->not_before;

	if (life < RENEWAL_SHORT)
		return r->not_before + life / 2;
	return r->not_before + life / 3 * 2;
}

bool renewal_is_early(const struct renewal *r, int64_t now)
{
	return now < renewal_by_lifetime(r);
}

int64_t renewal_latest(const struct renewal *r)
{
	return renewal_by_lifetime(r) + (r->not_after - r->not_before) / 12;
}

int64_t renewal_at(const struct renewal *r)
{
	if (!r->has_window)
		return renewal_by_lifetime(r);
	if (r->chosen_at > renewal_latest(r))
		return renewal_latest(r);
	return r->chosen_at;
}

enum rc renewal_save(const struct renewal *r, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "version", 1);
	jwrite_number(&j, "notBefore", (uint64_t)r->not_before);
	jwrite_number(&j, "notAfter", (uint64_t)r->not_after);
	jwrite_str(&j, "id", r->id);
	jwrite_number(&j, "askAt", (uint64_t)r->ask_at);
	jwrite_number(&j, "failures", r->failures);
	jwrite_bool(&j, "isReplaced", r->is_replaced);
	if (r->has_window) {
		jwrite_object(&j, "window");
		jwrite_number(&j, "startAt", (uint64_t)r->window.start_at);
		jwrite_number(&j, "endAt", (uint64_t)r->window.end_at);
		jwrite_str(&j, "explanation", r->window.explanation);
		jwrite_number(&j, "chosenAt", (uint64_t)r->chosen_at);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool load_window(struct renewal *r, const struct jtree *w)
{
	if (!w)
		return true;
	r->has_window = true;
	return member_number(&r->window.start_at, w, "startAt") &&
	       member_number(&r->window.end_at, w, "endAt") &&
	       member_number(&r->chosen_at, w, "chosenAt") &&
	       member_copy(r->window.explanation, sizeof(r->window.explanation),
			   w, "explanation") &&
	       r->window.start_at < r->window.end_at;
}

enum rc renewal_load(struct renewal *out, struct span state)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct renewal r = { 0 };
	const struct jtree *top, *replaced;
	int64_t failures, version;

	if (state.n > RENEWAL_STATE_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, state);
	replaced = jtree_get(top, "isReplaced");
	if (!member_number(&version, top, "version") || version != 1 ||
	    !member_number(&r.not_before, top, "notBefore") ||
	    !member_number(&r.not_after, top, "notAfter") ||
	    r.not_after < r.not_before ||
	    !member_copy(r.id, sizeof(r.id), top, "id") ||
	    !member_number(&r.ask_at, top, "askAt") ||
	    !member_number(&failures, top, "failures") ||
	    failures > UINT16_MAX ||
	    !replaced || replaced->type != JTREE_BOOL ||
	    !load_window(&r, jtree_get(top, "window")))
		return RC_MALFORMED;
	r.failures = (unsigned)failures;
	r.is_replaced = replaced->is_true;
	*out = r;
	return RC_OK;
}
