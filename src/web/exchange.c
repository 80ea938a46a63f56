#include "web/exchange.h"

#include <string.h>

#include "base/text.h"

const char *web_method_name(enum web_method m)
{
	static const char *const names[] = {
		[WEB_GET] = "GET",
		[WEB_HEAD] = "HEAD",
		[WEB_POST] = "POST",
		[WEB_PUT] = "PUT",
		[WEB_PATCH] = "PATCH",
		[WEB_DELETE] = "DELETE",
	};

	return names[m];
}

static bool is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* RFC 3986 §2: reserved, unreserved, and the percent sign. */
static bool is_url_byte(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "-._~:/?#[]@!$&'()*+,;=%");
}

/* RFC 9110 §5.6.2: tchar. */
static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !is_one_of(s.p[i], "!#$%&'*+-.^_`|~"))
			return false;
	return s.n > 0;
}

static bool is_field_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Where the host begins; 0: no such URL. */
static size_t authority_at(struct span url)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < 2; i++)
		if (span_has_prefix(url, span_str(schemes[i])))
			return strlen(schemes[i]);
	return 0;
}

bool web_url_origin(struct span *origin, struct span url)
{
	size_t from = authority_at(url), n = from;

	while (n < url.n && !is_one_of(url.p[n], "/?#"))
		n++;
	if (!from || n == from || memchr(url.p + from, '@', n - from))
		return false;
	*origin = span_of(url.p, n);
	return true;
}

void web_url_encode(struct wr *w, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (is_alnum(text.p[i]) || is_one_of(text.p[i], "-._~"))
			wr_u8(w, text.p[i]);
		else
			wr_printf(w, "%%%02X", text.p[i]);
}

enum rc web_ask_init(struct web_ask *a, enum web_method method,
		     struct span url, size_t answer_max)
{
	struct span origin;

	if (url.n >= WEB_URL_MAX || !web_url_origin(&origin, url))
		return RC_MALFORMED;
	for (size_t i = 0; i < url.n; i++)
		if (!is_url_byte(url.p[i]))
			return RC_MALFORMED;
	web_ask_fini(a);
	a->method = method;
	a->answer_max = answer_max;
	memcpy(a->url, url.p, url.n);
	a->url[url.n] = '\0';
	buf_init(&a->headers, (size_t)WEB_HEADERS_MAX * WEB_FIELD_MAX);
	buf_init(&a->body, WEB_BODY_MAX);
	return RC_OK;
}

enum rc web_ask_header(struct web_ask *a, const char *name, struct span value)
{
	struct span key = span_str(name);

	if (!is_token(key) || !is_field_value(value))
		return RC_MALFORMED;
	if (a->header_count == WEB_HEADERS_MAX ||
	    key.n + value.n + 4 > WEB_FIELD_MAX ||
	    key.n + value.n + 4 > buf_room(&a->headers))
		return RC_LIMIT;
	/* There is room for all four. */
	(void)buf_add(&a->headers, key);
	(void)buf_add(&a->headers, span_str(": "));
	(void)buf_add(&a->headers, value);
	(void)buf_add(&a->headers, span_str("\r\n"));
	a->header_count++;
	return RC_OK;
}

enum rc web_ask_body(struct web_ask *a, const char *content_type,
		     struct span body)
{
	enum rc rc = web_ask_header(a, "Content-Type", span_str(content_type));

	if (rc)
		return rc;
	buf_reset(&a->body);
	return buf_add(&a->body, body) ? RC_OK : RC_LIMIT;
}

void web_ask_fini(struct web_ask *a)
{
	buf_wipe(&a->headers); /* may hold a token */
	buf_wipe(&a->body);
	*a = (struct web_ask){ 0 };
}

void web_answer_init(struct web_answer *a, unsigned status, size_t body_max)
{
	web_answer_fini(a);
	a->status = status;
	buf_init(&a->fields, (size_t)WEB_FIELDS_MAX * WEB_FIELD_MAX);
	buf_init(&a->body, body_max);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.n && is_blank(s.p[0]))
		(void)rd_skip(&s, 1); /* s.n is not 0 */
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

enum rc web_answer_field(struct web_answer *a, struct span name,
			 struct span value)
{
	value = trim(value);
	if (!is_token(name) || !is_field_value(value))
		return RC_OK; /* nothing we would look for */
	if (a->field_count == WEB_FIELDS_MAX ||
	    name.n + value.n + 3 > WEB_FIELD_MAX ||
	    name.n + value.n + 3 > buf_room(&a->fields))
		return RC_LIMIT;
	/* There is room for all four. */
	(void)buf_add(&a->fields, name);
	(void)buf_add(&a->fields, span_str(": "));
	(void)buf_add(&a->fields, value);
	(void)buf_add(&a->fields, span_str("\n"));
	a->field_count++;
	return RC_OK;
}

void web_answer_fini(struct web_answer *a)
{
	buf_wipe(&a->fields);
	buf_wipe(&a->body);
	*a = (struct web_answer){ 0 };
}

bool web_answer_get(const struct web_answer *a, const char *name, size_t nth,
		    struct span *value)
{
	struct span fields = buf_span(&a->fields), line, key;

	while (rd_until(&fields, &line, '\n')) {
		if (!rd_until(&line, &key, ':') ||
		    !span_equal_nocase(key, span_str(name)))
			continue;
		if (nth-- == 0) {
			*value = trim(line);
			return true;
		}
	}
	return false;
}

bool web_answer_only(const struct web_answer *a, const char *name,
		     struct span *value)
{
	struct span other;

	return !web_answer_get(a, name, 1, &other) &&
	       web_answer_get(a, name, 0, value);
}

bool web_answer_is(const struct web_answer *a, const char *media_type)
{
	struct span value, type;

	if (!web_answer_only(a, "Content-Type", &value))
		return false;
	type = value;
	(void)rd_until(&value, &type, ';'); /* or it has no parameters */
	return span_equal_nocase(trim(type), span_str(media_type));
}
