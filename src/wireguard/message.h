/*
 * message: the four datagrams of WireGuard, read and written.
 *
 * Knows layout only: nothing here encrypts, authenticates or remembers.  Every
 * size is exact.  Write after read gives back the same bytes.
 *
 * Source: WireGuard whitepaper §5.4.2 to §5.4.7.
 */
#ifndef POSTERN_WIREGUARD_MESSAGE_H
#define POSTERN_WIREGUARD_MESSAGE_H

#include "base/span.h"
#include "base/wr.h"

/* The first byte; three zero bytes follow it. */
enum message_type {
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE = 2,
	MESSAGE_COOKIE = 3,
	MESSAGE_DATA = 4,
};

enum {
	MESSAGE_KEY_LEN = 32,
	MESSAGE_TAG_LEN = 16,
	MESSAGE_MAC_LEN = 16,
	MESSAGE_TIMESTAMP_LEN = 12,
	MESSAGE_COOKIE_NONCE_LEN = 24,

	MESSAGE_INITIATION_LEN = 148,
	MESSAGE_RESPONSE_LEN = 92,
	MESSAGE_COOKIE_LEN = 64,
	MESSAGE_DATA_HEADER_LEN = 16,
	MESSAGE_DATA_LEN_MIN = 32, /* header and tag: a keepalive */
	MESSAGE_PADDING = 16, /* content of a data message is padded to it */
};

/*
 * What kind of message this is.  False when the first four bytes name none or
 * the length is not one that kind has: 148, 92, 64; data at least 32.  A data
 * message need not be a multiple of 16: senders cap the padding at their MTU.
 */
bool message_type(enum message_type *out, struct span datagram);

/* mac1 and mac2 stand last in an initiation and a response. */
struct message_macs {
	uint8_t mac1[MESSAGE_MAC_LEN];
	uint8_t mac2[MESSAGE_MAC_LEN];
};

struct message_initiation {
	uint32_t sender;
	uint8_t ephemeral[MESSAGE_KEY_LEN];
	uint8_t sealed_static[MESSAGE_KEY_LEN + MESSAGE_TAG_LEN];
	uint8_t sealed_timestamp[MESSAGE_TIMESTAMP_LEN + MESSAGE_TAG_LEN];
	struct message_macs macs;
};

struct message_response {
	uint32_t sender, receiver;
	uint8_t ephemeral[MESSAGE_KEY_LEN];
	uint8_t sealed_nothing[MESSAGE_TAG_LEN];
	struct message_macs macs;
};

struct message_cookie {
	uint32_t receiver;
	uint8_t nonce[MESSAGE_COOKIE_NONCE_LEN];
	uint8_t sealed_cookie[MESSAGE_MAC_LEN + MESSAGE_TAG_LEN];
};

/* 'sealed' borrows the datagram: ciphertext and tag. */
struct message_data {
	uint32_t receiver;
	uint64_t counter;
	struct span sealed;
};

/* False when type or length are wrong; *out is then untouched. */
bool message_initiation_read(struct message_initiation *out, struct span b);
bool message_response_read(struct message_response *out, struct span b);
bool message_cookie_read(struct message_cookie *out, struct span b);
bool message_data_read(struct message_data *out, struct span b);

void message_initiation_write(struct wr *w, const struct message_initiation *m);
void message_response_write(struct wr *w, const struct message_response *m);
void message_cookie_write(struct wr *w, const struct message_cookie *m);
/* How long a packet of n bytes is with its padding: a multiple of 16, but not
 * beyond the MTU (whitepaper §5.4.6). */
size_t message_data_padded(size_t n, size_t mtu);
/* The header alone; what is sealed stands behind it already. */
void message_data_header_write(struct wr *w, uint32_t receiver,
			       uint64_t counter);

#endif
