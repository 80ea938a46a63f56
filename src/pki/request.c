#include "pki/request.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/pkey.h"
#include "pki/san.h"

static void auto_req(X509_REQ **r)
{
	X509_REQ_free(*r);
}

static void auto_extensions(STACK_OF(X509_EXTENSION) * *list)
{
	sk_X509_EXTENSION_pop_free(*list, X509_EXTENSION_free);
}

/* Critical, since the subject is empty (RFC 5280 §4.2.1.6). */
static bool add_names(X509_REQ *r, GENERAL_NAMES *names)
{
	AUTO(auto_extensions)
	STACK_OF(X509_EXTENSION) *list = NULL;

	return X509V3_add1_i2d(&list, NID_subject_alt_name, names, 1,
			       X509V3_ADD_DEFAULT) == 1 &&
	       X509_REQ_add_extensions(r, list) == 1;
}

enum rc request_make(struct buf *der, const struct p256_private *key,
		     const struct request_name *names, size_t count)
{
	AUTO(auto_req)
	X509_REQ *r = X509_REQ_new();
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(key);
	AUTO(san_auto)
	GENERAL_NAMES *list = NULL;
	uint8_t *p = NULL;

	if (!count || count > REQUEST_NAMES_MAX)
		return RC_LIMIT;
	list = san_of(names, count);
	if (!list)
		return RC_MALFORMED;
	if (!r || !sign || X509_REQ_set_version(r, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(r, sign) != 1 || !add_names(r, list) ||
	    X509_REQ_sign(r, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	int n = i2d_X509_REQ(r, &p);
	return pkey_take_der(der, p, n);
}
