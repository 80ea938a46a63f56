/*
 * conf_read() on any bytes.  Promises: it ends, the answer is RC_OK or
 * RC_MALFORMED, a refusal carries "name:line: " and a printable message, and
 * what was accepted is within the table's bounds.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "conf/conf.h"

struct item {
	const char *name;
	uint64_t port;
};

struct settings {
	const char *name;
	uint64_t count, time_ms;
	bool is_on;
	int level;
	uint8_t key[4];
	struct item item;
	struct conf_list items, numbers;
};

/* clang-format off */
#define AT(type, field) .offset = offsetof(struct type, field)
static const char *const levels[] = { "low", "high", NULL };
static const struct conf_field number = { .type = CONF_U64, .size = 8, .max = 9 };
static const struct conf_field item_fields[] = {
	{ .key = "name", .type = CONF_STRING, AT(item, name), .is_required = true, .min = 1, .max = 8 },
	{ .key = "port", .type = CONF_U64, AT(item, port), .min = 1, .max = 65535 },
	{ 0 },
};
static const struct conf_field item = { .type = CONF_STRUCT, .size = sizeof(struct item), .fields = item_fields };
static const struct conf_field fields[] = {
	{ .key = "name", .type = CONF_STRING, AT(settings, name), .max = 16 },
	{ .key = "count", .type = CONF_U64, AT(settings, count), .max = 100 },
	{ .key = "time", .type = CONF_MS, AT(settings, time_ms), .max = 3600000 },
	{ .key = "on", .type = CONF_BOOL, AT(settings, is_on) },
	{ .key = "level", .type = CONF_ENUM, AT(settings, level), .names = levels },
	{ .key = "key", .type = CONF_HEX, AT(settings, key), .size = 4 },
	{ .key = "item", .type = CONF_STRUCT, AT(settings, item), .fields = item_fields },
	{ .key = "items", .type = CONF_LIST, AT(settings, items), .element = &item, .max = 8 },
	{ .key = "numbers", .type = CONF_LIST, AT(settings, numbers), .element = &number },
	{ 0 },
};
/* clang-format on */

static void check_item(const struct item *i)
{
	assert(i->name && strlen(i->name) >= 1 && strlen(i->name) <= 8);
	assert(i->port <= 65535);
}

static void check_accepted(const struct settings *s)
{
	const struct item *items = s->items.items;
	const uint64_t *numbers = s->numbers.items;

	assert(!s->name || strlen(s->name) <= 16);
	assert(s->count <= 100 && s->time_ms <= 3600000);
	assert(s->level == 0 || s->level == 1);
	if (s->item.name)
		check_item(&s->item);
	assert(s->items.count <= 8 && s->numbers.count <= 1024);
	for (size_t i = 0; i < s->items.count; i++)
		check_item(&items[i]);
	for (size_t i = 0; i < s->numbers.count; i++)
		assert(numbers[i] <= 9);
}

static void check_refusal(const char error[CONF_ERROR_MAX])
{
	size_t n = strnlen(error, CONF_ERROR_MAX);

	assert(n < CONF_ERROR_MAX && strncmp(error, "f:", 2) == 0);
	assert(error[2] >= '1' && error[2] <= '9');
	for (size_t i = 0; i < n; i++)
		assert(error[i] >= 0x20 && error[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct settings s = { 0 };
	char error[CONF_ERROR_MAX];
	struct arena arena;
	enum rc rc;

	memset(error, 0xff, sizeof(error));
	arena_init(&arena, 65536);
	rc = conf_read(&s, fields, &arena, "f", span_of(data, n), error);
	if (rc == RC_OK)
		check_accepted(&s);
	else
		check_refusal(error);
	assert(rc == RC_OK || rc == RC_MALFORMED);
	arena_fini(&arena);
	return 0;
}
