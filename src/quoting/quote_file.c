#include "quoting/quote_file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "tee/eventlog.h"

enum {
	PADS_MAX = 3, /* of which base64 takes two */
};

void quote_file_fini(struct quote_file *f)
{
	buf_fini(&f->quote);
	buf_fini(&f->event_log);
}

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * The text without white space: base64 and hex are kept in lines too.  The two
 * digits of base64url become those of base64, which no other form has.
 */
static struct span squeeze(uint8_t *room, struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (!is_white(c))
			room[n++] = c == '-' ? '+' : c == '_' ? '/'
							      : c;
	}
	return span_of(room, n);
}

static bool read_hex(struct buf *out, struct span s)
{
	size_t room, n;
	uint8_t *at = buf_space(out, s.n + 1, &room);

	if (span_has_prefix(s, span_str("0x")) ||
	    span_has_prefix(s, span_str("0X")))
		(void)rd_skip(&s, 2); /* they are there */
	if (!text_hex_decode_any(at, room, &n, s))
		return false;
	buf_commit(out, n);
	return true;
}

/* 's' has room for PADS_MAX bytes behind it: padding may have been left out. */
static bool read_base64(struct buf *out, uint8_t *s, size_t text_n)
{
	size_t room, n;
	uint8_t *at = buf_space(out, text_n + 1, &room);

	while (text_n % 4)
		s[text_n++] = '=';
	if (!text_base64_decode(at, room, &n, span_of(s, text_n)))
		return false;
	buf_commit(out, n);
	return true;
}

/* Hex or base64; false: neither. */
static bool decode(struct buf *out, struct span text)
{
	AUTO(mem_auto_free)
	uint8_t *squeezed = mem_new(text.n + 1 + PADS_MAX);
	struct span s = squeeze(squeezed, text);

	return read_hex(out, s) || read_base64(out, squeezed, s.n);
}

static void auto_json(json_t **tree)
{
	json_decref(*tree);
}

static bool add_log(struct buf *out, const json_t *log)
{
	AUTO(mem_auto_free)
	char *text = NULL;

	if (!log)
		return true;
	if (json_is_string(log))
		return buf_add(out, span_of(json_string_value(log),
					    json_string_length(log)));
	text = json_dumps(log, JSON_COMPACT);
	return text && buf_add(out, span_str(text));
}

/* {"quote": "<hex>", "event_log": "<JSON>" or [...], ...} */
static bool read_object(struct quote_file *f, struct span text)
{
	AUTO(auto_json)
	json_t *root = json_loadb((const char *)text.p, text.n,
				  JSON_REJECT_DUPLICATES, NULL);
	const json_t *quote = json_object_get(root, "quote");

	return json_is_string(quote) &&
	       decode(&f->quote, span_of(json_string_value(quote),
					 json_string_length(quote))) &&
	       add_log(&f->event_log, json_object_get(root, "event_log"));
}

static bool is_object(struct span text)
{
	while (text.n && is_white(text.p[0]))
		(void)rd_skip(&text, 1); /* it is there */
	return text.n && text.p[0] == '{';
}

enum rc quote_file_parse(struct quote_file *out, struct span bytes)
{
	AUTO(quote_file_fini)
	struct quote_file f = { 0 };

	if (bytes.n > QUOTE_FILE_BYTES_MAX)
		return RC_LIMIT;
	buf_init(&f.quote, QUOTE_FILE_BYTES_MAX);
	buf_init(&f.event_log, EVENTLOG_MAX);
	if (is_object(bytes)) {
		if (!read_object(&f, bytes))
			return RC_MALFORMED;
	} else if (!bytes.n || !decode(&f.quote, bytes)) {
		if (!buf_add(&f.quote, bytes))
			return RC_LIMIT;
	}
	*out = f;
	f = (struct quote_file){ 0 };
	return RC_OK;
}

static enum rc complain(char error[QUOTE_FILE_ERROR_MAX], enum rc rc,
			const char *path, const char *why)
{
	(void)snprintf(error, QUOTE_FILE_ERROR_MAX, "%s: %s", path, why);
	return rc;
}

typedef enum rc read_fn(struct buf *out, const char *path);

static enum rc read_by(read_fn *read, struct quote_file *out, const char *path,
		       char error[QUOTE_FILE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	enum rc rc;

	buf_init(&bytes, QUOTE_FILE_BYTES_MAX);
	rc = read(&bytes, path);
	if (rc == RC_SYS || rc == RC_UNSUPPORTED)
		return complain(error, rc, path, file_why(rc));
	if (!rc)
		rc = quote_file_parse(out, buf_span(&bytes));
	if (rc == RC_MALFORMED)
		return complain(error, rc, path,
				"expected a JSON object whose \"quote\" is "
				"hex or base64");
	return rc ? complain(error, rc, path, "larger than 1 MiB") : RC_OK;
}

enum rc quote_file_read(struct quote_file *out, const char *path,
			char error[QUOTE_FILE_ERROR_MAX])
{
	return read_by(file_read, out, path, error);
}

enum rc quote_file_argument(struct quote_file *out, const char *path,
			    char error[QUOTE_FILE_ERROR_MAX])
{
	return read_by(file_read_argument, out, path, error);
}
