#include "wgd/ports.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "io/sock.h"
#include "wgd/address.h"
#include "wireguard/message.h"

enum {
	SOCKET_BUFFER = 4 << 20,
	PORT_TRIES = 16,
	/* The highest byte of a message's receiver index (whitepaper §5.4). */
	RECEIVER_HIGH_AT = 7,
	RESPONSE_RECEIVER_HIGH_AT = 11,
	V4_SOURCE_AT = 12, /* RFC 791 §3.1 */
	V6_SOURCE_AT = 8, /* RFC 8200 §3 */
};

/* Larger buffers ride out bursts; forcing them needs CAP_NET_ADMIN. */
static void set_buffers(int fd)
{
	const int n = SOCKET_BUFFER;

	/* Without the capability the kernel's limit applies: only slower. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* Without it a host with many addresses may answer from another than was asked;
 * every kernel has it. */
static void want_local(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on,
				 sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

/* The congestion marks of what comes; without them none is passed on. */
static void want_marks(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on,
				 sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
}

/* Lets the kernel put datagrams of one sender together; kernels before 5.0 do
 * not, which is only slower. */
static void want_joined(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
}

static int prepare(int fd, sa_family_t family, uint32_t mark)
{
	set_buffers(fd);
	want_local(fd, family);
	want_marks(fd, family);
	want_joined(fd);
	if (mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
		return errno;
	return 0;
}

/* A ^= A >> n, in two steps */
#define FOLD(n) \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), \
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, n), \
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0)

/*
 * Chooses one of 'count' sockets.  A load beyond the datagram's end makes the
 * program answer 0.  The hash of the network depends on secret numbers, so that
 * nobody outside knows which networks meet, and each bit of it on every bit of
 * an address.
 */
static int steer(int fd, sa_family_t family, unsigned count)
{
	enum {
		/* where things are in the program; a jump counts from behind
		 * itself */
		RESPONSE = 5,
		INITIATION = 7,
		EITHER = 22,
		LENGTH = 24,
	};
	const uint32_t source =
		(uint32_t)SKF_NET_OFF +
		(family == AF_INET6 ? V6_SOURCE_AT : V4_SOURCE_AT);
	/* an IPv6 network has a second word */
	const uint32_t more = family == AF_INET6 ? source + 4 : source;
	const uint32_t mix = family == AF_INET6 ? rng_u32() | 1 : 0;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_INITIATION,
			 INITIATION - 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_RESPONSE,
			 RESPONSE - 3, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RECEIVER_HIGH_AT),
		BPF_JUMP(BPF_JMP | BPF_JA, EITHER - 5, 0, 0),
		/* RESPONSE */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, RESPONSE_RECEIVER_HIGH_AT),
		BPF_JUMP(BPF_JMP | BPF_JA, EITHER - 7, 0, 0),
		/* INITIATION */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, more),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, mix),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, source),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, rng_u32()),
		FOLD(16),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x7feb352d),
		FOLD(15),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x846ca68b),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
		/* EITHER */
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog program = {
		.len = LENGTH,
		.filter = code,
	};

	static_assert(sizeof(code) / sizeof(*code) == LENGTH);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof(program)) != 0)
		return errno;
	return 0;
}

static struct sock_addr any_address(sa_family_t family, uint16_t port)
{
	struct endpoint e = { .is_v6 = family == AF_INET6, .port = port };

	return address_of(&e);
}

static uint16_t port_of(int fd)
{
	struct sock_addr a = { .len = sizeof(a.in6) };

	if (getsockname(fd, &a.sa, &a.len) != 0)
		return 0;
	return address_endpoint(&a).port;
}

static int *fd_of(struct ports *p, unsigned worker, sa_family_t family)
{
	return family == AF_INET6 ? &p->at[worker].v6 : &p->at[worker].v4;
}

/* The first socket of a family has the port alone; then the others join it. */
static int open_family(struct ports *p, sa_family_t family, uint16_t port,
		       uint32_t mark)
{
	const struct sock_addr at = any_address(family, port);
	int error = 0;

	for (unsigned i = 0; i < p->count && !error; i++) {
		int *fd = fd_of(p, i, family);

		if (i == 0 ? sock_udp(fd, &at)
			   : sock_udp_beside(fd, *fd_of(p, 0, family)))
			error = errno;
		else
			error = prepare(*fd, family, mark);
	}
	if (!error && p->count > 1)
		error = steer(*fd_of(p, 0, family), family, p->count);
	return error;
}

static void close_all(struct ports *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		mem_auto_close(&p->at[i].v4);
		mem_auto_close(&p->at[i].v6);
		p->at[i] = (struct ports_pair){ -1, -1 };
	}
}

static int open_both(struct ports *p, uint16_t port, uint32_t mark)
{
	int error = open_family(p, AF_INET, port, mark);

	if (!error) {
		p->port = port_of(p->at[0].v4);
		error = open_family(p, AF_INET6, p->port, mark);
		/* The kernel has no IPv6. */
		if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL)
			return 0;
	}
	if (error)
		close_all(p);
	return error;
}

int ports_open(struct ports *out, unsigned count, uint16_t port, uint32_t mark)
{
	struct ports p = { .count = count };
	int error;

	for (unsigned i = 0; i < count; i++)
		p.at[i] = (struct ports_pair){ -1, -1 };
	/* A port free for IPv4 may be taken for IPv6: then try another. */
	for (int tries = 0;; tries++) {
		error = open_both(&p, port, mark);
		if (!error)
			break;
		if (error != EADDRINUSE || port || tries == PORT_TRIES)
			return error;
	}
	*out = p;
	return 0;
}
