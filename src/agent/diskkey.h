/*
 * diskkey: who holds the data disk's key and counts its openings: the key
 * service, if one is configured, else the platform, if it is a simulated one,
 * which counts nothing.
 *
 * Of the key service: the instance's key of purpose "disk", of the root's epoch
 * that stands in the disk's record (a new disk: the newest), and the number
 * kept under the name "disk".  Which measurements get it is the service's
 * policy; here the service is judged by the same policy as the gateway.
 *
 * Source: docs/PROTOCOL.disk.md; docs/PROTOCOL.kms.md.
 */
#ifndef POSTERN_AGENT_DISKKEY_H
#define POSTERN_AGENT_DISKKEY_H

#include "agent/config.h"
#include "disk/disk.h"
#include "keyclient/keyclient.h"
#include "seal/seal.h"

struct diskkey {
	struct disk_keeper keeper; /* borrows this struct */
	/* the key service */
	struct trust *trust;
	struct keyclient_options kms;
	/* the platform */
	struct seal_provider hardware;
};

/*
 * Borrows all three; 'identity' is filled before the keeper is asked.
 * RC_UNSUPPORTED: nobody holds one; error says so.  diskkey_fini() is due in
 * any case.
 */
enum rc diskkey_open(struct diskkey *k, const struct config *c,
		     struct quote_source *source,
		     const struct identity *identity,
		     char error[NODE_ERROR_MAX]);
/* Once 'identity' is filled, and before the keeper is asked: takes from it whom
 * to believe.  As config_key_service(). */
enum rc diskkey_pin(struct diskkey *k, const struct config *c,
		    char error[NODE_ERROR_MAX]);
void diskkey_fini(struct diskkey *k);

#endif
