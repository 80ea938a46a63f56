#include "ct/watchset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pki/webtbs.h"

struct watched {
	char name[WEBNAME_MAX + 3]; /* lower case; an address as given */
	size_t len;
	enum watchset_scope scope;
	bool is_address;
	uint8_t address[WEB_IPV6_LEN];
	size_t address_len;
};

struct hashes {
	struct sha256 *list;
	size_t count;
};

struct watchset {
	struct watched *name;
	size_t count;
	struct hashes known[WATCHSET_KNOWN_COUNT];
};

struct watchset *watchset_new(void)
{
	return mem_new(sizeof(struct watchset));
}

void watchset_free(struct watchset *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < WATCHSET_KNOWN_COUNT; i++)
		free(w->known[i].list);
	free(w->name);
	free(w);
}

void watchset_auto(struct watchset **w)
{
	watchset_free(*w);
}

enum rc watchset_add_name(struct watchset *w, struct span name,
			  enum watchset_scope scope)
{
	struct watched n = { .scope = scope };

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	n.is_address = webname_address(n.address, &n.address_len, name);
	if (!n.is_address && !webname_is_pattern(name))
		return RC_MALFORMED;
	n.len = name.n; /* an address is shorter, too */
	memcpy(n.name, name.p, name.n);
	text_lower(n.name, n.len);
	for (size_t i = 0; i < w->count; i++) {
		if (!span_equal(span_of(w->name[i].name, w->name[i].len),
				span_of(n.name, n.len)))
			continue;
		if (scope == WATCHSET_SUBTREE)
			w->name[i].scope = scope;
		return RC_OK;
	}
	if (w->count == WATCHSET_NAMES_MAX)
		return RC_LIMIT;
	w->name = mem_grow(w->name, w->count + 1, sizeof(*w->name));
	w->name[w->count++] = n;
	return RC_OK;
}

bool watchset_name(const struct watchset *w, size_t at, struct span *name,
		   enum watchset_scope *scope)
{
	if (at >= w->count)
		return false;
	*name = span_of(w->name[at].name, w->name[at].len);
	*scope = w->name[at].scope;
	return true;
}

static size_t find(const struct hashes *h, const struct sha256 *hash)
{
	size_t i = 0;

	while (i < h->count && !span_equal(SPAN_ARRAY(h->list[i].b),
					   SPAN_ARRAY(hash->b)))
		i++;
	return i;
}

static bool knows(const struct watchset *w, enum watchset_known what,
		  const struct sha256 *hash)
{
	return find(&w->known[what], hash) < w->known[what].count;
}

enum rc watchset_add(struct watchset *w, enum watchset_known what,
		     const struct sha256 *hash)
{
	struct hashes *h = &w->known[what];

	if (find(h, hash) < h->count)
		return RC_OK;
	if (h->count == WATCHSET_HASHES_MAX)
		return RC_LIMIT;
	h->list = mem_grow(h->list, h->count + 1, sizeof(*h->list));
	h->list[h->count++] = *hash;
	return RC_OK;
}

void watchset_remove(struct watchset *w, enum watchset_known what,
		     const struct sha256 *hash)
{
	struct hashes *h = &w->known[what];
	size_t at = find(h, hash);

	if (at < h->count)
		h->list[at] = h->list[--h->count];
}

/* The last label of *name, which is cut off; false: none is left. */
static bool rd_last_label(struct span *name, struct span *label)
{
	const uint8_t *dot;

	if (!name->n)
		return false;
	dot = memrchr(name->p, '.', name->n);
	if (!dot) {
		*label = *name;
		name->n = 0;
		return true;
	}
	*label = span_of(dot + 1, name->n - (size_t)(dot + 1 - name->p));
	name->n = (size_t)(dot - name->p);
	return true;
}

/* A label that nobody can say what a client makes of it. */
static bool is_odd(struct span label)
{
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return true;
	}
	return !label.n;
}

/* "*" on our side stands for any label; so does what is odd on theirs. */
static bool label_may_match(struct span ours, struct span theirs)
{
	return span_equal_str(ours, "*") || is_odd(theirs) ||
	       span_equal_nocase(ours, theirs);
}

static bool may_match(const struct watched *n, struct span theirs)
{
	struct span ours = span_of(n->name, n->len), a, b;
	/* ".example.com": some take it for all that is below */
	bool is_open = theirs.n && theirs.p[0] == '.' && rd_skip(&theirs, 1);

	if (theirs.n && theirs.p[theirs.n - 1] == '.')
		theirs.n--;
	while (rd_last_label(&ours, &a)) {
		if (!rd_last_label(&theirs, &b))
			return is_open;
		if (!label_may_match(a, b))
			return false;
	}
	/* A label in front: below us. */
	return !theirs.n || n->scope == WATCHSET_SUBTREE;
}

bool watchset_matches(const struct watchset *w, struct span name)
{
	for (size_t i = 0; i < w->count; i++)
		if (!w->name[i].is_address && may_match(&w->name[i], name))
			return true;
	return false;
}

static bool matches_address(const struct watchset *w, struct span address)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->name[i].is_address &&
		    span_equal(span_of(w->name[i].address,
				       w->name[i].address_len),
			       address))
			return true;
	return false;
}

/* The first name of the certificate that counts. */
static bool find_match(struct span *matched, const struct watchset *w,
		       const struct web_cert *c)
{
	struct span left = c->sans;
	struct web_san name;

	while (web_san_next(&left, &name)) {
		if ((name.type == WEB_SAN_DNS &&
		     watchset_matches(w, name.value)) ||
		    (name.type == WEB_SAN_IP &&
		     matches_address(w, name.value))) {
			*matched = name.value;
			return true;
		}
	}
	*matched = c->common_name;
	return c->common_name.n && watchset_matches(w, c->common_name);
}

/* One of our names, without its wildcard, stands somewhere in the bytes. */
static bool mentions(const struct watchset *w, struct span bytes)
{
	AUTO(mem_auto_free)
	uint8_t *lower = mem_new(bytes.n + 1);

	memcpy(lower, bytes.p ? bytes.p : lower, bytes.n);
	text_lower(lower, bytes.n);
	for (size_t i = 0; i < w->count; i++) {
		struct span n = span_of(w->name[i].name, w->name[i].len);
		struct span star = span_str("*.");

		if (span_has_prefix(n, star))
			(void)rd_skip(&n, star.n); /* it has that prefix */
		if (w->name[i].is_address)
			n = span_of(w->name[i].address,
				    w->name[i].address_len);
		if (memmem(lower, bytes.n, n.p, n.n))
			return true;
	}
	return false;
}

enum watchset_class watchset_class_of(const struct watchset *w,
				      const struct sha256 *tbs,
				      const struct sha256 *spki)
{
	bool is_ordered = knows(w, WATCHSET_ORDERED_KEY, spki);

	if (is_ordered || knows(w, WATCHSET_OUR_KEY, spki)) {
		if (knows(w, WATCHSET_OUR_TBS, tbs))
			return WATCHSET_EXPECTED;
		return is_ordered ? WATCHSET_OURS : WATCHSET_SAME_KEY;
	}
	return knows(w, WATCHSET_OLDER_TBS, tbs) ? WATCHSET_KNOWN_OLDER
						 : WATCHSET_FOREIGN;
}

static bool look(struct watchset_hit *out, const struct watchset *w,
		 struct span bytes, bool is_tbs)
{
	struct watchset_hit h = { .class = WATCHSET_MALFORMED,
				  .is_precert = is_tbs };

	if (is_tbs ? web_parse_tbs(&h.cert, bytes)
		   : web_parse(&h.cert, bytes)) {
		h.mentions_us = mentions(w, bytes);
		*out = h;
		return true;
	}
	if (!find_match(&h.matched, w, &h.cert))
		return false;
	h.is_precert |= h.cert.is_precert;
	webtbs_sha256(&h.tbs, &h.cert);
	web_spki_sha256(&h.spki, &h.cert);
	h.class = watchset_class_of(w, &h.tbs, &h.spki);
	*out = h;
	return true;
}

bool watchset_look(struct watchset_hit *out, const struct watchset *w,
		   struct span der)
{
	return look(out, w, der, false);
}

bool watchset_look_entry(struct watchset_hit *out, const struct watchset *w,
			 const struct logentry *entry)
{
	return entry->type == SCT_ENTRY_PRECERT
		       ? look(out, w, entry->tbs, true)
		       : look(out, w, entry->cert, false);
}

static const char *const classes[WATCHSET_CLASS_COUNT] = {
	[WATCHSET_EXPECTED] = "expected",
	[WATCHSET_OURS] = "ours",
	[WATCHSET_KNOWN_OLDER] = "known_older",
	[WATCHSET_SAME_KEY] = "same_key",
	[WATCHSET_FOREIGN] = "foreign",
	[WATCHSET_MALFORMED] = "malformed",
};

const char *watchset_class_name(enum watchset_class class)
{
	return classes[class];
}

bool watchset_is_alarm(enum watchset_class class)
{
	return class == WATCHSET_SAME_KEY || class == WATCHSET_FOREIGN ||
	       class == WATCHSET_MALFORMED;
}
