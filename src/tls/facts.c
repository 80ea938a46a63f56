#include "tls/facts.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"

static void free_bio(BIO **b)
{
	(void)BIO_free(*b);
}

static void free_cert(X509 **x)
{
	X509_free(*x);
}

static void free_time(ASN1_TIME **t)
{
	ASN1_TIME_free(*t);
}

static bool copy_text(char out[FACTS_NAME_LEN], const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s), i;

	if (n <= 0 || n >= FACTS_NAME_LEN)
		return false;
	for (i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	memcpy(out, p, (size_t)n);
	out[n] = '\0';
	return true;
}

static void read_names(struct facts *f, const X509 *x)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int i, n = names ? sk_GENERAL_NAME_num(names) : 0;

	for (i = 0; i < n && f->name_count < FACTS_NAMES_MAX; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS &&
		    copy_text(f->names[f->name_count], g->d.dNSName))
			f->name_count++;
	}
	GENERAL_NAMES_free(names);
}

static void read_issuer(struct facts *f, const X509 *x)
{
	const X509_NAME *name = X509_get_issuer_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at >= 0)
		(void)copy_text(f->issuer, X509_NAME_ENTRY_get_data(
						   X509_NAME_get_entry(name,
								       at)));
}

/* Seconds since 1970. */
static bool read_time(int64_t *out, const ASN1_TIME *t)
{
	AUTO(free_time)
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;

	if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		return false;
	*out = (int64_t)days * 86400 + seconds;
	return true;
}

enum rc facts_read(struct facts *out, struct span chain_pem)
{
	AUTO(free_bio)
	BIO *in = NULL;
	AUTO(free_cert)
	X509 *x = NULL;
	struct facts f = { 0 };
	unsigned n = sizeof(f.fingerprint);

	if (chain_pem.n == 0 || chain_pem.n > INT_MAX)
		return RC_CRYPTO;
	in = BIO_new_mem_buf(chain_pem.p, (int)chain_pem.n);
	if (in)
		x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	if (!x || !read_time(&f.not_before, X509_get0_notBefore(x)) ||
	    !read_time(&f.not_after, X509_get0_notAfter(x)) ||
	    X509_digest(x, EVP_sha256(), f.fingerprint, &n) != 1) {
		ERR_clear_error();
		return RC_CRYPTO;
	}
	read_names(&f, x);
	read_issuer(&f, x);
	*out = f;
	return RC_OK;
}
