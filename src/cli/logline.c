#include "cli/logline.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	KEY_MAX = 64,
	APP_HEX_MIN = 4,
};

/* Up to the quote that ends it. */
static struct span quoted(struct span rest)
{
	size_t i;

	for (i = 0; i < rest.n && rest.p[i] != '"'; i++)
		if (rest.p[i] == '\\')
			i++;
	return span_of(rest.p, i < rest.n ? i : rest.n);
}

static struct span until_any(struct span rest, const char *ends)
{
	size_t i;

	for (i = 0; i < rest.n && !strchr(ends, rest.p[i]); i++)
		;
	return span_of(rest.p, i);
}

static bool find(struct span *rest, struct span line, const char *key)
{
	const uint8_t *at = line.n ? memmem(line.p, line.n, key, strlen(key))
				   : NULL;

	if (!at)
		return false;
	*rest = span_of(at + strlen(key),
			line.n - (size_t)(at - line.p) - strlen(key));
	return true;
}

bool logline_field(struct span *out, struct span line, const char *name)
{
	char key[KEY_MAX];
	struct span rest;
	bool is_json = line.n > 0 && line.p[0] == '{';
	uint8_t first;
	int n = snprintf(key, sizeof(key), is_json ? "\"%s\":" : " %s=", name);

	if (n <= 0 || (size_t)n >= sizeof(key) || !find(&rest, line, key))
		return false;
	if (rest.n && rest.p[0] == '"') {
		(void)rd_u8(&rest, &first);
		*out = quoted(rest);
	} else {
		*out = until_any(rest, is_json ? ",}" : " ");
	}
	return true;
}

static bool is_hex(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
		      (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

/* "hello" or "hello-8080s", of "hello-8080s.example.net". */
static bool is_name_of(struct span name, struct span app)
{
	struct span label = until_any(name, ".");

	if (!span_has_prefix(label, app))
		return false;
	(void)rd_skip(&label, app.n); /* it is there */
	if (label.n == 0)
		return true;
	if (label.p[0] != '-')
		return false;
	(void)rd_skip(&label, 1);
	/* sni/name.h: digits, then any of s and g */
	return until_any(label, "abcdefghijklmnopqrstuvwxyz-").n > 0 ||
	       span_equal_str(label, "s") || span_equal_str(label, "g");
}

bool logline_is_of_app(struct span line, const char *app)
{
	struct span wanted = span_str(app), found;

	if (wanted.n >= APP_HEX_MIN && is_hex(wanted) &&
	    ((logline_field(&found, line, "app") &&
	      span_has_prefix(found, wanted)) ||
	     (logline_field(&found, line, "app_id") &&
	      span_has_prefix(found, wanted))))
		return true;
	if (logline_field(&found, line, "app_name") &&
	    span_equal(found, wanted))
		return true;
	if (logline_field(&found, line, "name") && is_name_of(found, wanted))
		return true;
	return logline_field(&found, line, "app") && span_equal(found, wanted);
}

/* RFC 8259 §7; a byte that is no printable ASCII stands as the character of its
 * number. */
static bool add_string(struct buf *out, struct span s)
{
	bool is_good = buf_add(out, span_str("\""));
	char code[8];
	uint8_t c;

	while (is_good && rd_u8(&s, &c)) {
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			is_good = buf_add(out, span_of(&c, 1));
		else {
			(void)snprintf(code, sizeof(code), "\\u%04x", c);
			is_good = buf_add(out, span_str(code));
		}
	}
	return is_good && buf_add(out, span_str("\""));
}

bool logline_json(struct buf *out, struct span line, const char *node,
		  const char *service)
{
	bool is_json = line.n > 1 && line.p[0] == '{' &&
		       line.p[line.n - 1] == '}';
	bool is_good;

	is_good = buf_add(out, span_str("{\"node\":")) &&
		  add_string(out, span_str(node)) &&
		  buf_add(out, span_str(",\"service\":")) &&
		  add_string(out, span_str(service));
	if (!is_good)
		return false;
	if (!is_json)
		return buf_add(out, span_str(",\"line\":")) &&
		       add_string(out, line) && buf_add(out, span_str("}\n"));
	(void)rd_skip(&line, 1);
	return (line.n == 1 || buf_add(out, span_str(","))) &&
	       buf_add(out, line) && buf_add(out, span_str("\n"));
}
