/*
 * route: what a gateway's data plane asks of the store for each connection:
 * which instances an id and a port lead to.  One transaction, and of each
 * lease only what a connection needs: no record is copied whole.
 *
 * The functions are for readers, from any thread.
 */
#ifndef POSTERN_STORE_ROUTE_H
#define POSTERN_STORE_ROUTE_H

#include "store/store.h"

enum {
	/* Instances of one app that are looked at; those granted first. */
	STORE_ROUTE_MAX = 64,
};

struct store_query {
	/* An app or instance id, or with 'alias' one of the operator's. */
	uint8_t id[STORE_ID_LEN];
	struct span alias; /* n == 0: none */
	uint16_t port;
	struct span domain; /* the custom name that led here; n == 0: none */
	int64_t now_unix_ms;
};

struct store_instance {
	uint8_t instance_id[STORE_ID_LEN];
	uint8_t address[16]; /* as in a lease */
};

struct store_route {
	uint8_t app_id[STORE_ID_LEN]; /* the id asked for, without a lease */
	/* 'domain' may lead to this app; true without one. */
	bool is_domain_allowed;
	size_t live_count; /* leases that live, whatever their ports */
	size_t drained_count; /* of those with the port: on their way out */
	/* What the port is, on the first instance that has it; instances of
	 * one app have one manifest.  port 0: none has it. */
	struct store_port port;
	/* Live, with the port, not drained; longest granted first. */
	struct store_instance at[STORE_ROUTE_MAX];
	size_t count;
};

/*
 * STORE_FOUND   *out is filled; without a live lease its counts are 0
 * STORE_NONE    no such alias
 * STORE_FAILED  the database cannot be read
 * Beyond 'count' the instances are not written, and after any other answer
 * than STORE_FOUND nothing of *out may be read.
 */
enum store_answer store_route(struct store *s, struct store_route *out,
			      const struct store_query *q);

/* One instance to check, and how. */
typedef bool store_check_fn(void *arg, const struct store_instance *i,
			    const struct store_port *port,
			    const struct store_check *c);
/*
 * Calls fn for each check of each instance whose lease lives, until it says
 * false.  Reads only apps that have checks.
 */
enum rc store_each_check(struct store *s, store_check_fn *fn, void *arg,
			 int64_t now_unix_ms);

#endif
