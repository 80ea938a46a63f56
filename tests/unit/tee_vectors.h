/* The real quotes and collateral of tests/vectors/tdx. */
#ifndef POSTERN_TESTS_TEE_VECTORS_H
#define POSTERN_TESTS_TEE_VECTORS_H

#include <stdio.h>

#include "tee/verify.h"
#include "vectors.h"

#define TDX_VECTORS "tests/vectors/tdx/"

static const char *const tee_vector_items[] = {
	"root_ca.crl.der",
	"pck.crl.der",
	"tcb_info.json",
	"tcb_info_issuer_chain.pem",
	"qe_identity.json",
	"qe_identity_issuer_chain.pem",
	"pck_crl_issuer_chain.pem",
};

enum {
	TEE_VECTOR_ITEMS = 7,
};

/* The item in the order of tee_vector_items. */
static inline struct span *tee_vector_item(struct tee_collateral *c, size_t i)
{
	struct span *items[TEE_VECTOR_ITEMS] = {
		&c->root_crl,
		&c->pck_crl,
		&c->tcb_info,
		&c->tcb_info_chain,
		&c->qe_identity,
		&c->qe_identity_chain,
		&c->pck_crl_chain,
	};

	return items[i];
}

/* 'dir' is as in cases.tsv: "collateral/tdx_b0c0_202506". */
static inline struct tee_collateral tee_vector_collateral(const char *dir)
{
	struct tee_collateral c = { 0 };
	char path[256];

	for (size_t i = 0; i < TEE_VECTOR_ITEMS; i++) {
		(void)snprintf(path, sizeof(path), TDX_VECTORS "%s/%s", dir,
			       tee_vector_items[i]);
		*tee_vector_item(&c, i) = vector_load(path);
	}
	return c;
}

static inline void tee_vector_collateral_free(struct tee_collateral *c)
{
	for (size_t i = 0; i < TEE_VECTOR_ITEMS; i++)
		vector_free(*tee_vector_item(c, i));
}

/* 'name' is as in cases.tsv: "quotes/tdx_v4_b0c0_uptodate.bin". */
static inline struct span tee_vector_quote(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), TDX_VECTORS "%s", name);
	return vector_load(path);
}

#endif
