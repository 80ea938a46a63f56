#include <stddef.h>

#include "tee/policy_file.h"

struct raw_min_tcb {
	int product; /* a place in product_names */
	uint64_t fmc, bootloader, tee, snp, microcode;
};

const struct raw_snp policy_snp_default = {
	.smt = true,
	.vlek = true,
	.require_crl = true,
	.min_tcb.count = POLICY_ABSENT,
	.allow.count = POLICY_ABSENT,
};

/* Place n is product n + 1. */
static const char *const product_names[] = { "Milan", "Genoa", "Turin", NULL };

/* clang-format off */
#define PART(name) \
	{ .key = #name, .type = CONF_U64, \
	  .offset = offsetof(struct raw_min_tcb, name), .max = UINT8_MAX }

static const struct conf_field min_tcb_fields[] = {
	{ .key = "product", .type = CONF_ENUM, .is_required = true,
	  .offset = offsetof(struct raw_min_tcb, product),
	  .names = product_names },
	PART(fmc),
	PART(bootloader),
	PART(tee),
	PART(snp),
	PART(microcode),
	{ 0 },
};

static const struct conf_field min_tcb_element = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_min_tcb),
	.fields = min_tcb_fields,
};

static const struct conf_field chip_fields[] = {
	{ .key = "chip_id", .type = CONF_HEX, .is_required = true,
	  .offset = offsetof(struct snp_policy_chip, chip_id),
	  .size = SNP_CHIP_ID_LEN },
	{ .key = "until", .type = CONF_CUSTOM,
	  .offset = offsetof(struct snp_policy_chip, until),
	  .check = policy_read_time, .expected = POLICY_TIME_EXPECTED },
	{ 0 },
};

static const struct conf_field chip_element = {
	.type = CONF_STRUCT, .size = sizeof(struct snp_policy_chip),
	.fields = chip_fields,
};

#define SWITCH(name) \
	{ .key = #name, .type = CONF_BOOL, \
	  .offset = offsetof(struct raw_snp, name) }

const struct conf_field policy_snp_fields[] = {
	SWITCH(migration_agent),
	SWITCH(smt),
	SWITCH(single_socket),
	SWITCH(vlek),
	SWITCH(require_crl),
	{ .key = "vmpl", .type = CONF_U64,
	  .offset = offsetof(struct raw_snp, vmpl), .max = SNP_VMPL_MAX },
	{ .key = "min_tcb", .type = CONF_LIST,
	  .offset = offsetof(struct raw_snp, min_tcb),
	  .element = &min_tcb_element, .max = SNP_POLICY_TCBS_MAX },
	{ .key = "allow", .type = CONF_LIST,
	  .offset = offsetof(struct raw_snp, allow),
	  .element = &chip_element, .max = POLICY_PLATFORMS_MAX },
	{ .key = "deny", .type = CONF_LIST,
	  .offset = offsetof(struct raw_snp, deny),
	  .element = &chip_element, .max = POLICY_PLATFORMS_MAX },
	{ 0 },
};
/* clang-format on */

static enum rc take_min_tcb(struct snp_policy *p, struct arena *arena,
			    const struct conf_list *raw)
{
	const struct raw_min_tcb *from = raw->items;
	struct snp_policy_tcb *least;

	if (raw->count == POLICY_ABSENT)
		return RC_OK;
	p->has_min_tcb = true;
	if (!raw->count)
		return RC_OK;
	least = arena_new(arena, raw->count, sizeof(*least));
	if (!least)
		return RC_LIMIT;
	for (size_t i = 0; i < raw->count; i++)
		least[i] = (struct snp_policy_tcb){
			.product = (enum snp_product)(from[i].product +
						      SNP_MILAN),
			.least = {
				.fmc = (uint8_t)from[i].fmc,
				.bootloader = (uint8_t)from[i].bootloader,
				.tee = (uint8_t)from[i].tee,
				.snp = (uint8_t)from[i].snp,
				.microcode = (uint8_t)from[i].microcode,
			},
		};
	p->min_tcb = least;
	p->min_tcb_count = raw->count;
	return RC_OK;
}

enum rc policy_take_snp(struct tee_policy *p, struct arena *arena,
			const struct raw_snp *raw)
{
	p->snp = (struct snp_policy){
		.allows_migration_agent = raw->migration_agent,
		.refuses_smt = !raw->smt,
		.requires_single_socket = raw->single_socket,
		.refuses_vlek = !raw->vlek,
		.allows_no_crl = !raw->require_crl,
		.vmpl_max = (uint32_t)raw->vmpl,
		.has_allowed = raw->allow.count != POLICY_ABSENT,
		.allowed = raw->allow.items,
		.denied = raw->deny.items,
		.denied_count = raw->deny.count,
	};
	if (p->snp.has_allowed)
		p->snp.allowed_count = raw->allow.count;
	return take_min_tcb(&p->snp, arena, &raw->min_tcb);
}
