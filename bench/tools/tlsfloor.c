/*
 * tlsfloor CHAIN KEY: what TLS alone costs a server, without a network, for
 * bench/edge: OpenSSL's own handshakes in memory, and its AES-128-GCM.
 *
 * Prints "full US resumed US gcm SECONDS_A_GB", CPU of the server's steps.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	HANDSHAKES = 1500,
	RECORD = 16 * 1024,
	RECORDS = 20000,
};

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(bool is_ok, const char *what)
{
	if (is_ok)
		return;
	fprintf(stderr, "tlsfloor: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static SSL *end_of(SSL_CTX *ctx, BIO *in, BIO *out)
{
	SSL *ssl = SSL_new(ctx);

	BIO_up_ref(in);
	BIO_up_ref(out);
	SSL_set_bio(ssl, in, out);
	return ssl;
}

/* CPU seconds of the server's part, its SSL object's making and end included. */
static double shake(SSL_CTX *server, SSL_CTX *client, SSL_SESSION **session)
{
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
	double begin = cpu(), took;
	SSL *s = end_of(server, up, down), *c;
	char byte;
	int i;

	SSL_set_accept_state(s);
	took = cpu() - begin;
	c = end_of(client, down, up);
	SSL_set_connect_state(c);
	if (*session)
		must(SSL_set_session(c, *session) == 1, "session");
	for (i = 0; i < 3; i++) {
		(void)SSL_do_handshake(c);
		begin = cpu();
		(void)SSL_do_handshake(s);
		took += cpu() - begin;
	}
	must(SSL_is_init_finished(s) && SSL_is_init_finished(c), "handshake");
	must(SSL_session_reused(s) == (*session != NULL), "reuse");
	(void)SSL_read(c, &byte, 1); /* the ticket */
	if (!*session)
		*session = SSL_get1_session(c);
	/* Without an end in order a session is not used again. */
	SSL_set_shutdown(c, SSL_SENT_SHUTDOWN);
	SSL_free(c);
	begin = cpu();
	SSL_free(s);
	took += cpu() - begin;
	BIO_free(up);
	BIO_free(down);
	ERR_clear_error();
	return took;
}

static double handshakes(SSL_CTX *server, SSL_CTX *client, bool is_resumed)
{
	SSL_SESSION *session = NULL, *fresh;
	double total = 0;
	int i;

	(void)shake(server, client, &session);
	for (i = 0; i < HANDSHAKES; i++) {
		fresh = NULL;
		total += shake(server, client, is_resumed ? &session : &fresh);
		SSL_SESSION_free(fresh);
	}
	SSL_SESSION_free(session);
	return total / HANDSHAKES * 1e6;
}

static double gcm(void)
{
	static unsigned char bytes[RECORD], iv[12], key[16];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	double begin;
	int i, n;

	must(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, iv) == 1, "init");
	begin = cpu();
	for (i = 0; i < RECORDS; i++) {
		iv[0] = (unsigned char)i;
		must(EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv) == 1 &&
			     EVP_EncryptUpdate(c, bytes, &n, bytes, RECORD) == 1 &&
			     EVP_EncryptFinal_ex(c, bytes, &n) == 1,
		     "encrypt");
	}
	EVP_CIPHER_CTX_free(c);
	return (cpu() - begin) / ((double)RECORD * RECORDS / 1e9);
}

int main(int argc, char **argv)
{
	char groups[] = "X25519"; /* libssl's macro takes no constant */
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	double full, resumed;

	if (argc != 3)
		return 2;
	must(SSL_CTX_use_certificate_chain_file(server, argv[1]) == 1 &&
		     SSL_CTX_use_PrivateKey_file(server, argv[2], SSL_FILETYPE_PEM) == 1,
	     "certificate");
	must(SSL_CTX_set_num_tickets(server, 1) == 1 &&
		     SSL_CTX_set1_groups_list(client, groups) == 1 &&
		     SSL_CTX_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256") == 1,
	     "settings");
	SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
	full = handshakes(server, client, false);
	resumed = handshakes(server, client, true);
	printf("full %.1f resumed %.1f gcm %.4f\n", full, resumed, gcm());
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	return 0;
}
