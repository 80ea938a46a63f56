/*
 * slot: the place of one configured certificate: the chain that is there, whose
 * it is, and when it is to be renewed.  Kept under seal, so that nobody puts an
 * old one back.
 */
#ifndef POSTERN_CERTD_SLOT_H
#define POSTERN_CERTD_SLOT_H

#include "acme/certcheck.h"
#include "acme/renewal.h"
#include "certd/config.h"
#include "certd/custody.h"

struct slot {
	const struct config_certificate *config;
	char id[CUSTODY_FOR_MAX]; /* of its names */
	struct sha256 hash; /* names_hash() */
	bool has_chain;
	struct buf chain; /* PEM, leaf first */
	char directory[ACME_URL_MAX]; /* of the CA */
	int64_t issued_at;
	struct renewal renewal;
	/* Of the leaf: */
	struct sha256 spki, tbs;
	int64_t not_before, not_after;
	bool renew_now; /* somebody asked for it */
	bool has_failed; /* the last order, in this process */
	bool is_unsealed; /* what is here could not be sealed */
	bool is_unbooked; /* nor that it was issued, in the key history */
};

/* Reads what is sealed of it.  RC_DENIED: that cannot be read; error. */
enum rc slot_open(struct slot *out, const struct config_certificate *config,
		  struct custody *custody, char error[NODE_ERROR_MAX]);
void slot_fini(struct slot *s);

/*
 * Takes a chain that the CA issued.  RC_MALFORMED: it cannot be read;
 * RC_SYS: it could not be sealed (the slot has it all the same); error.
 */
enum rc slot_take(struct slot *s, struct span chain, const char *directory,
		  struct custody *custody, int64_t now,
		  char error[NODE_ERROR_MAX]);
/* Seals it again, with what became of the renewal; RC_SYS: is_unsealed. */
enum rc slot_save(struct slot *s, struct custody *custody);
/* The leaf's DER; borrows 'room'. */
bool slot_leaf(const struct slot *s, struct certcheck_chain *room,
	       struct span *der);

/* When it is to be renewed; now or earlier when there is none. */
int64_t slot_due(const struct slot *s);
/* It is due, and could wait all the same. */
bool slot_is_early(const struct slot *s, int64_t now);

#endif
