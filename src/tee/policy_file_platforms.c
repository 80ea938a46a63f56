#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "tee/policy_file.h"

/* A signed list as the policy names it. */
struct raw_list {
	const char *name;
	int use;
	const char *file;
	struct p256_point key;
	uint64_t min_serial, min_level;
	const char *operator;
};

const struct raw_platforms policy_platforms_default = {
	.fmspc.count = POLICY_ABSENT,
	.sgx_type.count = POLICY_ABSENT,
	.allow.count = POLICY_ABSENT,
	.smt = true,
	.dynamic = true,
	.cached_keys = true,
};

static bool read_key(void *out, const char *text, struct arena *arena)
{
	(void)arena;
	return platforms_key(out, span_str(text));
}

static bool read_name(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return platform_is_name(span_str(text));
}

/* Below the policy's folder: that is what a confined program can read, and
 * what moves together. */
static bool read_path(void *out, const char *text, struct arena *arena)
{
	(void)out;
	(void)arena;
	return text[0] && text[0] != '/' && strcmp(text, "..") != 0 &&
	       strncmp(text, "../", 3) != 0 && !strstr(text, "/../") &&
	       (strlen(text) < 3 ||
		strcmp(text + strlen(text) - 3, "/..") != 0);
}

/* Demands on the entries would shorten a deny list. */
static bool check_list(void *out, const char *text, struct arena *arena)
{
	const struct raw_list *raw = out;

	(void)text;
	(void)arena;
	return raw->use == PLATFORM_ALLOW ||
	       (!raw->min_level && !raw->operator);
}

/* Zero stands for any instance. */
static bool read_instance(void *out, const char *text, struct arena *arena)
{
	uint8_t *instance = out;

	(void)arena;
	return text_hex_decode(instance, 16, span_str(text)) &&
	       !span_is_zero(span_of(instance, 16));
}

/* Place n is n of enum pck_sgx_type, and of enum platform_use. */
static const char *const sgx_type_names[] = {
	"standard",
	"scalable",
	"scalable-with-integrity",
	NULL,
};
static const char *const use_names[] = { "allow", "deny", NULL };

#define NAME_EXPECTED "1 to 63 printable characters but quotes and backslashes"

/* clang-format off */
static const struct conf_field family_element = {
	.type = CONF_HEX, .size = sizeof(struct policy_family),
};

static const struct conf_field sgx_type_element = {
	.type = CONF_ENUM, .size = sizeof(int), .names = sgx_type_names,
};

static const struct conf_field platform_fields[] = {
	{ .key = "ppid", .type = CONF_HEX, .is_required = true,
	  .offset = offsetof(struct platform, ppid), .size = 16 },
	{ .key = "instance", .type = CONF_CUSTOM,
	  .offset = offsetof(struct platform, instance),
	  .check = read_instance, .expected = "32 hex digits, not all zero" },
	{ .key = "until", .type = CONF_CUSTOM,
	  .offset = offsetof(struct platform, until),
	  .check = policy_read_time, .expected = POLICY_TIME_EXPECTED },
	{ 0 },
};

static const struct conf_field platform_element = {
	.type = CONF_STRUCT, .size = sizeof(struct platform),
	.fields = platform_fields,
};

static const struct conf_field list_fields[] = {
	{ .key = "name", .type = CONF_STRING, .is_required = true,
	  .offset = offsetof(struct raw_list, name),
	  .check = read_name, .expected = NAME_EXPECTED },
	{ .key = "use", .type = CONF_ENUM, .is_required = true,
	  .offset = offsetof(struct raw_list, use), .names = use_names },
	{ .key = "file", .type = CONF_STRING, .is_required = true,
	  .offset = offsetof(struct raw_list, file), .check = read_path,
	  .expected = "a path below the policy's folder, without .." },
	{ .key = "key", .type = CONF_CUSTOM, .is_required = true,
	  .offset = offsetof(struct raw_list, key), .check = read_key,
	  .expected = "a P-256 public key in PEM" },
	{ .key = "min_serial", .type = CONF_U64,
	  .offset = offsetof(struct raw_list, min_serial), .max = UINT32_MAX },
	{ .key = "min_level", .type = CONF_U64,
	  .offset = offsetof(struct raw_list, min_level),
	  .max = PLATFORM_LEVEL_MAX },
	{ .key = "operator", .type = CONF_STRING,
	  .offset = offsetof(struct raw_list, operator),
	  .check = read_name, .expected = NAME_EXPECTED },
	{ 0 },
};

static const struct conf_field list_element = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_list),
	.fields = list_fields, .check = check_list,
	.expected = "min_level and operator only with use: allow",
};

const struct conf_field policy_platforms_fields[] = {
	{ .key = "fmspc", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, fmspc),
	  .element = &family_element },
	{ .key = "sgx_type", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, sgx_type),
	  .element = &sgx_type_element },
	{ .key = "smt", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_platforms, smt) },
	{ .key = "dynamic", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_platforms, dynamic) },
	{ .key = "cached_keys", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_platforms, cached_keys) },
	{ .key = "allow", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, allow),
	  .element = &platform_element, .max = POLICY_PLATFORMS_MAX },
	{ .key = "deny", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, deny),
	  .element = &platform_element, .max = POLICY_PLATFORMS_MAX },
	{ .key = "lists", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, lists),
	  .element = &list_element, .max = POLICY_LISTS_MAX },
	{ 0 },
};
/* clang-format on */

static void take_sgx_types(struct tee_policy *p, const struct conf_list *raw)
{
	const int *accepted = raw->items;

	if (raw->count == POLICY_ABSENT)
		return;
	memset(p->refuses_sgx_type, true, sizeof(p->refuses_sgx_type));
	for (size_t i = 0; i < raw->count; i++)
		p->refuses_sgx_type[accepted[i]] = false;
}

static enum rc take_lists(struct tee_policy *p, struct arena *arena,
			  const struct conf_list *raw)
{
	const struct raw_list *from = raw->items;
	struct policy_list *lists =
		arena_new(arena, raw->count, sizeof(*lists));

	if (!lists)
		return RC_LIMIT;
	for (size_t i = 0; i < raw->count; i++)
		lists[i] = (struct policy_list){
			.name = from[i].name,
			.use = (enum platform_use)from[i].use,
			.file = from[i].file,
			.key = from[i].key,
			.min_serial = (uint32_t)from[i].min_serial,
			.min_level = (uint32_t)from[i].min_level,
			.operator= from[i].operator,
			.state = TEE_LIST_MISSING,
		};
	p->lists = lists;
	p->list_count = raw->count;
	return RC_OK;
}

enum rc policy_take_platforms(struct tee_policy *p, struct arena *arena,
			      const struct raw_platforms *raw)
{
	p->has_families = raw->fmspc.count != POLICY_ABSENT;
	p->families = raw->fmspc.items;
	p->family_count = p->has_families ? raw->fmspc.count : 0;
	take_sgx_types(p, &raw->sgx_type);
	p->refuses_smt = !raw->smt;
	p->refuses_dynamic = !raw->dynamic;
	p->refuses_cached_keys = !raw->cached_keys;
	p->has_allowed = raw->allow.count != POLICY_ABSENT;
	p->allowed = raw->allow.items;
	p->allowed_count = p->has_allowed ? raw->allow.count : 0;
	p->denied = raw->deny.items;
	p->denied_count = raw->deny.count;
	return take_lists(p, arena, &raw->lists);
}
