/*
 * channel: a model of the attested channel's two rounds (registration, one
 * renewal) against an attacker, searched to the end by Spin.  The text it
 * models is docs/PROTOCOL.channel.md; tests/model/run says which variants must
 * hold and which must fall.
 *
 * Clients and servers run the same accepted software, as two gateways do: the
 * worst case, since any of them is then accepted in either role.  The attacker
 *
 *   - ends every connection it likes: an honest side connects to another one
 *     or to the attacker, who chooses the nonces it says, and shows any
 *     evidence that any honest side ever made, on any connection, in any round;
 *   - with STOLEN, holds the TLS keys of every honest side, so that it can pose
 *     as any of them on connections of its own;
 *   - takes over a connection between honest sides after its first round, with
 *     all its secrets, when one of them is gone;
 *   - with COLLIDE, makes all connections it ends have the same TLS exporter.
 *
 * It cannot forge a quote of accepted software over a binder that this software
 * did not compute, nor find collisions: those are the assumptions of §12.  The
 * Merkle batch is abstracted to one quote a binder, since a path proves just
 * that a binder is in the batch.
 *
 * The property: who accepts evidence in a round is connected to an honest side
 * that made evidence on this very connection in this very round.  Keys are sent
 * after that, and their PSK is an exporter of the same connection.
 *
 * Each NO_x leaves one part out of the binder, to show what it is there for.
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef SERVERS
#define SERVERS 1
#endif
#define SIDES (CLIENTS + SERVERS) /* clients first */
#define ROUNDS 2
#define NOBODY SIDES /* the attacker, in place of a side */

#define is_client(i) ((i) < CLIENTS)
#define slot(i, r) ((i) * ROUNDS + (r))
/* Fresh values have names: this side's nonce of this round.  0: one that the
 * attacker made up. */
#define nonce_of(i, r) (slot(i, r) + 1)

/* The connection of each side, as this side sees it. */
byte partner[SIDES]; /* who is really there */
byte exporter[SIDES];
byte peer_key[SIDES]; /* a side's TLS key has the side's number */

/* What each side did in each round. */
bit said_hello[SIDES * ROUNDS];
bit made_evidence[SIDES * ROUNDS];
bit accepted[SIDES * ROUNDS];
byte bound_nonce[SIDES * ROUNDS]; /* the peer's, in its binder */
bit gone[SIDES]; /* ended; the attacker has its connection */

/* Is the evidence that side k made in round q what side i expects in r? */
#ifdef NO_ROLE
#define ROLE(i, k) true
#else
#define ROLE(i, k) (is_client(i) != is_client(k))
#endif
#ifdef NO_ROUND
#define ROUND(r, q) true
#else
#define ROUND(r, q) ((r) == (q))
#endif
#ifdef NO_EXPORTER
#define EXPORTER(i, k) true
#else
#define EXPORTER(i, k) (exporter[i] == exporter[k])
#endif
#ifdef NO_SPKI
#define SPKI(i, k) true
#else
#define SPKI(i, k) (peer_key[i] == (k) && peer_key[k] == (i))
#endif
#ifdef NO_NONCE
#define NONCE(i, r, k, q) true
#else
#define NONCE(i, r, k, q) (bound_nonce[slot(k, q)] == nonce_of(i, r))
#endif
#define is_expected(i, r, k, q) \
	(ROLE(i, k) && ROUND(r, q) && EXPORTER(i, k) && SPKI(i, k) && \
	 NONCE(i, r, k, q))

/* Whether the attacker speaks on this side's connection. */
#define is_attacked(i) (partner[i] == NOBODY || gone[partner[i]])

/* Side i takes a HELLO in round r: n is the nonce in it. */
inline take_hello(i, r, n)
{
	if
	:: partner[i] != NOBODY && said_hello[slot(partner[i], r)] ->
		n = nonce_of(partner[i], r)
	:: is_attacked(i) ->
		n = 0;
		/* or any that it has seen */
		do
		:: n < SIDES * ROUNDS -> n++
		:: n == 0 -> break
		:: n > 0 && said_hello[n - 1] -> break
		:: n == SIDES * ROUNDS -> n = 0; break
		od
	fi
}

/* Side i judges evidence in round r, and accepts it or ends. */
inline judge_evidence(i, r, k, q)
{
	if
	:: partner[i] != NOBODY && made_evidence[slot(partner[i], r)] ->
		k = partner[i];
		q = r
	:: is_attacked(i) ->
		k = 0;
		q = 0;
		do
		:: k < SIDES - 1 -> k++
		:: q < ROUNDS - 1 -> q++
		:: made_evidence[slot(k, q)] -> break
		:: goto over
		od
	fi;
	if
	:: is_expected(i, r, k, q) ->
		accepted[slot(i, r)] = true;
		assert(partner[i] != NOBODY);
		assert(made_evidence[slot(partner[i], r)])
	:: else -> goto over
	fi;
	k = 0;
	q = 0
}

inline make_evidence(i, r, n)
{
	bound_nonce[slot(i, r)] = n;
	made_evidence[slot(i, r)] = true
}

proctype client(byte i)
{
	byte r, n, k, q;

	do
	:: r < ROUNDS ->
		said_hello[slot(i, r)] = true;
		atomic { take_hello(i, r, n); make_evidence(i, r, n); n = 0 };
		atomic { judge_evidence(i, r, k, q) };
		r++;
		/* gone between two rounds, or not */
		if
		:: true
		:: goto over
		fi
	:: else -> break
	od;
over:
	gone[i] = true
}

proctype server(byte i)
{
	byte r, n, kept, k, q;

	do
	:: r < ROUNDS ->
		atomic {
			take_hello(i, r, n);
			kept = n;
			n = 0;
			said_hello[slot(i, r)] = true
		};
		atomic { judge_evidence(i, r, k, q) };
		make_evidence(i, r, kept);
		r++;
		if
		:: true
		:: goto over
		fi
	:: else -> break
	od;
over:
	gone[i] = true
}

/* Side i ends up with the attacker. */
inline attack(i)
{
	partner[i] = NOBODY;
	peer_key[i] = NOBODY;
#ifdef COLLIDE
	exporter[i] = SIDES;
#else
	exporter[i] = i;
#endif
#ifdef STOLEN
	k = 0;
	do
	:: k < NOBODY -> k++
	:: peer_key[i] = k; break
	od
#endif
}

init {
	byte i, j, k;

	atomic {
		for (i : 0 .. SIDES - 1) {
			partner[i] = NOBODY
		}
		for (i : 0 .. CLIENTS - 1) {
			j = CLIENTS;
			do
			:: j < SIDES - 1 -> j++
			:: partner[j] == NOBODY ->
				partner[i] = j;
				partner[j] = i;
				peer_key[i] = j;
				peer_key[j] = i;
				exporter[i] = i;
				exporter[j] = i;
				break
			:: attack(i); break
			od
		}
		for (i : CLIENTS .. SIDES - 1) {
			if
			:: partner[i] == NOBODY -> attack(i)
			:: else
			fi
		}
		j = 0;
		k = 0;
		for (i : 0 .. SIDES - 1) {
			if
			:: is_client(i) -> run client(i)
			:: else -> run server(i)
			fi
		}
	}
}

/* Registration of an honest pair is possible at all: must be violated. */
#ifdef REACHABLE
never {
	do
	:: partner[0] == CLIENTS && accepted[slot(0, 1)] &&
	   accepted[slot(CLIENTS, 1)] -> break
	:: else
	od
}
#endif
