/*
 * sock: addresses and sockets, non-blocking and close-on-exec at birth.
 */
#ifndef POSTERN_IO_SOCK_H
#define POSTERN_IO_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

/* An IPv4, IPv6 or unix socket address. */
struct sock_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/*
 * "192.0.2.1:443", "[2001:db8::1]:443" or "unix:/path".  No names are
 * resolved.  False when the text is none of these.
 */
bool sock_addr_parse(struct sock_addr *out, struct span text);
/* The same forms, written. */
void sock_addr_write(struct wr *w, const struct sock_addr *a);
/* Makes an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) the IPv4 one it is. */
void sock_addr_unmap(struct sock_addr *a);
bool sock_addr_equal(const struct sock_addr *a, const struct sock_addr *b);

/* RC_SYS with errno; *fd is -1 then.  A stale unix socket file is replaced. */
enum rc sock_listen(int *fd, const struct sock_addr *at, int backlog);
/*
 * The same, 'count' times at one TCP address: the kernel spreads connections
 * over them (SO_REUSEPORT).  Somebody else's listener there is EADDRINUSE, as
 * it is without.  All of fds[], or none.
 */
enum rc sock_listen_group(int *fds, size_t count, const struct sock_addr *at,
			  int backlog);
/* One more for such a group. */
enum rc sock_listen_more(int *fd, const struct sock_addr *at, int backlog);
/*
 * RC_CLOSED: nobody waits (EAGAIN).  RC_SYS otherwise.  The peer of a socket
 * for both versions of IP is as sock_addr_unmap() has it.
 */
enum rc sock_accept(int *fd, struct sock_addr *peer, int listen_fd);
/* Starts connecting; the result comes as EPOLLOUT and sock_error(). */
enum rc sock_connect(int *fd, const struct sock_addr *to);
/*
 * The same for who has something to say first: these bytes carry the
 * handshake's last acknowledgement, one packet less.  Between sockets of one
 * machine the connection stands at once, and what of 'first' could be sent
 * then is *sent.  With *sent == 0 it is as after sock_connect().  'first' may
 * be empty.  A refusal that is known by then is RC_SYS, too.
 */
enum rc sock_connect_eager(int *fd, const struct sock_addr *to,
			   struct span first, size_t *sent);
/* Takes SO_ERROR: 0 or an errno. */
int sock_error(int fd);
enum rc sock_udp(int *fd, const struct sock_addr *at);
/*
 * One more datagram socket at the address of 'other', an IP one, which from now
 * on shares it (SO_REUSEPORT): also with any other program of this user that
 * asks for that.  RC_SYS.
 */
enum rc sock_udp_beside(int *fd, int other);

/*
 * The listening socket number 'index' that a supervisor handed over by
 * systemd's protocol (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)).
 */
enum rc sock_inherited(int *fd, unsigned index);

#endif
