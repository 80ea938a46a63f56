/*
 * door: where attested channels come in: it listens, counts who is inside, and
 * closes who is one too many without a word, since to say "overloaded" would
 * cost a TLS handshake each.  What a channel says is its owner's.
 *
 * Strangers, whose evidence was not accepted yet, may hold a quarter of the
 * places (or 16), and those of one address fewer, so that neither one of them
 * nor all keep the verified out.  An IPv6 address counts as its /64, which is
 * one customer.  Who comes over a unix socket has no address that we know: an
 * edge forwards everybody from there.
 */
#ifndef POSTERN_NODE_DOOR_H
#define POSTERN_NODE_DOOR_H

#include "base/span.h"
#include "channel/link.h"
#include "io/log.h"
#include "io/pause.h"
#include "io/sock.h"

enum {
	DOOR_NAME_MAX = 128, /* characters of an address, with the NUL */
};

/* One channel that came in; part of its owner's state. */
struct door_visit {
	struct door_visit *next, *prev;
	struct link *link; /* the owner's, to free after it left */
	void *owner;
	struct sock_addr from;
	char name[DOOR_NAME_MAX]; /* its address, or "unix" */
	bool is_verified;
};

/* Each inclusive. */
struct door_limits {
	size_t channels;
	size_t source_unverified; /* of one address */
	size_t source; /* of one address in all; 0: as many as there is room */
};

struct door_options {
	struct loop *loop;
	const struct log *log;
	struct sock_addr listen;
	int backlog;
	struct door_limits limits;
	/* Somebody comes, and there is room: the owner takes fd, makes a link
	 * of it, and calls door_enter().  False: it will not, and the door
	 * closes fd. */
	bool (*welcome)(void *arg, int fd, const struct sock_addr *from);
	void *arg;
};

struct door_counts {
	size_t channels, unverified;
	uint64_t accepted, turned_away; /* since the start */
};

/* In the owner's storage; it reads 'visits' and 'counts'. */
struct door {
	struct door_options o;
	int fd; /* -1: closed */
	struct loop_watch watch;
	struct pause pause; /* of accepting */
	struct door_visit *visits;
	struct door_counts counts;
	struct log_limit lines;
};

/* Listens.  RC_SYS with errno, *d is closed then.  Copies options. */
enum rc door_open(struct door *d, const struct door_options *options);
/* Stops listening; who is inside stays.  Twice is once. */
void door_close(struct door *d);
/* Tells all who are inside that this is a shutdown, and closes their links,
 * giving them 'why'. */
void door_end_all(struct door *d, const char *why);

/* Notes where one comes from; before its link is made. */
void door_visit_init(struct door_visit *v, void *owner,
		     const struct sock_addr *from);
void door_enter(struct door *d, struct door_visit *v);
/* It is a stranger no more.  Twice is once. */
void door_verified(struct door *d, struct door_visit *v);
/* Its link closed.  Not for one that did not enter. */
void door_leave(struct door *d, struct door_visit *v);

/* What counts as one address; n == 0: not known.  Borrows the address. */
struct span door_source(const struct sock_addr *a);
/* The limit that keeps one from here out: "max_channels", "unverified" or
 * "source"; NULL: none. */
const char *door_limit(const struct door *d, const struct sock_addr *from);

#endif
