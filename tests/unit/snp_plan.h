/*
 * A made-up platform under a made-up AMD, in good order until a test spoils it.
 */
#ifndef POSTERN_TESTS_SNP_PLAN_H
#define POSTERN_TESTS_SNP_PLAN_H

#include "snp_pki.h"

/* What is wrong with a made-up platform, and else right. */
struct plan {
	struct made_cert vek, ask, ark;
	struct made_crl crl;
	bool no_crl, other_anchor, other_report_key, chain_reversed;
	EVP_PKEY *report_key;
	char ark_name[32], ask_name[32];
	struct snp_report report;
	uint8_t chip_id[SNP_CHIP_ID_LEN];
};

enum {
	EXT_VERSION,
	EXT_PRODUCT,
	EXT_BL,
	EXT_TEE,
	EXT_SNP,
	EXT_SPL4,
	EXT_UCODE,
	EXT_OWNER, /* hwID or cspID */
	EXT_FMC, /* Turin only, the last */
};

static inline struct made_extension plan_integer(const char *oid, uint8_t v)
{
	if (v & 0x80)
		return (struct made_extension){ oid, { 2, 2, 0, v }, 4, false };
	return (struct made_extension){ oid, { 2, 1, v }, 3, false };
}

static inline struct made_extension plan_text(const char *oid, const char *v)
{
	struct made_extension e = { .oid = oid, .n = 2 + strlen(v) };

	e.bytes[0] = 0x16;
	e.bytes[1] = (uint8_t)strlen(v);
	memcpy(e.bytes + 2, v, strlen(v));
	return e;
}

static inline struct made_extension plan_octets(const char *oid, struct span v)
{
	struct made_extension e = { .oid = oid, .n = v.n };

	memcpy(e.bytes, v.p, v.n);
	return e;
}

#define AMD "1.3.6.1.4.1.3704.1."

static const struct snp_tcb plan_tcb = { .bootloader = 4, .tee = 1, .snp = 24, .microcode = 0xdb };
static const struct snp_tcb plan_turin_tcb = {
	.fmc = 2, .bootloader = 4, .tee = 1, .snp = 24, .microcode = 0xdb
};

/* A platform in good order. */
static inline void plan_init(struct plan *p, const struct made_keys *keys,
			     enum snp_product product, enum snp_signing_key key)
{
	static const uint8_t zero[48];
	char *ark = p->ark_name, *ask = p->ask_name;
	const struct snp_tcb *t = product == SNP_TURIN ? &plan_turin_tcb : &plan_tcb;
	bool is_vlek = key == SNP_VLEK;
	struct made_extension *e = p->vek.extensions;
	size_t hw_len = product == SNP_TURIN ? 8 : 64;
	uint64_t packed = snp_tcb_pack(product, t);

	memset(p, 0, sizeof(*p));
	(void)snprintf(ark, sizeof(p->ark_name), "ARK-%s", snp_product_name(product));
	(void)snprintf(ask, sizeof(p->ask_name), "SEV-%s%s", is_vlek ? "VLEK-" : "",
		       snp_product_name(product));
	p->report_key = keys->vek;
	memset(p->chip_id, 0xc5, hw_len);
	p->ark = (struct made_cert){
		ark,
		ark,
		1,
		MADE_AT - 3 * (int64_t)MADE_YEAR,
		MADE_AT + 9 * (int64_t)MADE_YEAR,
		"critical,CA:TRUE",
		"critical,keyCertSign,cRLSign",
		keys->ark,
		keys->ark,
		NULL,
		{ { 0 } },
	};
	p->ask = (struct made_cert){
		ask,
		ark,
		2,
		MADE_AT - 2 * (int64_t)MADE_YEAR,
		MADE_AT + 8 * (int64_t)MADE_YEAR,
		"critical,CA:TRUE,pathlen:0",
		"critical,keyCertSign",
		keys->ask,
		keys->ark,
		NULL,
		{ { 0 } },
	};
	p->vek = (struct made_cert){
		is_vlek ? "SEV-VLEK" : "SEV-VCEK",
		ask,
		is_vlek ? 77 : 0,
		MADE_AT - MADE_YEAR,
		MADE_AT + MADE_YEAR,
		NULL,
		NULL,
		keys->vek,
		keys->ask,
		NULL,
		{ { 0 } },
	};
	e[EXT_VERSION] = plan_integer(AMD "1", 1);
	e[EXT_PRODUCT] = plan_text(AMD "2", is_vlek || product != SNP_MILAN
						    ? snp_product_name(product)
						    : "Milan-B0");
	e[EXT_BL] = plan_integer(AMD "3.1", t->bootloader);
	e[EXT_TEE] = plan_integer(AMD "3.2", t->tee);
	e[EXT_SNP] = plan_integer(AMD "3.3", t->snp);
	e[EXT_SPL4] = plan_integer(AMD "3.4", 0);
	e[EXT_UCODE] = plan_integer(AMD "3.8", t->microcode);
	e[EXT_OWNER] = is_vlek ? plan_text(AMD "5", "example-cloud")
			       : plan_octets(AMD "4", span_of(p->chip_id, hw_len));
	if (product == SNP_TURIN)
		e[EXT_FMC] = plan_integer(AMD "3.9", t->fmc);
	p->crl = (struct made_crl){
		.issuer = ark,
		.from = MADE_AT - 86400,
		.to = MADE_AT + 30 * 86400,
		.signer = keys->ark,
	};
	p->report = (struct snp_report){
		.version = 2,
		.policy = SNP_POLICY_RESERVED_ONE | SNP_POLICY_SMT | 0x37,
		.family_id = span_of(zero, 16),
		.image_id = span_of(zero, 16),
		.current_tcb = packed,
		.reported_tcb = packed,
		.committed_tcb = packed,
		.launch_tcb = packed,
		.signing_key = key,
		.report_data = span_of(p->chip_id, 64),
		.measurement = span_of(zero, 48),
		.host_data = span_of(zero, 32),
		.id_key_digest = span_of(zero, 48),
		.author_key_digest = span_of(zero, 48),
		.report_id = span_of(zero, 32),
		.report_id_ma = span_of(zero, 32),
		.chip_id = span_of(p->chip_id, 64),
	};
}

/* What a verifier gets. */
struct plan_documents {
	struct span vek, chain, crl, root; /* DER, PEM, DER (n == 0: none), PEM */
	uint8_t report[SNP_REPORT_LEN];
	uint8_t room[4][MADE_MAX], text[2][4 * MADE_MAX];
};

static inline void plan_documents(struct plan_documents *d, const struct plan *p)
{
	struct span ask = made_certificate(d->room[0], &p->ask);
	struct span ark = made_certificate(d->room[1], &p->ark);
	struct made_cert other = p->ark;
	uint8_t room[MADE_MAX];
	struct wr chain = WR_ARRAY(d->text[0]), root = WR_ARRAY(d->text[1]);

	other.serial = 99; /* the same names and key */
	pem_encode(&chain, PEM_CERTIFICATE, p->chain_reversed ? ark : ask);
	pem_encode(&chain, PEM_CERTIFICATE, p->chain_reversed ? ask : ark);
	pem_encode(&root, PEM_CERTIFICATE,
		   p->other_anchor ? made_certificate(room, &other) : ark);
	d->chain = wr_span(&chain);
	d->root = wr_span(&root);
	d->vek = made_certificate(d->room[2], &p->vek);
	d->crl = p->no_crl ? (struct span){ 0 } : made_list(d->room[3], &p->crl);
	made_report(d->report, p->report, p->report_key);
	if (p->other_report_key)
		d->report[0x2a0] ^= 1;
}

#endif
