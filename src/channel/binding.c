#include "channel/binding.h"

#include <assert.h>
#include <string.h>

static const char binder_label[] = "postern/channel/v1";
static const char batch_label[] = "postern/batch/v1";

enum {
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
	HEAD_LEN = 5, /* role, round */
};

void binding_binder(struct sha512 *out, const struct binding *b)
{
	uint8_t head[HEAD_LEN];
	struct wr w = WR_ARRAY(head);

	wr_u8(&w, b->role == CHANNEL_CLIENT ? ROLE_CLIENT : ROLE_SERVER);
	wr_be32(&w, b->round);
	const struct span parts[] = {
		span_str(binder_label),
		SPAN_ARRAY(head),
		SPAN_ARRAY(b->exporter),
		SPAN_ARRAY(b->own_spki.b),
		SPAN_ARRAY(b->peer_spki.b),
		SPAN_ARRAY(b->peer_nonce),
		SPAN_ARRAY(b->claims.b),
	};
	sha512_parts(out, parts, sizeof(parts) / sizeof(parts[0]));
}

void channel_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			 const struct merkle_hash *root)
{
	const struct span parts[] = {
		span_str(batch_label),
		SPAN_ARRAY(root->b),
	};
	struct sha512 hash;

	static_assert(sizeof(hash.b) == QUOTE_REPORT_DATA_LEN);
	sha512_parts(&hash, parts, 2);
	memcpy(out, hash.b, QUOTE_REPORT_DATA_LEN);
}

void binding_psk_context(uint8_t out[BINDING_PSK_CONTEXT_LEN],
			 const uint8_t client_wg[32],
			 const uint8_t server_wg[32],
			 const uint8_t client_nonce[CHANNEL_NONCE_LEN],
			 const uint8_t server_nonce[CHANNEL_NONCE_LEN])
{
	memcpy(out, client_wg, 32);
	memcpy(out + 32, server_wg, 32);
	memcpy(out + 64, client_nonce, CHANNEL_NONCE_LEN);
	memcpy(out + 96, server_nonce, CHANNEL_NONCE_LEN);
}
