/*
 * Our reading of a ClientHello beside libssl's.  Promised: whenever we route by
 * a hello and libssl gets as far as to name the server, the two names are the
 * same.  A difference would be a way around the routing.
 */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "sni/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct view {
	bool is_called;
	char name[512];
};

static int note_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct view *v = SSL_get_app_data(ssl);

	(void)alert, (void)arg;
	v->is_called = true;
	if (name)
		strncpy(v->name, name, sizeof(v->name) - 1);
	return SSL_TLSEXT_ERR_OK;
}

/* Made once a process; a fuzzer may keep it. */
static SSL_CTX *context(void)
{
	static SSL_CTX *kept;

	if (!kept) {
		kept = SSL_CTX_new(TLS_server_method());
		SSL_CTX_set_tlsext_servername_callback(kept, note_name);
	}
	return kept;
}

static void look(struct view *v, struct span stream)
{
	SSL *ssl = SSL_new(context());
	BIO *in = BIO_new_mem_buf(stream.p, (int)stream.n);

	BIO_set_mem_eof_return(in, -1);
	SSL_set_app_data(ssl, v);
	SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
	(void)SSL_accept(ssl);
	ERR_clear_error();
	SSL_free(ssl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view theirs = { .is_called = false };
	struct hello_reader r;
	struct hello ours;

	hello_reader_init(&r);
	if (n > 0 && hello_feed(&r, &ours, span_of(data, n)) == HELLO_DONE) {
		look(&theirs, span_of(data, n));
		if (theirs.is_called)
			assert(span_equal_str(ours.sni, theirs.name));
	}
	hello_reader_fini(&r);
	return 0;
}
