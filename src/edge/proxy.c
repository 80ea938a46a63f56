#include "edge/proxy.h"

#include <arpa/inet.h>

/* proxy-protocol.txt §2.2 */
enum {
	VERSION_LOCAL = 0x20,
	VERSION_PROXY = 0x21,
	FAMILY_NONE = 0x00,
	FAMILY_TCP4 = 0x11,
	FAMILY_TCP6 = 0x21,
	LEN_TCP4 = 12,
	LEN_TCP6 = 36,
};

static const uint8_t SIGNATURE[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
				     0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

static void write_tcp4(struct wr *w, const struct sockaddr_in *from,
		       const struct sockaddr_in *to)
{
	wr_u8(w, VERSION_PROXY);
	wr_u8(w, FAMILY_TCP4);
	wr_be16(w, LEN_TCP4);
	wr_bytes(w, span_of(&from->sin_addr, sizeof(from->sin_addr)));
	wr_bytes(w, span_of(&to->sin_addr, sizeof(to->sin_addr)));
	wr_be16(w, ntohs(from->sin_port));
	wr_be16(w, ntohs(to->sin_port));
}

static void write_tcp6(struct wr *w, const struct sockaddr_in6 *from,
		       const struct sockaddr_in6 *to)
{
	wr_u8(w, VERSION_PROXY);
	wr_u8(w, FAMILY_TCP6);
	wr_be16(w, LEN_TCP6);
	wr_bytes(w, span_of(&from->sin6_addr, sizeof(from->sin6_addr)));
	wr_bytes(w, span_of(&to->sin6_addr, sizeof(to->sin6_addr)));
	wr_be16(w, ntohs(from->sin6_port));
	wr_be16(w, ntohs(to->sin6_port));
}

void proxy_write(struct wr *w, const struct sock_addr *from,
		 const struct sock_addr *to)
{
	wr_bytes(w, SPAN_ARRAY(SIGNATURE));
	if (from->sa.sa_family == to->sa.sa_family) {
		if (from->sa.sa_family == AF_INET) {
			write_tcp4(w, &from->in, &to->in);
			return;
		}
		if (from->sa.sa_family == AF_INET6) {
			write_tcp6(w, &from->in6, &to->in6);
			return;
		}
	}
	wr_u8(w, VERSION_LOCAL);
	wr_u8(w, FAMILY_NONE);
	wr_be16(w, 0);
}
