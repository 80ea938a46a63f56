#include "cli/json.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"

enum {
	UTC_TEXT = 24,
	LOAD_MAX = 4 * 1024 * 1024,
	INDENT = 2,
};

void jset(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		abort(); /* out of memory: see base/mem */
}

void jadd(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		abort(); /* out of memory */
}

void jset_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	jset(object, key, value ? value : json_null());
}

void jset_text_if_any(json_t *object, const char *key, const char *text)
{
	if (text[0])
		jset_text(object, key, text);
	else
		jset(object, key, json_null());
}

void jset_hex(json_t *object, const char *key, struct span bytes)
{
	AUTO(mem_auto_free)
	char *text = mem_new(2 * bytes.n + 1);
	struct wr w = wr_over(text, 2 * bytes.n);

	text_hex(&w, bytes);
	jset_text(object, key, text);
}

void jset_bits(json_t *object, const char *key, uint64_t bits)
{
	jset(object, key, json_sprintf("%016" PRIx64, bits));
}

void jset_time(json_t *object, const char *key, int64_t at)
{
	char text[UTC_TEXT] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	if (at)
		text_utc_write(&w, at);
	jset_text_if_any(object, key, text);
}

const char *jtext(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

bool jtrue(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void jprint(FILE *to, const json_t *value)
{
	/* What could not be written shows when the stream is flushed. */
	(void)json_dumpf(value, to, JSON_INDENT(INDENT));
	fputc('\n', to);
}

json_t *jload(const char *path)
{
	AUTO(buf_fini)
	struct buf text;
	struct span s;

	buf_init(&text, LOAD_MAX);
	if (file_read(&text, path))
		return NULL;
	s = buf_span(&text);
	return json_loadb((const char *)s.p, s.n, 0, NULL);
}

void jfree(json_t **value)
{
	json_decref(*value);
}
