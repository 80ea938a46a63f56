#include "tee/document.h"

#include "base/text.h"

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_white(struct span *s)
{
	while (s->n && is_white(s->p[0]))
		(void)rd_skip(s, 1); /* s->n is not 0 */
}

static bool rd_byte(struct span *s, uint8_t want)
{
	return s->n && s->p[0] == want && rd_skip(s, 1);
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* What follows a backslash. */
static bool rd_escape(struct span *s)
{
	struct span digits;
	uint8_t c;

	if (!rd_u8(s, &c))
		return false;
	if (c != 'u')
		return c == '"' || c == '\\' || c == '/' || c == 'b' ||
		       c == 'f' || c == 'n' || c == 'r' || c == 't';
	if (!rd_n(s, &digits, 4))
		return false;
	return is_hex(digits.p[0]) && is_hex(digits.p[1]) &&
	       is_hex(digits.p[2]) && is_hex(digits.p[3]);
}

/* A string; 'content' is what stands between the quotes, escapes and all. */
static bool rd_string(struct span *s, struct span *content)
{
	const uint8_t *begin;
	uint8_t c;

	if (!rd_byte(s, '"'))
		return false;
	for (begin = s->p; rd_u8(s, &c);) {
		if (c == '"') {
			*content = span_of(begin, (size_t)(s->p - begin) - 1);
			return true;
		}
		if (c < 0x20 || (c == '\\' && !rd_escape(s)))
			return false;
	}
	return false;
}

/* Digits without a leading zero; no sign, fraction or exponent. */
static bool rd_number(struct span *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	return n && (n == 1 || s->p[0] != '0') && rd_skip(s, n);
}

static bool rd_word(struct span *s, const char *word)
{
	return span_has_prefix(*s, span_str(word)) &&
	       rd_skip(s, span_str(word).n);
}

static bool rd_value(struct span *s, unsigned depth);

static bool rd_member(struct span *s, unsigned depth)
{
	struct span key;

	skip_white(s);
	if (!rd_string(s, &key))
		return false;
	skip_white(s);
	return rd_byte(s, ':') && rd_value(s, depth);
}

/* After the opening bracket, to the closing one. */
static bool rd_elements(struct span *s, uint8_t close, unsigned depth)
{
	skip_white(s);
	if (rd_byte(s, close))
		return true;
	for (;;) {
		if (!(close == '}' ? rd_member(s, depth) : rd_value(s, depth)))
			return false;
		if (rd_byte(s, close))
			return true;
		if (!rd_byte(s, ','))
			return false;
	}
}

/* One value and the white space around it; at most 'depth' brackets deep. */
static bool rd_value(struct span *s, unsigned depth)
{
	struct span content;
	bool ok;

	skip_white(s);
	if (!s->n)
		return false;
	switch (s->p[0]) {
	case '{':
	case '[':
		if (!depth)
			return false;
		ok = rd_byte(s, '{') ? rd_elements(s, '}', depth - 1)
				     : rd_byte(s, '[') &&
					       rd_elements(s, ']', depth - 1);
		break;
	case '"':
		ok = rd_string(s, &content);
		break;
	case 't':
		ok = rd_word(s, "true");
		break;
	case 'f':
		ok = rd_word(s, "false");
		break;
	case 'n':
		ok = rd_word(s, "null");
		break;
	default:
		ok = rd_number(s);
	}
	skip_white(s);
	return ok;
}

/* The object whole, without the white space around it. */
static bool rd_object(struct span *s, struct span *whole)
{
	struct span in;

	skip_white(s);
	in = *s;
	if (!rd_byte(&in, '{') ||
	    !rd_elements(&in, '}', DOCUMENT_DEPTH_MAX - 1))
		return false;
	*whole = span_of(s->p, (size_t)(in.p - s->p));
	*s = in;
	return true;
}

static bool rd_signature(struct span *s, struct p256_signature *out)
{
	struct span hex;

	skip_white(s);
	return rd_string(s, &hex) &&
	       text_hex_decode(out->rs, sizeof(out->rs), hex);
}

bool document_split(struct span *object, struct p256_signature *signature,
		    struct span text, const char *name)
{
	struct span whole = { 0 }, key;
	struct p256_signature sig;
	bool has_signature = false;

	if (text.n > DOCUMENT_MAX)
		return false;
	skip_white(&text);
	if (!rd_byte(&text, '{'))
		return false;
	for (int i = 0; i < 2; i++) {
		skip_white(&text);
		if (i && !rd_byte(&text, ','))
			return false;
		skip_white(&text);
		if (!rd_string(&text, &key))
			return false;
		skip_white(&text);
		if (!rd_byte(&text, ':'))
			return false;
		if (span_equal_str(key, name) && !whole.n) {
			if (!rd_object(&text, &whole))
				return false;
		} else if (span_equal_str(key, "signature") && !has_signature) {
			if (!rd_signature(&text, &sig))
				return false;
			has_signature = true;
		} else {
			return false;
		}
	}
	skip_white(&text);
	if (!rd_byte(&text, '}'))
		return false;
	skip_white(&text);
	if (!rd_end(&text))
		return false;
	*object = whole;
	*signature = sig;
	return true;
}

json_t *document_load(struct span text)
{
	struct span s = text;
	json_error_t error;

	if (text.n > DOCUMENT_MAX || !rd_value(&s, DOCUMENT_DEPTH_MAX) ||
	    !rd_end(&s))
		return NULL;
	return json_loadb((const char *)text.p, text.n,
			  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
}

void document_free(json_t **tree)
{
	json_decref(*tree);
}

bool document_has(const json_t *object, const char *key)
{
	return json_object_get(object, key) != NULL;
}

bool document_u32(const json_t *object, const char *key, uint32_t *v,
		  uint32_t max)
{
	const json_t *member = json_object_get(object, key);
	json_int_t n;

	if (!json_is_integer(member))
		return false;
	n = json_integer_value(member);
	if (n < 0 || n > max)
		return false;
	*v = (uint32_t)n;
	return true;
}

bool document_text(const json_t *object, const char *key, struct span *text)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_string(member))
		return false;
	*text = span_of(json_string_value(member), json_string_length(member));
	return true;
}

bool document_hex(const json_t *object, const char *key, void *out, size_t n)
{
	struct span text;

	return document_text(object, key, &text) &&
	       text_hex_decode(out, n, text);
}

bool document_time(const json_t *object, const char *key, int64_t *unix_s)
{
	struct span text;

	return document_text(object, key, &text) && text_utc(unix_s, text);
}

bool document_array(const json_t *object, const char *key,
		    const json_t **array, size_t max)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_array(member) || json_array_size(member) > max)
		return false;
	*array = member;
	return true;
}

bool document_object(const json_t *object, const char *key,
		     const json_t **member)
{
	const json_t *found = json_object_get(object, key);

	if (!json_is_object(found))
		return false;
	*member = found;
	return true;
}
