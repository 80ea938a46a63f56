#include "tls/terms.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tls/conn.h"

enum {
	DEPTH_MAX = 4, /* certificates between a client's and an anchor */
};

struct tls_terms {
	bool admits_tls12;
	bool is_certificate_required;
	X509_STORE *anchors; /* NULL: no certificate is asked for */
	STACK_OF(X509_NAME) * names; /* of the anchors, told to clients */
};

void tls_terms_free(struct tls_terms *t)
{
	if (!t)
		return;
	X509_STORE_free(t->anchors);
	sk_X509_NAME_pop_free(t->names, X509_NAME_free);
	free(t);
}

static void terms_auto(struct tls_terms **t)
{
	tls_terms_free(*t);
}

static void name_auto(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static bool add_anchor(void *arg, X509 *x)
{
	struct tls_terms *t = arg;
	X509_NAME *name AUTO(name_auto) =
		X509_NAME_dup(X509_get_subject_name(x));

	if (!name || X509_STORE_add_cert(t->anchors, x) != 1 ||
	    sk_X509_NAME_push(t->names, name) <= 0)
		return false;
	name = NULL;
	return true;
}

static bool read_anchors(struct tls_terms *t, struct span pem)
{
	t->anchors = X509_STORE_new();
	t->names = sk_X509_NAME_new_null();
	return t->anchors && t->names &&
	       X509_STORE_set_flags(t->anchors, X509_V_FLAG_PARTIAL_CHAIN) ==
		       1 &&
	       tls_each_certificate(pem, add_anchor, t) &&
	       sk_X509_NAME_num(t->names) > 0;
}

enum rc tls_terms_new(struct tls_terms **out,
		      const struct tls_terms_options *options,
		      char error[TLS_ERROR_MAX])
{
	struct tls_terms *t AUTO(terms_auto) = mem_new(sizeof(*t));

	ERR_clear_error();
	t->admits_tls12 = options->admits_tls12;
	t->is_certificate_required = options->is_certificate_required;
	if (options->client_ca_pem.n > 0 &&
	    !read_anchors(t, options->client_ca_pem)) {
		tls_drain_errors(error, "no certificate");
		return RC_CRYPTO;
	}
	*out = STEAL(t);
	return RC_OK;
}

static bool ask_certificate(struct tls_conn *c, const struct tls_terms *t)
{
	int mode = SSL_VERIFY_PEER;
	STACK_OF(X509_NAME) * names;

	if (t->is_certificate_required)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_set_verify(c->ssl, mode, NULL);
	SSL_set_verify_depth(c->ssl, DEPTH_MAX);
	SSL_set_max_cert_list(c->ssl, TLS_PEER_CERT_MAX);
	names = SSL_dup_CA_list(t->names);
	if (!names || SSL_set1_verify_cert_store(c->ssl, t->anchors) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	SSL_set0_CA_list(c->ssl, names);
	return true;
}

bool tls_conn_agree(struct tls_conn *c, const struct tls_terms *t)
{
	c->admits_tls12 = t->admits_tls12;
	c->asks_certificate = t->anchors != NULL;
	c->needs_certificate = t->anchors && t->is_certificate_required;
	if (!t->admits_tls12 && !t->anchors)
		return true;
	if (!tls_to_libssl(c))
		return false;
	if ((!t->admits_tls12 ||
	     SSL_set_min_proto_version(c->ssl, TLS1_2_VERSION) == 1) &&
	    (!t->anchors || ask_certificate(c, t)))
		return true;
	ERR_clear_error();
	return false;
}
