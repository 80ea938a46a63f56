/*
 * hello_views: what three TLS stacks make of the same bytes.
 *
 * Standard input: cases, each a 32-bit big-endian length and as many bytes, a
 * client's stream up to there.  For each a line:
 *
 *   ours=DONE:name openssl=NAMED:name gnutls=NAMED:name
 *
 * ours: DONE MORE NOT_TLS MALFORMED TOO_LARGE OLD, as hello_feed() has it.  The
 * others are servers that stop once they know the client's name: NAMED, or MORE
 * (they want more bytes) or REFUSED.  The name is in hex; "-" is none.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sni/hello.h"

enum {
	CASE_MAX = 1 << 20,
	NAME_BYTES_MAX = 1024,
};

struct view {
	const char *what;
	uint8_t name[NAME_BYTES_MAX];
	size_t n;
	/* gnutls: what is left to read */
	struct span rest;
};

static void die(const char *what)
{
	fprintf(stderr, "hello_views: %s\n", what);
	exit(2);
}

static void set_name(struct view *v, const void *p, size_t n)
{
	v->what = "NAMED";
	v->n = n < sizeof(v->name) ? n : sizeof(v->name);
	if (v->n)
		memcpy(v->name, p, v->n);
}

static void print(const char *who, const struct view *v)
{
	printf("%s=%s:", who, v->what);
	for (size_t i = 0; i < v->n; i++)
		printf("%02x", v->name[i]);
	printf("%s", v->n ? " " : "- ");
}

/* Ours. */

static void look_ours(struct view *v, struct span stream)
{
	static const char *const names[] = {
		[HELLO_MORE] = "MORE",
		[HELLO_DONE] = "DONE",
		[HELLO_NOT_TLS] = "NOT_TLS",
		[HELLO_MALFORMED] = "MALFORMED",
		[HELLO_TOO_LARGE] = "TOO_LARGE",
		[HELLO_OLD] = "OLD",
	};
	struct hello_reader r;
	struct hello h = { 0 };
	enum hello_status s;

	hello_reader_init(&r);
	s = hello_feed(&r, &h, stream);
	if (s == HELLO_DONE)
		set_name(v, h.sni.p, h.sni.n);
	v->what = names[s];
	hello_reader_fini(&r);
}

/* OpenSSL. */

static int note_openssl(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)arg;
	set_name(SSL_get_app_data(ssl), name, name ? strlen(name) : 0);
	*alert = SSL_AD_USER_CANCELLED;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *openssl_context(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (!c)
		die("no OpenSSL");
	SSL_CTX_set_tlsext_servername_callback(c, note_openssl);
	return c;
}

static void look_openssl(struct view *v, SSL_CTX *context, struct span stream)
{
	SSL *ssl = SSL_new(context);
	BIO *in = BIO_new_mem_buf(stream.p, (int)stream.n);
	int result;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_app_data(ssl, v);
	SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
	v->what = "REFUSED";
	result = SSL_accept(ssl);
	if (strcmp(v->what, "NAMED") != 0 && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ)
		v->what = "MORE";
	ERR_clear_error();
	SSL_free(ssl);
}

/* GnuTLS. */

static void need(int result, const char *what)
{
	if (result < 0)
		die(what);
}

/* A certificate that fits what clients offer, or it would stop before. */
static gnutls_certificate_credentials_t gnutls_certificate(void)
{
	gnutls_certificate_credentials_t c;
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;

	need(gnutls_certificate_allocate_credentials(&c), "credentials");
	need(gnutls_x509_privkey_init(&key), "key");
	need(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
	     "key");
	need(gnutls_x509_crt_init(&cert), "certificate");
	need(gnutls_x509_crt_set_version(cert, 3), "version");
	need(gnutls_x509_crt_set_serial(cert, "\1", 1), "serial");
	need(gnutls_x509_crt_set_key(cert, key), "key");
	need(gnutls_x509_crt_set_activation_time(cert, time(NULL) - 3600), "time");
	need(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600), "time");
	need(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), "signature");
	need(gnutls_certificate_set_x509_key(c, &cert, 1, key), "pair");
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
	return c;
}

static int note_gnutls(gnutls_session_t s, unsigned type, unsigned when, unsigned incoming,
		       const gnutls_datum_t *message)
{
	struct view *v = gnutls_session_get_ptr(s);
	char name[NAME_BYTES_MAX];
	size_t n = sizeof(name);
	unsigned kind = GNUTLS_NAME_DNS;
	int result = gnutls_server_name_get(s, name, &n, &kind, 0);

	(void)type, (void)when, (void)incoming, (void)message;
	set_name(v, name, result == 0 ? strnlen(name, n) : 0);
	if (gnutls_server_name_get(s, name, &n, &kind, 1) == 0)
		v->what = "NAMED_TWICE";
	return GNUTLS_E_APPLICATION_ERROR_MAX; /* enough */
}

static ssize_t pull(gnutls_transport_ptr_t p, void *out, size_t n)
{
	struct view *v = p;
	struct span part;

	if (rd_end(&v->rest)) {
		errno = EAGAIN;
		return -1;
	}
	n = n < v->rest.n ? n : v->rest.n;
	if (!rd_n(&v->rest, &part, n))
		return -1;
	memcpy(out, part.p, n);
	return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t p, const void *data, size_t n)
{
	(void)p, (void)data;
	return (ssize_t)n;
}

static int wait_never(gnutls_transport_ptr_t p, unsigned ms)
{
	(void)ms;
	return !rd_end(&((struct view *)p)->rest);
}

static void look_gnutls(struct view *v, gnutls_certificate_credentials_t c, struct span stream)
{
	gnutls_session_t s;
	int result;

	v->rest = stream;
	v->what = "REFUSED";
	need(gnutls_init(&s, GNUTLS_SERVER | GNUTLS_NONBLOCK), "session");
	need(gnutls_set_default_priority(s), "priority");
	need(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c), "credentials");
	gnutls_session_set_ptr(s, v);
	gnutls_transport_set_ptr(s, v);
	gnutls_transport_set_pull_function(s, pull);
	gnutls_transport_set_push_function(s, push);
	gnutls_transport_set_pull_timeout_function(s, wait_never);
	gnutls_handshake_set_hook_function(s, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST,
					   note_gnutls);
	do
		result = gnutls_handshake(s);
	while (result == GNUTLS_E_AGAIN && !rd_end(&v->rest));
	if (strcmp(v->what, "REFUSED") == 0 && result == GNUTLS_E_AGAIN)
		v->what = "MORE";
	gnutls_deinit(s);
}

int main(void)
{
	gnutls_certificate_credentials_t gnutls = gnutls_certificate();
	SSL_CTX *openssl = openssl_context();
	uint8_t *bytes = mem_new(CASE_MAX);
	uint8_t head[4];

	while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
		struct view ours = { 0 }, theirs = { 0 }, others = { 0 };
		struct span s = SPAN_ARRAY(head), stream;
		uint32_t n = 0;

		if (!rd_be32(&s, &n) || n > CASE_MAX || fread(bytes, 1, n, stdin) != n)
			die("cases are a length and so many bytes");
		stream = span_of(bytes, n);
		look_ours(&ours, stream);
		look_openssl(&theirs, openssl, stream);
		look_gnutls(&others, gnutls, stream);
		print("ours", &ours);
		print("openssl", &theirs);
		print("gnutls", &others);
		putchar('\n');
	}
	free(bytes);
	SSL_CTX_free(openssl);
	gnutls_certificate_free_credentials(gnutls);
	return 0;
}
