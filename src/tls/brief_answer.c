#include "tls/brief_inside.h"

#include "base/mem.h"
#include "crypto/x25519.h"
#include "tls/identity.h"

/* RFC 8446 §4, §4.2; with the names it gives them. */
enum {
	SERVER_HELLO = 2,
	ENCRYPTED_EXTENSIONS = 8,
	CERTIFICATE_VERIFY = 15,

	APPLICATION_LAYER_PROTOCOL_NEGOTIATION = 16,
	PRE_SHARED_KEY = 41,
	SUPPORTED_VERSIONS = 43,
	KEY_SHARE = 51,

	VERSION_TLS13 = 0x0304,
	ECDSA_SECP256R1_SHA256 = 0x0403,
};

enum {
	/* Bytes of our ServerHello, with all it may have. */
	SERVER_HELLO_MAX = 160,
	/* ... and of what comes with the certificate: extensions, signature,
	 * Finished. */
	FLIGHT_EXTRA_MAX = 512,
};

static void write_extensions(const struct brief *b, struct wr *w,
			     const uint8_t share[32])
{
	struct wr_mark all = wr_open(w, 2);

	wr_be16(w, SUPPORTED_VERSIONS);
	wr_be16(w, 2);
	wr_be16(w, VERSION_TLS13);
	wr_be16(w, KEY_SHARE);
	wr_be16(w, 2 + 2 + 32);
	wr_be16(w, OFFER_X25519);
	wr_vec16(w, span_of(share, 32));
	if (b->is_resumed) {
		wr_be16(w, PRE_SHARED_KEY);
		wr_be16(w, 2);
		wr_be16(w, (uint16_t)b->psk_index);
	}
	wr_close(w, all);
}

/* ServerHello (§4.1.3) in a record of its own, in clear. */
static bool say_hello(struct brief *b, const struct offer *o,
		      const uint8_t share[32], struct buf *out)
{
	static const uint8_t ccs[] = { RECORD_CHANGE_CIPHER_SPEC, 3, 3, 0, 1,
				       1 };
	uint8_t bytes[SERVER_HELLO_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct wr_mark record, message;
	struct span all, said;

	wr_u8(&w, RECORD_HANDSHAKE);
	wr_be16(&w, RECORD_LEGACY_VERSION);
	record = wr_open(&w, 2);
	wr_u8(&w, SERVER_HELLO);
	message = wr_open(&w, 3);
	wr_be16(&w, RECORD_LEGACY_VERSION);
	wr_bytes(&w, SPAN_ARRAY(b->chance.random));
	wr_vec8(&w, o->session_id);
	wr_be16(&w, b->suite_code);
	wr_u8(&w, 0); /* no compression */
	write_extensions(b, &w, share);
	wr_close(&w, message);
	wr_close(&w, record);
	if (!wr_done(&w, &all) || !buf_add(out, all))
		return false;
	said = all;
	(void)rd_skip(&said, RECORD_HEADER_LEN);
	digest_add(&b->transcript, said);
	/* For middleboxes, if the client asked for it (§D.4). */
	return o->session_id.n == 0 || buf_add(out, SPAN_ARRAY(ccs));
}

/* Adds what was written since 'from' to the messages so far. */
static void hear_own(struct brief *b, const struct wr *w, size_t from)
{
	struct span said = wr_span(w);

	(void)rd_skip(&said, from);
	digest_add(&b->transcript, said);
}

static void write_encrypted_extensions(struct brief *b, struct wr *w)
{
	size_t from = w->n;
	struct wr_mark message, extensions, extension, list;

	wr_u8(w, ENCRYPTED_EXTENSIONS);
	message = wr_open(w, 3);
	extensions = wr_open(w, 2);
	if (b->alpn.n > 0) {
		wr_be16(w, APPLICATION_LAYER_PROTOCOL_NEGOTIATION);
		extension = wr_open(w, 2);
		list = wr_open(w, 2);
		wr_vec8(w, b->alpn);
		wr_close(w, list);
		wr_close(w, extension);
	}
	wr_close(w, extensions);
	wr_close(w, message);
	hear_own(b, w, from);
}

/* Certificate and CertificateVerify (§4.4.2, §4.4.3). */
static bool write_identity(struct brief *b, struct wr *w)
{
	const struct identity *identity = b->site.context->identity;
	uint8_t signature[IDENTITY_SIGNATURE_MAX];
	struct wr_mark message;
	size_t from = w->n, n;

	wr_bytes(w, identity_chain(identity));
	hear_own(b, w, from);
	if (!identity_sign(identity, signature, &n, &b->transcript))
		return false;
	from = w->n;
	wr_u8(w, CERTIFICATE_VERIFY);
	message = wr_open(w, 3);
	wr_be16(w, ECDSA_SECP256R1_SHA256);
	wr_vec16(w, span_of(signature, n));
	wr_close(w, message);
	hear_own(b, w, from);
	return true;
}

static void write_finished(struct brief *b, struct wr *w,
			   const struct record_half *half)
{
	uint8_t verify_data[DIGEST_MAX];
	size_t from = w->n, n = digest_len(b->transcript.kind);

	schedule_finished(verify_data, b->transcript.kind, half->secret,
			  &b->transcript);
	wr_u8(w, BRIEF_FINISHED);
	wr_vec24(w, span_of(verify_data, n));
	hear_own(b, w, from);
}

/* As few records as they fit in. */
static bool seal_all(struct brief *b, struct record_half *half, struct buf *out,
		     struct span all)
{
	struct span part;

	while (!rd_end(&all)) {
		size_t n = all.n < RECORD_PLAIN_MAX ? all.n : RECORD_PLAIN_MAX;

		if (!rd_n(&all, &part, n) ||
		    !record_seal(half, b->suite, b->site.engine, out,
				 RECORD_HANDSHAKE, part))
			return false;
	}
	return true;
}

/* All of ours that is encrypted, under 'half'. */
static bool say_flight(struct brief *b, struct record_half *half,
		       struct buf *out)
{
	size_t chain = b->is_resumed
			       ? 0
			       : identity_chain(b->site.context->identity).n;
	size_t max = chain + FLIGHT_EXTRA_MAX;
	uint8_t *bytes AUTO(mem_auto_free) = mem_new(max);
	struct wr w = wr_over(bytes, max);
	struct span all;

	write_encrypted_extensions(b, &w);
	if (!b->is_resumed && !write_identity(b, &w))
		return false;
	write_finished(b, &w, half);
	return wr_done(&w, &all) && seal_all(b, half, out, all);
}

/* A traffic secret of the schedule as it stands, and its keys. */
static bool derive_half(struct brief *b, struct record_half *half,
			const char *label)
{
	schedule_derive(&b->schedule, half->secret, label, &b->transcript);
	half->secret_len = digest_len(b->schedule.hash);
	return record_start(half, b->suite, 0);
}

/* The handshake's keys, what is said under them, then those of the data. */
static bool say_rest(struct brief *b, struct light *l, struct buf *out,
		     const struct key32 *shared)
{
	struct record_half half = { 0 };
	bool is_good;

	schedule_next(&b->schedule, SPAN_ARRAY(shared->b));
	is_good = derive_half(b, &b->in, "c hs traffic") &&
		  derive_half(b, &half, "s hs traffic") &&
		  say_flight(b, &half, out);
	secret_wipe(&half, sizeof(half));
	if (!is_good)
		return false;
	schedule_next(&b->schedule, span_of(NULL, 0));
	l->suite = b->suite;
	schedule_finished(b->finished, b->transcript.kind, b->in.secret,
			  &b->transcript);
	return derive_half(b, &l->in, "c ap traffic") &&
	       derive_half(b, &l->out, "s ap traffic");
}

bool brief_answer(struct brief *b, const struct brief_choice *c,
		  struct light *l, struct buf *out)
{
	enum digest_kind hash = record_hash(b->suite);
	uint8_t share[32];

	x25519_public(share, &b->chance.secret);
	if (!b->is_resumed)
		schedule_begin(&b->schedule, hash, span_of(NULL, 0));
	digest_init(&b->transcript, hash);
	digest_add(&b->transcript, c->message);
	return say_hello(b, &c->offer, share, out) &&
	       say_rest(b, l, out, &c->shared);
}
