#include "cli/platforms.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/conf.h"

enum {
	PLATFORMS_MAX = PLATFORM_LIST_MAX / 43, /* {"ppid":"..."}, each */
};

struct raw_entry {
	struct platform platform;
	uint64_t level;
};

struct raw_list {
	const char *name;
	int use;
	uint64_t serial;
	int64_t issued_at, expires_at;
	struct conf_list platforms; /* of struct raw_entry */
};

static bool read_time(void *out, const char *text, struct arena *arena)
{
	int64_t *at = out;

	(void)arena;
	return text_utc(at, span_str(text)) && *at > 0;
}

static bool read_instance(void *out, const char *text, struct arena *arena)
{
	uint8_t *instance = out;

	(void)arena;
	return text_hex_decode(instance, 16, span_str(text)) &&
	       !span_is_zero(span_of(instance, 16));
}

static bool read_name(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return platform_is_name(span_str(text));
}

/* Place n is n of enum platform_use. */
static const char *const use_names[] = { "allow", "deny", NULL };

#define TIME_EXPECTED "a time such as 2027-01-01T00:00:00Z"
#define NAME_EXPECTED "1 to 63 printable characters but quotes and backslashes"

/* clang-format off */
static const struct conf_field entry_fields[] = {
	{ .key = "ppid", .type = CONF_HEX, .is_required = true, .size = 16,
	  .offset = offsetof(struct raw_entry, platform.ppid) },
	{ .key = "instance", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_entry, platform.instance),
	  .check = read_instance, .expected = "32 hex digits, not all zero" },
	{ .key = "until", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_entry, platform.until),
	  .check = read_time, .expected = TIME_EXPECTED },
	{ .key = "operator", .type = CONF_STRING,
	  .offset = offsetof(struct raw_entry, platform.operator),
	  .check = read_name, .expected = NAME_EXPECTED },
	{ .key = "level", .type = CONF_U64, .min = 1, .max = PLATFORM_LEVEL_MAX,
	  .offset = offsetof(struct raw_entry, level) },
	{ 0 },
};

static const struct conf_field entry = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_entry),
	.fields = entry_fields,
};

static const struct conf_field list_fields[] = {
	{ .key = "name", .type = CONF_STRING, .is_required = true,
	  .offset = offsetof(struct raw_list, name),
	  .check = read_name, .expected = NAME_EXPECTED },
	{ .key = "use", .type = CONF_ENUM, .is_required = true,
	  .offset = offsetof(struct raw_list, use), .names = use_names },
	{ .key = "serial", .type = CONF_U64, .is_required = true,
	  .offset = offsetof(struct raw_list, serial), .max = UINT32_MAX },
	{ .key = "issued", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_list, issued_at),
	  .check = read_time, .expected = TIME_EXPECTED },
	{ .key = "expires", .type = CONF_CUSTOM, .is_required = true,
	  .offset = offsetof(struct raw_list, expires_at),
	  .check = read_time, .expected = TIME_EXPECTED },
	{ .key = "platforms", .type = CONF_LIST, .is_required = true,
	  .offset = offsetof(struct raw_list, platforms),
	  .element = &entry, .max = PLATFORMS_MAX },
	{ 0 },
};
/* clang-format on */

enum rc platforms_read_text(struct platform_list *out, struct arena *arena,
			    const char *name, struct span text, int64_t now,
			    char error[PLATFORMS_ERROR_MAX])
{
	static_assert((int)PLATFORMS_ERROR_MAX >= (int)CONF_ERROR_MAX);
	struct raw_list raw = { .issued_at = now };
	const struct raw_entry *from;
	struct platform *platforms;
	enum rc rc = conf_read(&raw, list_fields, arena, name, text, error);

	if (rc)
		return rc;
	from = raw.platforms.items;
	platforms = arena_new(arena, raw.platforms.count, sizeof(*platforms));
	if (raw.expires_at < raw.issued_at || !platforms) {
		(void)snprintf(error, PLATFORMS_ERROR_MAX,
			       "%.256s: expires: expected a time after the "
			       "list is issued",
			       name);
		return RC_MALFORMED;
	}
	for (size_t i = 0; i < raw.platforms.count; i++) {
		platforms[i] = from[i].platform;
		platforms[i].level = (uint32_t)from[i].level;
	}
	*out = (struct platform_list){
		.name = raw.name,
		.use = (enum platform_use)raw.use,
		.serial = (uint32_t)raw.serial,
		.issued_at = raw.issued_at,
		.expires_at = raw.expires_at,
		.platforms = platforms,
		.count = raw.platforms.count,
	};
	return RC_OK;
}
