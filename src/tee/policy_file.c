#include "tee/policy_file.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct raw_tcb {
	struct conf_list accept; /* of int: a place in status_names */
	struct conf_list advisories; /* of const char * */
	uint64_t min_evaluation, grace_ms;
	int64_t issued_after, root_crl_issued_after;
};

struct raw_module {
	const char *name;
	struct raw_register mr_seam;
};

struct raw_td {
	bool migratable, service_td, sept_ve_disable;
	bool perfmon, pks, key_locker;
	uint64_t xfam;
	struct conf_list modules; /* of struct raw_module */
};

/* The file's shape. */
struct raw_policy {
	struct raw_tcb tcb;
	struct raw_td td;
	struct raw_platforms platforms;
	struct raw_snp snp;
	bool simulated;
	uint64_t clock_skew_ms;
	struct conf_list images; /* see policy_file_images.c */
};

enum {
	CLOCK_SKEW_MAX_MS = 60 * 60 * 1000,
};

#define GRACE_MAX_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)

bool policy_read_register(void *out, const char *text, struct arena *arena)
{
	struct raw_register *r = out;

	(void)arena;
	r->is_set = text_hex_decode(r->value, sizeof(r->value), span_str(text));
	return r->is_set;
}

bool policy_read_time(void *out, const char *text, struct arena *arena)
{
	int64_t *at = out;

	(void)arena;
	return text_utc(at, span_str(text)) && *at > 0;
}

/* The most significant digit first, as quotes are shown. */
static bool read_xfam(void *out, const char *text, struct arena *arena)
{
	uint8_t bytes[sizeof(uint64_t)] = { 0 };
	struct span s = SPAN_ARRAY(bytes);

	(void)arena;
	return text_hex_decode(bytes, sizeof(bytes), span_str(text)) &&
	       rd_be64(&s, out);
}

/* Place n is status n + 1; Revoked stands behind the end and is not offered. */
static const char *const status_names[] = {
	"UpToDate",
	"SWHardeningNeeded",
	"ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded",
	"OutOfDate",
	"OutOfDateConfigurationNeeded",
	"TDRelaunchAdvised",
	"TDRelaunchAdvisedConfigurationNeeded",
	NULL,
};

/* clang-format off */
static const struct conf_field accept_element = {
	.type = CONF_ENUM, .size = sizeof(int), .names = status_names,
};

static const struct conf_field advisory_element = {
	.type = CONF_STRING, .size = sizeof(const char *),
	.min = 1, .max = TEE_ADVISORY_LEN - 1,
};

static const struct conf_field tcb_fields[] = {
	{ .key = "accept", .type = CONF_LIST,
	  .offset = offsetof(struct raw_tcb, accept), .element = &accept_element },
	{ .key = "advisories", .type = CONF_LIST,
	  .offset = offsetof(struct raw_tcb, advisories),
	  .element = &advisory_element },
	{ .key = "min_evaluation", .type = CONF_U64,
	  .offset = offsetof(struct raw_tcb, min_evaluation), .max = UINT32_MAX },
	{ .key = "grace", .type = CONF_MS,
	  .offset = offsetof(struct raw_tcb, grace_ms), .max = GRACE_MAX_MS },
	{ .key = "issued_after", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_tcb, issued_after),
	  .check = policy_read_time, .expected = POLICY_TIME_EXPECTED },
	{ .key = "root_crl_issued_after", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_tcb, root_crl_issued_after),
	  .check = policy_read_time, .expected = POLICY_TIME_EXPECTED },
	{ 0 },
};

static const struct conf_field module_fields[] = {
	{ .key = "name", .type = CONF_STRING, .is_required = true,
	  .offset = offsetof(struct raw_module, name),
	  .min = 1, .max = POLICY_NAME_MAX },
	{ .key = "mr_seam", .type = CONF_CUSTOM, .is_required = true,
	  .offset = offsetof(struct raw_module, mr_seam),
	  .check = policy_read_register, .expected = "96 hex digits" },
	{ 0 },
};

static const struct conf_field module_element = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_module),
	.fields = module_fields,
};

#define TD_SWITCH(name) \
	{ .key = #name, .type = CONF_BOOL, \
	  .offset = offsetof(struct raw_td, name) }

static const struct conf_field td_fields[] = {
	TD_SWITCH(migratable),
	TD_SWITCH(service_td),
	TD_SWITCH(sept_ve_disable),
	TD_SWITCH(perfmon),
	TD_SWITCH(pks),
	TD_SWITCH(key_locker),
	{ .key = "xfam", .type = CONF_CUSTOM,
	  .offset = offsetof(struct raw_td, xfam),
	  .check = read_xfam, .expected = "16 hex digits" },
	{ .key = "modules", .type = CONF_LIST,
	  .offset = offsetof(struct raw_td, modules),
	  .element = &module_element, .max = POLICY_MODULES_MAX },
	{ 0 },
};

static const struct conf_field policy_fields[] = {
	{ .key = "tcb", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, tcb), .fields = tcb_fields },
	{ .key = "td", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, td), .fields = td_fields },
	{ .key = "platforms", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, platforms),
	  .fields = policy_platforms_fields },
	{ .key = "snp", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, snp),
	  .fields = policy_snp_fields },
	{ .key = "simulated", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_policy, simulated) },
	{ .key = "clock_skew", .type = CONF_MS,
	  .offset = offsetof(struct raw_policy, clock_skew_ms),
	  .max = CLOCK_SKEW_MAX_MS },
	{ .key = "images", .type = CONF_LIST,
	  .offset = offsetof(struct raw_policy, images),
	  .element = &policy_image_element, .max = POLICY_IMAGES_MAX },
	{ 0 },
};
/* clang-format on */

static void take_statuses(struct tee_policy *p, const struct raw_tcb *raw)
{
	const int *places = raw->accept.items;

	if (raw->accept.count == POLICY_ABSENT)
		return;
	memset(p->accepts_status, 0, sizeof(p->accepts_status));
	for (size_t i = 0; i < raw->accept.count; i++)
		p->accepts_status[places[i] + TCB_UP_TO_DATE] = true;
}

static void take_advisories(struct tee_policy *p, const struct raw_tcb *raw)
{
	if (raw->advisories.count == POLICY_ABSENT)
		return;
	p->has_advisories = true;
	p->advisories = raw->advisories.items;
	p->advisory_count = raw->advisories.count;
}

static void take_tcb(struct tee_policy *p, const struct raw_tcb *raw)
{
	take_statuses(p, raw);
	take_advisories(p, raw);
	p->min_evaluation = (uint32_t)raw->min_evaluation;
	p->grace_s = (int64_t)(raw->grace_ms / 1000);
	p->issued_after = raw->issued_after;
	p->root_crl_issued_after = raw->root_crl_issued_after;
}

static enum rc take_modules(struct tee_policy *p, struct arena *arena,
			    const struct conf_list *raw)
{
	const struct raw_module *from = raw->items;
	struct policy_module *modules;

	if (raw->count == POLICY_ABSENT)
		return RC_OK;
	modules = arena_new(arena, raw->count, sizeof(*modules));
	if (!modules)
		return RC_LIMIT;
	for (size_t i = 0; i < raw->count; i++) {
		modules[i].name = from[i].name;
		memcpy(modules[i].mr_seam, from[i].mr_seam.value,
		       sizeof(modules[i].mr_seam));
	}
	p->has_modules = true;
	p->modules = modules;
	p->module_count = raw->count;
	return RC_OK;
}

static enum rc take_td(struct tee_policy *p, struct arena *arena,
		       const struct raw_td *raw)
{
	p->allows_migratable = raw->migratable;
	p->allows_service_td = raw->service_td;
	p->allows_sept_ve = !raw->sept_ve_disable;
	p->refuses_perfmon = !raw->perfmon;
	p->refuses_pks = !raw->pks;
	p->refuses_key_locker = !raw->key_locker;
	p->has_xfam = true;
	p->xfam = raw->xfam;
	return take_modules(p, arena, &raw->modules);
}

static enum rc take_all(struct tee_policy *p, struct arena *arena,
			const struct raw_policy *raw)
{
	enum rc rc;

	take_tcb(p, &raw->tcb);
	p->refuses_simulated = !raw->simulated;
	p->clock_skew_s = (int64_t)(raw->clock_skew_ms / 1000);
	rc = take_td(p, arena, &raw->td);
	if (!rc)
		rc = policy_take_platforms(p, arena, &raw->platforms);
	if (!rc)
		rc = policy_take_snp(p, arena, &raw->snp);
	if (!rc)
		rc = policy_take_images(p, arena, &raw->images);
	return rc;
}

enum rc policy_read(struct tee_policy *out, struct arena *arena,
		    const char *name, struct span text,
		    char error[POLICY_ERROR_MAX])
{
	static_assert((int)POLICY_ERROR_MAX >= (int)CONF_ERROR_MAX);
	struct tee_policy p = tee_policy_default;
	struct raw_policy raw = {
		.tcb.accept.count = POLICY_ABSENT,
		.tcb.advisories.count = POLICY_ABSENT,
		.clock_skew_ms = POLICY_CLOCK_SKEW_S * UINT64_C(1000),
		.td = {
			.sept_ve_disable = true,
			.perfmon = true,
			.pks = true,
			.key_locker = true,
			.xfam = POLICY_XFAM,
			.modules.count = POLICY_ABSENT,
		},
		.platforms = policy_platforms_default,
		.snp = policy_snp_default,
		.simulated = true,
		.images.count = POLICY_ABSENT,
	};
	enum rc rc = conf_read(&raw, policy_fields, arena, name, text, error);

	if (rc)
		return rc;
	if (take_all(&p, arena, &raw)) {
		(void)snprintf(error, POLICY_ERROR_MAX,
			       "%.256s: expected a smaller policy", name);
		return RC_MALFORMED;
	}
	*out = p;
	return RC_OK;
}
