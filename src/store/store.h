/*
 * store: the gateway's database (LMDB): who holds a lease, under which names
 * it is reached, and at which tunnel address.
 *
 * One writer, the registrar; any number of readers, which take a snapshot
 * without a lock.  A write is durable when its call returns: every change is
 * one transaction with fsync.  No secret is ever stored.
 *
 * A folder is opened once in a process (LMDB's rule), and not carried over a
 * fork().  The readers' functions may be called from many threads at once, the
 * writer's from one.
 *
 * Any function that says RC_SYS or STORE_FAILED leaves errno: LMDB's own
 * failures are EIO.  A write that finds the map full says RC_LIMIT, one that
 * finds a record it cannot read says RC_MALFORMED; nothing changed then.
 *
 * Source: docs/DESIGN.md §8.
 */
#ifndef POSTERN_STORE_STORE_H
#define POSTERN_STORE_STORE_H

#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

struct store;

enum {
	STORE_ID_LEN = 20,
	STORE_BOOT_LEN = 16,
	STORE_PORTS_MAX = 32,
	STORE_DOMAINS_MAX = 32, /* names one app lists */
	STORE_CHECKS_MAX = 8, /* ports of one app with a health check */
	STORE_PATH_MAX = 128,
	STORE_LABEL_MAX = 64,
	STORE_DOMAIN_MAX = 254,
	STORE_MARK_LEN = 32,
	STORE_LINEAGES_MAX = 100000,
};

enum store_protocol { /* as manifest_protocol */
	STORE_HTTP,
	STORE_H2,
	STORE_TCP,
	STORE_TLS,
};

struct store_port {
	uint16_t port;
	enum store_protocol protocol;
	unsigned proxy_protocol; /* version of the header: 1, 2; 0: none */
	bool is_forwarding; /* requests are told who the client is */
	bool is_any_host; /* and may be for another host */
};

/* A lease: one instance, its key, its address, until when. */
struct store_lease {
	uint8_t instance_id[STORE_ID_LEN];
	uint8_t app_id[STORE_ID_LEN];
	char app_name[STORE_LABEL_MAX]; /* the manifest's name: a label */
	char node_id[STORE_LABEL_MAX];
	uint8_t wg_public[32];
	uint8_t address[16]; /* in the tunnel; IPv4 is mapped ::ffff:a.b.c.d */
	int64_t granted_unix_ms, renewed_unix_ms, expires_unix_ms;
	/* The same end on a clock the host cannot set, in this boot alone. */
	uint64_t expires_boot_ms;
	uint8_t boot_id[STORE_BOOT_LEN];
	uint32_t renewals;
	bool is_simulated;
	char image[STORE_LABEL_MAX]; /* policy image that accepted it */
	char tcb_status[STORE_LABEL_MAX];
	struct store_port ports[STORE_PORTS_MAX];
	uint32_t port_count;
};

/* How to find out whether a port of an app works. */
struct store_check {
	uint16_t port;
	uint32_t interval_s; /* at least 1 */
	/* GET of this over HTTP/1.1; "": to accept connections is enough */
	char path[STORE_PATH_MAX];
};

/* What an app's manifest says of all its instances. */
struct store_app {
	/* Whether it lists the custom names that may lead to it. */
	bool lists_domains;
	/* Lower case; "*." at the front stands for one label. */
	char domains[STORE_DOMAINS_MAX][STORE_DOMAIN_MAX];
	size_t domain_count;
	struct store_check checks[STORE_CHECKS_MAX];
	size_t check_count;
};

enum store_access {
	STORE_READ,
	STORE_WRITE, /* creates it when absent */
};

/*
 * Opens the environment in folder 'path'.  map_size bounds it (bytes; 0: 16
 * GiB).
 * RC_SYS, or RC_MALFORMED when the records are of another version; error says.
 */
enum rc store_open(struct store **out, const char *path,
		   enum store_access access, uint64_t map_size,
		   char error[256]);
void store_close(struct store *s);

/* Writer. */

/* Adds or replaces the lease of its instance id, its place under its app, and
 * beside it the quote that it rests on.
 * RC_DENIED: the address or key belongs to another instance, or the instance id
 * may not be this app's, as with store_address(). */
enum rc store_lease_put(struct store *s, const struct store_lease *l,
			struct span quote);
/* Sets what an app says of all its instances; the same as before costs no
 * write.  It goes with the app's last lease. */
enum rc store_app_put(struct store *s, const uint8_t app_id[STORE_ID_LEN],
		      const struct store_app *a);
/* Keeps the mark that later manifests of the app have to show; the same as
 * before costs no write.  It stays when the app goes.  RC_LIMIT: of
 * STORE_LINEAGES_MAX apps already. */
enum rc store_lineage_put(struct store *s, const uint8_t app_id[STORE_ID_LEN],
			  const uint8_t mark[STORE_MARK_LEN]);
/* Marks an instance so that no new connection goes to it, or takes the mark
 * away.  It outlives the lease, until the instance is forgotten. */
enum rc store_drain(struct store *s, const uint8_t instance_id[STORE_ID_LEN],
		    bool is_on);
/* Appends the quote of a lease to *out; nothing without such a lease.
 * RC_LIMIT: it does not fit. */
enum rc store_quote_get(struct store *s, struct buf *out,
			const uint8_t instance_id[STORE_ID_LEN]);
/* Frees its address only when forget is true; else the instance gets the same
 * address when it comes back. */
enum rc store_lease_remove(struct store *s,
			   const uint8_t instance_id[STORE_ID_LEN],
			   bool forget);
/*
 * The address of an instance: the one it had, or the lowest free one of
 * first..last (both included, IPv4-mapped, same upper 96 bits), reserved for
 * it from now on.  When all are reserved, the lowest one whose instance holds
 * no lease changes hands.  RC_LIMIT: every one is leased.
 *
 * RC_DENIED: the instance id is another app's, for as long as that one's
 * address is reserved; or it is the id of an app that has a lease or an alias,
 * whose name it would take.
 */
enum rc store_address(struct store *s, uint8_t address[16],
		      const uint8_t instance_id[STORE_ID_LEN],
		      const uint8_t app_id[STORE_ID_LEN],
		      const uint8_t first[16], const uint8_t last[16]);
/* Replaces all aliases (label -> app id) at once; labels are lower case and not
 * empty.  RC_MALFORMED: a label comes twice. */
struct store_alias {
	char label[STORE_LABEL_MAX];
	uint8_t app_id[STORE_ID_LEN];
};
enum rc store_aliases_set(struct store *s, const struct store_alias *aliases,
			  size_t count);

/* Readers. */

enum store_answer {
	STORE_FOUND,
	STORE_NONE, /* nothing under that name */
	STORE_FAILED, /* the database cannot be read */
};

enum store_answer store_lease_get(struct store *s, struct store_lease *out,
				  const uint8_t instance_id[STORE_ID_LEN]);
enum store_answer store_alias_get(struct store *s,
				  uint8_t app_id[STORE_ID_LEN],
				  struct span label);
enum store_answer store_app_get(struct store *s, struct store_app *out,
				const uint8_t app_id[STORE_ID_LEN]);
enum store_answer store_lineage_get(struct store *s,
				    uint8_t mark[STORE_MARK_LEN],
				    const uint8_t app_id[STORE_ID_LEN]);
enum store_answer store_is_drained(struct store *s,
				   const uint8_t instance_id[STORE_ID_LEN]);
/* Calls fn for every lease, in order of instance id, until it says false. */
enum rc store_each(struct store *s,
		   bool (*fn)(void *arg, const struct store_lease *l),
		   void *arg);

#endif
