#include "http2/fields.h"

#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	FIELD_OVERHEAD = 32, /* RFC 7541 §4.1 */
	ADDED_COUNT = 4,
};

/* One field: its name and value lie one after the other in the text. */
struct field {
	size_t at, name_n, value_n;
	uint8_t flags; /* NGHTTP2_NV_FLAG_NO_INDEX: not for any table */
};

struct fields {
	nghttp2_hd_inflater *decoder;
	nghttp2_hd_deflater *encoder; /* made when first written */
	struct buf text;
	struct field *list; /* FIELDS_COUNT_MAX; NULL while none is kept */
	size_t count, size;
};

/* What a request says once, with how often. */
struct seen {
	struct span method, scheme, path, authority, host, protocol;
	unsigned methods, schemes, paths, authorities, hosts, protocols;
	unsigned lengths;
	bool has_field; /* one that is no pseudo-header */
};

/* What only missing memory can break. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

struct fields *fields_new(void)
{
	struct fields *f = mem_new(sizeof(*f));

	*f = (struct fields){ .decoder = NULL };
	must(nghttp2_hd_inflate_new(&f->decoder) == 0);
	buf_init(&f->text, FIELDS_SIZE_MAX);
	return f;
}

void fields_forget(struct fields *f)
{
	buf_fini(&f->text);
	free(f->list);
	f->list = NULL;
	f->count = 0;
	f->size = 0;
}

void fields_free(struct fields *f)
{
	if (!f)
		return;
	fields_forget(f);
	nghttp2_hd_inflate_del(f->decoder);
	if (f->encoder)
		nghttp2_hd_deflate_del(f->encoder);
	free(f);
}

static bool keep(struct fields *f, const nghttp2_nv *nv)
{
	f->size += nv->namelen + nv->valuelen + FIELD_OVERHEAD;
	if (f->count == FIELDS_COUNT_MAX || f->size > FIELDS_SIZE_MAX)
		return false;
	f->list[f->count++] = (struct field){
		.at = f->text.n,
		.name_n = nv->namelen,
		.value_n = nv->valuelen,
		.flags = nv->flags & NGHTTP2_NV_FLAG_NO_INDEX,
	};
	return buf_add(&f->text, span_of(nv->name, nv->namelen)) &&
	       buf_add(&f->text, span_of(nv->value, nv->valuelen));
}

static enum fields_verdict decode(struct fields *f, struct span block)
{
	int flags = 0;
	nghttp2_nv nv;
	ssize_t n;

	fields_forget(f);
	f->list = mem_new(FIELDS_COUNT_MAX * sizeof(*f->list));
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		n = nghttp2_hd_inflate_hd2(f->decoder, &nv, &flags,
					   block.n ? block.p : (const void *)"",
					   block.n, 1);
		if (n < 0 || !rd_skip(&block, (size_t)n))
			return FIELDS_BROKEN;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) && !keep(f, &nv))
			return FIELDS_TOO_LARGE;
		if (!(flags & (NGHTTP2_HD_INFLATE_FINAL |
			       NGHTTP2_HD_INFLATE_EMIT)) &&
		    n == 0)
			return FIELDS_BROKEN;
	}
	(void)nghttp2_hd_inflate_end_headers(f->decoder); /* always 0 */
	return FIELDS_GOOD;
}

static struct span part(const struct fields *f, size_t at, size_t n)
{
	return n ? span_of(buf_span(&f->text).p + at, n) : span_of("", 0);
}

static struct span name_of(const struct fields *f, const struct field *at)
{
	return part(f, at->at, at->name_n);
}

static struct span value_of(const struct fields *f, const struct field *at)
{
	return part(f, at->at + at->name_n, at->value_n);
}

static bool refuse(struct head_refusal *why, unsigned status,
		   const char *reason)
{
	*why = (struct head_refusal){ .status = status, .reason = reason };
	return false;
}

/* §8.3: each at most once, known, and before all other fields. */
static bool take_pseudo(struct seen *s, struct span name, struct span value)
{
	const struct {
		const char *name;
		struct span *value;
		unsigned *count;
	} known[] = {
		{ ":method", &s->method, &s->methods },
		{ ":scheme", &s->scheme, &s->schemes },
		{ ":path", &s->path, &s->paths },
		{ ":authority", &s->authority, &s->authorities },
		{ ":protocol", &s->protocol, &s->protocols }, /* RFC 8441 */
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_equal_str(name, known[i].name)) {
			*known[i].value = value;
			return !s->has_field && ++*known[i].count == 1;
		}
	return false;
}

/* §8.2.2: what belongs to one connection has no place here. */
static bool is_of_connection(struct span name, struct span value)
{
	static const char *const names[] = { "connection", "proxy-connection",
					     "keep-alive", "transfer-encoding",
					     "upgrade" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_equal_str(name, names[i]))
			return true;
	return span_equal_str(name, "te") && !span_equal_str(value, "trailers");
}

static bool take_field(struct seen *s, struct span name, struct span value,
		       struct head_refusal *why)
{
	uint64_t length;

	s->has_field = true;
	if (!nghttp2_check_header_name(name.p, name.n) ||
	    !nghttp2_check_header_value(value.p, value.n) ||
	    is_of_connection(name, value))
		return refuse(why, 400, "field");
	if (span_equal_str(name, "host")) {
		s->host = value;
		if (++s->hosts > 1)
			return refuse(why, 400, "host");
	}
	if (span_equal_str(name, "content-length") &&
	    (++s->lengths > 1 || !text_u64(&length, value, INT64_MAX)))
		return refuse(why, 400, "length");
	return true;
}

static bool look(const struct fields *f, struct seen *s,
		 enum fields_kind kind, struct head_refusal *why)
{
	struct span name, value;

	for (size_t i = 0; i < f->count; i++) {
		name = name_of(f, &f->list[i]);
		value = value_of(f, &f->list[i]);
		if (name.n && name.p[0] == ':') {
			if (kind == FIELDS_TRAILERS ||
			    !take_pseudo(s, name, value))
				return refuse(why, 400, "pseudo");
		} else if (!take_field(s, name, value, why)) {
			return false;
		}
	}
	return true;
}

/* §8.3.1: they agree, and at least one is there. */
static bool judge_host(const struct seen *s, const struct vouch *vouch,
		       struct head_refusal *why)
{
	struct span authority = { NULL, 0 }, host = { NULL, 0 };

	if (!s->authorities && !s->hosts)
		return refuse(why, 400, "host");
	if (s->authorities && !vouch_read_host(&authority, s->authority))
		return refuse(why, 400, "host");
	if (s->hosts && !vouch_read_host(&host, s->host))
		return refuse(why, 400, "host");
	if (s->authorities && s->hosts &&
	    !span_equal_nocase(s->authority, s->host))
		return refuse(why, 400, "host");
	if (!vouch_is_name(vouch, s->authorities ? authority : host))
		return refuse(why, 421, "misdirected");
	return true;
}

static bool judge_path(const struct seen *s, struct head_refusal *why)
{
	if (!s->path.n || !nghttp2_check_path(s->path.p, s->path.n) ||
	    s->path.n > HEAD_TARGET_MAX ||
	    (s->path.p[0] != '/' &&
	     !(span_equal_str(s->path, "*") &&
	       span_equal_str(s->method, "OPTIONS"))))
		return refuse(why, 400, "path");
	return true;
}

static bool judge(const struct seen *s, const struct vouch *vouch,
		  struct head_refusal *why)
{
	bool is_connect = span_equal_str(s->method, "CONNECT");

	if (!s->methods || !nghttp2_check_method(s->method.p, s->method.n))
		return refuse(why, 400, "pseudo");
	if (is_connect && !s->protocols)
		return refuse(why, 501, "connect");
	if (!is_connect && s->protocols)
		return refuse(why, 400, "pseudo");
	if (!s->paths || !s->schemes ||
	    !(span_equal_str(s->scheme, "https") ||
	      span_equal_str(s->scheme, "http")))
		return refuse(why, 400, "pseudo");
	if (!judge_path(s, why) || !judge_host(s, vouch, why))
		return false;
	if (vouch->own && vouch_is_own_path(s->path))
		return refuse(why, 505, "own_path");
	return true;
}

enum fields_verdict fields_read(struct fields *f, struct head_refusal *why,
				struct span block, enum fields_kind kind,
				const struct vouch *vouch)
{
	enum fields_verdict verdict = decode(f, block);
	struct seen seen = { 0 };

	if (verdict != FIELDS_GOOD)
		return verdict;
	if (!look(f, &seen, kind, why))
		return FIELDS_REFUSED;
	if (kind == FIELDS_REQUEST && !judge(&seen, vouch, why))
		return FIELDS_REFUSED;
	return FIELDS_GOOD;
}

static nghttp2_nv pair(struct span name, struct span value, uint8_t flags)
{
	return (nghttp2_nv){
		/* libnghttp2 copies what it keeps, and writes to neither. */
		.name = (uint8_t *)(uintptr_t)name.p,
		.value = (uint8_t *)(uintptr_t)(value.n ? value.p : name.p),
		.namelen = name.n,
		.valuelen = value.n,
		.flags = flags,
	};
}

static size_t add_ours(nghttp2_nv *list, const struct vouch *vouch,
		       struct span request_id)
{
	static const char *const names[ADDED_COUNT] = {
		"x-forwarded-for", "x-forwarded-proto", "x-request-id",
		"x-forwarded-client-cert"
	};
	const struct span values[ADDED_COUNT] = {
		vouch->client, span_str("https"), request_id,
		vouch->certificate
	};
	size_t n = vouch->certificate.n ? ADDED_COUNT : ADDED_COUNT - 1;

	for (size_t i = 0; i < n; i++)
		list[i] = pair(span_str(names[i]), values[i],
			       NGHTTP2_NV_FLAG_NO_INDEX);
	return n;
}

static bool encode(struct fields *f, struct buf *out, const nghttp2_nv *list,
		   size_t count)
{
	size_t bound, room;
	uint8_t *p;
	ssize_t n;

	if (!f->encoder)
		must(nghttp2_hd_deflate_new(&f->encoder, 0) == 0);
	bound = nghttp2_hd_deflate_bound(f->encoder, list, count);
	p = buf_space(out, bound, &room);
	if (room < bound)
		return false;
	n = nghttp2_hd_deflate_hd(f->encoder, p, room, list, count);
	must(n >= 0);
	buf_commit(out, (size_t)n);
	return true;
}

bool fields_write(struct fields *f, struct buf *out, enum fields_kind kind,
		  const struct vouch *vouch, uint64_t number)
{
	nghttp2_nv list[FIELDS_COUNT_MAX + ADDED_COUNT];
	bool is_forwarded = vouch->is_forwarding;
	uint8_t id[VOUCH_REQUEST_ID_MAX];
	struct wr w = WR_ARRAY(id);
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (is_forwarded && vouch_is_ours(name_of(f, &f->list[i])))
			continue;
		list[count++] = pair(name_of(f, &f->list[i]),
				     value_of(f, &f->list[i]),
				     f->list[i].flags);
	}
	vouch_request_id(&w, vouch, number);
	if (is_forwarded && kind == FIELDS_REQUEST)
		count += add_ours(list + count, vouch, wr_span(&w));
	return encode(f, out, list, count);
}
