#include "tls/conn.h"

#include <assert.h>
#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"

struct record_half *tls_half(struct light *l, int is_ours)
{
	return is_ours ? &l->out : &l->in;
}

bool tls_conn_resume(struct tls_conn *c, const struct tickets *t,
		     const struct sha256 *scope)
{
	c->tickets = t;
	c->scope = *scope;
	return !c->ssl || tls_take_scope(c);
}

bool tls_take_scope(struct tls_conn *c)
{
	const struct sha256 *scope = &c->scope;

	/* libssl resumes no session of another context id. */
	static_assert(sizeof(scope->b) <= SSL_MAX_SID_CTX_LENGTH);
	if (!c->tickets ||
	    (SSL_set_session_id_context(c->ssl, scope->b, sizeof(scope->b)) ==
		     1 &&
	     SSL_set_num_tickets(c->ssl, 1) == 1))
		return true;
	ERR_clear_error();
	return false;
}

bool tls_conn_is_resumed(const struct tls_conn *c)
{
	return c->ssl ? SSL_session_reused(c->ssl) == 1 : c->is_resumed;
}

void tls_conn_be_light(struct tls_conn *c, struct engine *e)
{
	c->engine = e;
	c->light = mem_new(sizeof(*c->light));
}

bool tls_conn_is_light(const struct tls_conn *c)
{
	return c->is_light;
}

bool tls_conn_is_brief(const struct tls_conn *c)
{
	return c->is_brief;
}

/* The bytes up to the next space, which is taken, too. */
static struct span next_word(struct span *s)
{
	struct span word = *s;
	uint8_t c = 0;

	while (rd_u8(s, &c) && c != ' ')
		;
	word.n -= s->n + (c == ' ');
	return word;
}

/* One line of NSS's key log format: label, client random, secret in hex. */
void tls_see_secret(const SSL *ssl, const char *line)
{
	const struct tls_conn *c = SSL_get_app_data(ssl);
	struct span s = span_str(line), label, hex;
	struct record_half *half = NULL;

	if (!c->light)
		return;
	label = next_word(&s);
	(void)next_word(&s);
	hex = next_word(&s);
	if (span_equal_str(label, "CLIENT_TRAFFIC_SECRET_0"))
		half = &c->light->in;
	else if (span_equal_str(label, "SERVER_TRAFFIC_SECRET_0"))
		half = &c->light->out;
	/* Whatever else stands there: libssl carries on. */
	if (half && hex.n <= 2 * sizeof(half->secret) &&
	    text_hex_decode(half->secret, hex.n / 2, hex))
		half->secret_len = hex.n / 2;
}

static bool find_suite(enum engine_suite *out, const SSL *ssl)
{
	switch (SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl))) {
	case 0x1301: /* RFC 8446 §B.4 */
		*out = ENGINE_AES_128_GCM;
		return true;
	case 0x1302:
		*out = ENGINE_AES_256_GCM;
		return true;
	case 0x1303:
		*out = ENGINE_CHACHA20;
		return true;
	default:
		return false;
	}
}

/* Whether the client was promised records shorter than light's (RFC 6066 §4),
 * now or when its session began. */
static bool has_short_records(const SSL *ssl)
{
	return SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl)) !=
	       TLSEXT_max_fragment_length_DISABLED;
}

void tls_lighten(struct tls_conn *c)
{
	struct light *l = c->light;

	/* It has read no byte behind the handshake: it never reads ahead. */
	if (!l || !find_suite(&l->suite, c->ssl) || SSL_has_pending(c->ssl) ||
	    has_short_records(c->ssl) ||
	    !record_start(&l->in, l->suite, l->in.count) ||
	    !record_start(&l->out, l->suite, l->out.count))
		return;
	c->is_resumed = SSL_session_reused(c->ssl) == 1;
	SSL_free(c->ssl);
	c->ssl = NULL;
	c->is_light = true;
}

bool tls_keep_peer(struct tls_conn *c)
{
	const X509 *x;

	if (!c->asks_certificate || c->peer)
		return true;
	x = SSL_get0_peer_certificate(c->ssl);
	if (!x)
		return !c->needs_certificate;
	if (SSL_get_verify_result(c->ssl) != X509_V_OK)
		return false;
	c->peer = mem_new(sizeof(*c->peer));
	if (!tls_peer_read(c->peer, x))
		return false;
	c->peer->is_resumed = SSL_session_reused(c->ssl) == 1;
	return true;
}

/* Whether a client's certificate, verified when the session began, is still
 * within its time. */
static bool is_current(const X509 *x)
{
	return X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
}

SSL_TICKET_RETURN tls_take_session(SSL *ssl, SSL_SESSION *session,
				   const unsigned char *key_name, size_t n,
				   SSL_TICKET_STATUS status, void *arg)
{
	const struct tls_conn *c = SSL_get_app_data(ssl);
	const X509 *x;

	(void)key_name, (void)n, (void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	x = SSL_SESSION_get0_peer(session);
	if (x ? !is_current(x) : c->needs_certificate)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
					    : SSL_TICKET_RETURN_USE_RENEW;
}

static bool has_extension(SSL *ssl, unsigned type, struct span *body)
{
	const unsigned char *p;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, type, &p, &n) != 1)
		return false;
	*body = span_of(p, n);
	return true;
}

/* RFC 8446 §4.2.1 */
static bool offers_tls13(SSL *ssl)
{
	struct span body, list;
	uint16_t version;

	if (!has_extension(ssl, TLSEXT_TYPE_supported_versions, &body) ||
	    !rd_vec8(&body, &list))
		return false;
	while (rd_be16(&list, &version))
		if (version == TLS1_3_VERSION)
			return true;
	return false;
}

int tls_see_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls_conn *c = SSL_get_app_data(ssl);
	struct span body;

	(void)arg;
	if (!c->admits_tls12 || offers_tls13(ssl))
		return SSL_CLIENT_HELLO_SUCCESS;
	(void)SSL_set_options(ssl, SSL_OP_NO_TICKET);
	/* RFC 7627 §5.3: who does not want to serve without it aborts. */
	if (has_extension(ssl, TLSEXT_TYPE_extended_master_secret, &body))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = TLS_ALERT_HANDSHAKE_FAILURE;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool seal_with(const struct tickets_key *key, unsigned char *name,
		      unsigned char *iv, EVP_CIPHER_CTX *cipher,
		      EVP_MAC_CTX *mac, const EVP_CIPHER *aes)
{
	memcpy(name, key->name, sizeof(key->name));
	rng_bytes(iv, (size_t)EVP_CIPHER_get_iv_length(aes));
	return EVP_EncryptInit_ex2(cipher, aes, key->cipher.b, iv, NULL) == 1 &&
	       tls_ticket_mac(mac, &key->mac);
}

static bool open_with(const struct tickets_key *key, const unsigned char *iv,
		      EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
		      const EVP_CIPHER *aes)
{
	return EVP_DecryptInit_ex2(cipher, aes, key->cipher.b, iv, NULL) == 1 &&
	       tls_ticket_mac(mac, &key->mac);
}

static bool has_name(const struct tickets_key *key, const unsigned char *name)
{
	return span_equal(SPAN_ARRAY(key->name),
			  span_of(name, sizeof(key->name)));
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 not ours, 1 done, 2 done
 * and the client needs a new one, which in TLS 1.3 it always does. */
int tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
		   EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing)
{
	const struct tls_conn *c = SSL_get_app_data(ssl);
	const EVP_CIPHER *aes = c->context->ticket_cipher;
	const struct tickets *t = c->tickets;

	if (!t)
		return is_sealing ? -1 : 0;
	if (is_sealing)
		return seal_with(&t->now, name, iv, cipher, mac, aes) ? 1 : -1;
	if (has_name(&t->now, name))
		return open_with(&t->now, iv, cipher, mac, aes) ? 2 : -1;
	if (t->has_before && has_name(&t->before, name))
		return open_with(&t->before, iv, cipher, mac, aes) ? 2 : -1;
	return 0;
}
