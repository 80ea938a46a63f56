/* issuing: the inside of certd/issuer.  Nobody else includes this. */
#ifndef POSTERN_CERTD_ISSUING_H
#define POSTERN_CERTD_ISSUING_H

#include <pthread.h>
#include <stdatomic.h>

#include "certd/issuance.h"
#include "certd/pinned.h"
#include "certd/sightings.h"
#include "certd/standing.h"

enum {
	ISSUING_RETRY_S = 60, /* of what the ledger does not know */
};

struct issuer {
	struct issuer_options o;
	struct pulse pulse;
	pthread_t thread;
	bool is_running;
	atomic_uint wishes;

	struct vantage vantage;
	struct writer writer;
	struct showing showing;
	struct authority_entry cas[LEDGER_CAS_MAX];
	size_t ca_count;
	struct ledger ledger;
	struct issuance work;

	/* The lock is over what other threads copy. */
	pthread_mutex_t lock;
	struct slot slots[CONFIG_CERTIFICATES_MAX];
	size_t slot_count;
	struct pins pins;
	bool has_pins;
	/* The accounts that CAA was last pinned to, as they are sealed. */
	struct pinned pinned;
	struct pins_view views[PINS_NAMES_MAX];
	int64_t proved_at; /* when CAA was; 0: not, or not any more */
};

static inline void issuing_enter(struct issuer *i)
{
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive */
}

static inline void issuing_leave(struct issuer *i)
{
	(void)pthread_mutex_unlock(&i->lock); /* we hold it */
}

/* issuer_accounts.c */

/* RC_DENIED: what is sealed of them cannot be read; error. */
enum rc issuing_open_pinned(struct issuer *i, char error[NODE_ERROR_MAX]);
/* Looks at every account whose time it is, and at what CAA has to name. */
void issuing_accounts(struct issuer *i, unsigned wishes, int64_t now);
/* Writes and proves CAA.  True: every name is held, and orders may go out. */
bool issuing_pin(struct issuer *i, int64_t now);

#endif
