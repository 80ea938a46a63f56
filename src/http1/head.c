#include "http1/head.h"

#include "base/text.h"
#include "http1/vouch.h"

/* RFC 9110 §5.6.2: the bytes of a token. */
static bool is_token_byte(uint8_t c)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr(marks, c));
}

static bool is_token(struct span s)
{
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_byte(s.p[i]))
			return false;
	return true;
}

/* RFC 9110 §5.5: tabs, spaces, visible bytes and those above ASCII. */
static bool is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool is_named(struct span s, const char *name)
{
	return span_equal_nocase(s, span_str(name));
}

enum head_found head_scan(struct head_scan *s, struct span bytes, size_t *n)
{
	const uint8_t *lf;
	struct span rest;
	size_t at;

	for (;;) {
		rest = bytes;
		(void)rd_skip(&rest, s->line); /* line <= bytes.n */
		lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
		if (!lf)
			return HEAD_MORE;
		at = (size_t)(lf - rest.p);
		if (at == 0 || rest.p[at - 1] != '\r')
			return HEAD_BARE_LF;
		s->line += at + 1;
		if (at == 1) {
			*n = s->line;
			return HEAD_WHOLE;
		}
	}
}

/* A line without its CRLF, which only stands there: a carriage return elsewhere
 * is a control byte to all that follows. */
static bool rd_line(struct span *s, struct span *line, struct span *whole)
{
	const uint8_t *lf = s->n ? memchr(s->p, '\n', s->n) : NULL;

	if (!lf || lf == s->p || lf[-1] != '\r')
		return false;
	*line = span_of(s->p, (size_t)(lf - s->p) - 1);
	return rd_n(s, whole, line->n + 2);
}

static struct span trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		(void)rd_skip(&s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* field-line = field-name ":" OWS field-value OWS, RFC 9112 §5.  A line that
 * begins with a space would continue the one before (obs-fold): no token. */
bool head_next(struct span *fields, struct head_field *out)
{
	struct span line;

	if (!rd_line(fields, &line, &out->line) ||
	    !memchr(line.p, ':', line.n) ||
	    !rd_until(&line, &out->name, ':') || !is_token(out->name) ||
	    !is_value(line))
		return false;
	out->value = trim(line);
	return true;
}

static bool refuse(struct head_refusal *why, unsigned status,
		   const char *reason)
{
	*why = (struct head_refusal){ .status = status, .reason = reason };
	return false;
}

/* The next element of a comma-separated list, RFC 9110 §5.6.1; empty ones are
 * skipped. */
static bool rd_element(struct span *list, struct span *out)
{
	while (rd_until(list, out, ',')) {
		*out = trim(*out);
		if (out->n)
			return true;
	}
	return false;
}

/* http-URI: its authority; false for another scheme or user information. */
static bool read_absolute(struct span *host, struct span target)
{
	static const char *const schemes[] = { "https://", "http://" };
	struct span scheme, rest, start;
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		scheme = span_str(schemes[i]);
		rest = target;
		if (!rd_n(&rest, &start, scheme.n) ||
		    !span_equal_nocase(start, scheme))
			continue;
		while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
			n++;
		return vouch_read_host(host, span_of(rest.p, n));
	}
	return false;
}

/* RFC 9112 §3.2: origin-form, absolute-form, and "*" of OPTIONS. */
static bool read_target(struct head_request *r, struct span *host,
			struct head_refusal *why)
{
	*host = span_of(NULL, 0);
	if (r->target.n > HEAD_TARGET_MAX)
		return refuse(why, 414, "target_long");
	/* No byte of a URI, but one that readers cut differently. */
	if (!is_visible(r->target) || memchr(r->target.p, '#', r->target.n))
		return refuse(why, 400, "target");
	if (span_equal_str(r->method, "CONNECT"))
		return refuse(why, 501, "connect");
	if (r->target.p[0] == '/')
		return true;
	if (span_equal_str(r->target, "*") &&
	    span_equal_str(r->method, "OPTIONS"))
		return true;
	if (!read_absolute(host, r->target))
		return refuse(why, 400, "target");
	return true;
}

/* request-line = method SP request-target SP HTTP-version, §3. */
static bool read_request_line(struct head_request *r, struct span line,
			      struct head_refusal *why)
{
	static const char version[] = "HTTP/1.";

	if (!memchr(line.p, ' ', line.n) ||
	    !rd_until(&line, &r->method, ' ') || !is_token(r->method) ||
	    !line.n || !memchr(line.p, ' ', line.n) ||
	    !rd_until(&line, &r->target, ' '))
		return refuse(why, 400, "request_line");
	if (line.n != sizeof("HTTP/1.1") - 1 ||
	    !span_has_prefix(line, span_str("HTTP/")))
		return refuse(why, 400, "request_line");
	if (!span_has_prefix(line, span_str(version)) ||
	    (line.p[7] != '0' && line.p[7] != '1'))
		return refuse(why, 505, "version");
	r->minor = line.p[7] - '0';
	r->is_head = span_equal_str(r->method, "HEAD");
	return true;
}

/* The fields that say how the message is to be read. */
struct framing {
	/* The last one's value; p == NULL: there is none. */
	struct span host, length, coding, upgrade;
	size_t field_count;
	const char *twice; /* the refusal for one that came twice; or NULL */
	bool has_connection_upgrade, has_close, has_keep_alive;
	bool is_connection_bad;
};

static void take_once(struct framing *f, struct span *at, struct span value,
		      const char *reason)
{
	if (at->p)
		f->twice = reason;
	*at = value;
}

/* What Connection may name: an option of the hop, or a field of it.  Anything
 * else would ask the next hop to drop a field that we vouch for. */
static void read_connection(struct framing *f, struct span list)
{
	struct span option;

	while (rd_element(&list, &option)) {
		if (is_named(option, "upgrade"))
			f->has_connection_upgrade = true;
		else if (is_named(option, "close"))
			f->has_close = true;
		else if (is_named(option, "keep-alive"))
			f->has_keep_alive = true;
		else if (!is_named(option, "te"))
			f->is_connection_bad = true;
	}
}

static void note(struct framing *f, struct span name, struct span value)
{
	if (is_named(name, "host"))
		take_once(f, &f->host, value, "host");
	else if (is_named(name, "content-length"))
		take_once(f, &f->length, value, "length");
	else if (is_named(name, "upgrade"))
		take_once(f, &f->upgrade, value, "upgrade");
	else if (is_named(name, "transfer-encoding"))
		take_once(f, &f->coding, value, "coding");
	else if (is_named(name, "connection"))
		read_connection(f, value);
}

static bool settle_host(struct head_request *r, const struct framing *f,
			struct span absolute, struct head_refusal *why)
{
	struct span host = { NULL, 0 };

	if (!f->host.p && r->minor > 0)
		return refuse(why, 400, "host");
	if (f->host.p && !vouch_read_host(&host, f->host))
		return refuse(why, 400, "host");
	if (absolute.n && f->host.p && !span_equal_nocase(absolute, host))
		return refuse(why, 400, "host");
	r->host = absolute.n ? absolute : host;
	return true;
}

static bool settle_body(struct head_request *r, const struct framing *f,
			struct head_refusal *why)
{
	r->framing = HEAD_NO_BODY;
	r->length = 0;
	if (f->coding.p && f->length.p)
		return refuse(why, 400, "length_and_coding");
	if (f->coding.p && r->minor == 0)
		return refuse(why, 400, "coding");
	if (f->coding.p && !is_named(f->coding, "chunked"))
		return refuse(why, 501, "coding_unknown");
	if (f->coding.p)
		r->framing = HEAD_CHUNKED;
	if (!f->length.p)
		return true;
	if (!text_u64(&r->length, f->length, INT64_MAX))
		return refuse(why, 400, "length");
	if (r->length)
		r->framing = HEAD_LENGTH;
	return true;
}

/* §7.8 of RFC 9110.  HTTP/1.0 knows no Upgrade, and servers differ. */
static bool settle_upgrade(struct head_request *r, const struct framing *f,
			   struct head_refusal *why)
{
	struct span list, protocol;

	r->has_upgrade = f->upgrade.p != NULL;
	if (!f->upgrade.p)
		return true;
	if (!f->has_connection_upgrade || r->minor == 0 ||
	    r->framing != HEAD_NO_BODY)
		return refuse(why, 400, "upgrade");
	list = f->upgrade;
	while (rd_element(&list, &protocol))
		if (is_named(protocol, "h2c"))
			return refuse(why, 400, "upgrade");
	return true;
}

/* All fields, and the empty line, which are all of 'rest'. */
static bool read_fields(struct framing *f, struct span *fields,
			struct span rest, struct head_refusal *why)
{
	struct head_field field;

	/* What is left over is a field that cannot be read. */
	*fields = rest;
	while (!span_equal_str(rest, "\r\n")) {
		if (!head_next(&rest, &field))
			return refuse(why, 400, "field");
		note(f, field.name, field.value);
		if (++f->field_count == HEAD_FIELDS_MAX)
			return refuse(why, 431, "fields_many");
	}
	fields->n -= rest.n;
	return true;
}

bool head_request(struct head_request *out, struct span head,
		  struct head_refusal *why)
{
	struct framing f = { 0 };
	struct span line, absolute;

	if (!rd_line(&head, &line, &out->line))
		return refuse(why, 400, "request_line");
	if (!read_request_line(out, line, why) ||
	    !read_target(out, &absolute, why) ||
	    !read_fields(&f, &out->fields, head, why))
		return false;
	out->field_count = f.field_count;
	if (f.twice)
		return refuse(why, 400, f.twice);
	if (f.is_connection_bad)
		return refuse(why, 400, "connection");
	out->is_last = f.has_close || (out->minor == 0 && !f.has_keep_alive);
	return settle_host(out, &f, absolute, why) &&
	       settle_body(out, &f, why) && settle_upgrade(out, &f, why);
}

/* HTTP-version SP status-code SP [ reason-phrase ], §4; many leave out the
 * second space. */
static bool read_status_line(unsigned *status, struct span line)
{
	struct span version, digits;
	uint64_t v;

	if (!rd_n(&line, &version, sizeof("HTTP/1.1 ") - 1) ||
	    !span_has_prefix(version, span_str("HTTP/1.")) ||
	    version.p[8] != ' ' || !rd_n(&line, &digits, 3) ||
	    !text_u64(&v, digits, 599) || v < 100 ||
	    (line.n && line.p[0] != ' '))
		return false;
	*status = (unsigned)v;
	return true;
}

/* The last coding of a list is the one that frames, §6.3. */
static bool ends_in_chunked(struct span list)
{
	struct span coding, last = { NULL, 0 };

	while (rd_element(&list, &coding))
		last = coding;
	return is_named(last, "chunked");
}

static bool settle_response(struct head_response *r, const struct framing *f)
{
	bool is_empty = r->status < 200 || r->status == 204 ||
			r->status == 304;

	r->length = 0;
	if (f->coding.p && f->length.p)
		return false;
	if (f->length.p && !text_u64(&r->length, f->length, INT64_MAX))
		return false;
	if (is_empty || (f->length.p && r->length == 0))
		r->framing = HEAD_NO_BODY;
	else if (f->length.p)
		r->framing = HEAD_LENGTH;
	else if (f->coding.p && ends_in_chunked(f->coding))
		r->framing = HEAD_CHUNKED;
	else
		r->framing = HEAD_UNTIL_CLOSE;
	return true;
}

/* Only what frames it: an app may send what it likes otherwise. */
bool head_response(struct head_response *out, struct span head)
{
	struct head_response r = { 0 };
	struct head_refusal why; /* nobody is told */
	struct framing f = { 0 };
	struct span line, whole, fields;

	if (!rd_line(&head, &line, &whole) ||
	    !read_status_line(&r.status, line) ||
	    !read_fields(&f, &fields, head, &why) || f.twice ||
	    !settle_response(&r, &f))
		return false;
	*out = r;
	return true;
}
