#include "edge/front.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

enum {
	MAPPED_BITS = 96, /* before the address of a mapped one */
	ADDRESS_BITS = 128,
};

static void map(uint8_t out[16], const void *in4)
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, in4, 4);
}

/* Reads the address; *bits: how many it has, *before: how many stand before
 * them in out. */
static bool parse_address(uint8_t out[16], unsigned *before, struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t in4[4];

	if (text.n == 0 || text.n >= sizeof(copy) ||
	    memchr(text.p, 0, text.n))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*before = 0;
	if (inet_pton(AF_INET6, copy, out) == 1)
		return true;
	if (inet_pton(AF_INET, copy, in4) != 1)
		return false;
	map(out, in4);
	*before = MAPPED_BITS;
	return true;
}

static bool has_bit(const uint8_t address[16], unsigned at)
{
	return address[at / 8] >> (7 - at % 8) & 1;
}

bool front_parse(struct front *out, struct span text)
{
	const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	struct front f = { .bits = ADDRESS_BITS };
	struct span address = text;
	unsigned before, i;
	uint64_t bits;

	if (slash)
		address.n = (size_t)(slash - text.p);
	if (!parse_address(f.address, &before, address))
		return false;
	if (slash) {
		if (!rd_skip(&text, address.n + 1) ||
		    !text_u64(&bits, text, ADDRESS_BITS - before))
			return false;
		f.bits = before + (unsigned)bits;
	}
	for (i = f.bits; i < ADDRESS_BITS; i++)
		if (has_bit(f.address, i))
			return false;
	*out = f;
	return true;
}

bool front_has(const struct front *f, const struct sock_addr *a)
{
	uint8_t address[16];
	unsigned i;

	if (a->sa.sa_family == AF_INET6)
		memcpy(address, &a->in6.sin6_addr, sizeof(address));
	else if (a->sa.sa_family == AF_INET)
		map(address, &a->in.sin_addr);
	else
		return false;
	for (i = 0; i < f->bits; i++)
		if (has_bit(address, i) != has_bit(f->address, i))
			return false;
	return true;
}
