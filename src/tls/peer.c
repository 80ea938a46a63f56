#include "tls/peer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"

static void free_bio(BIO **b)
{
	(void)BIO_free(*b); /* cannot fail on memory */
}

static void free_bytes(unsigned char **p)
{
	OPENSSL_free(*p);
}

static bool is_printable(const void *text, size_t n)
{
	struct span s = span_of(text, n);
	uint8_t c;

	while (rd_u8(&s, &c))
		if (c < 0x20 || c > 0x7e)
			return false;
	return true;
}

static void read_common_name(struct tls_peer *p, const X509_NAME *name)
{
	AUTO(free_bytes)
	unsigned char *text = NULL;
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1), n;

	if (at < 0 ||
	    X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
					       X509_NAME_get_entry(name, at)));
	if (n > 0 && n <= TLS_PEER_NAME_MAX && is_printable(text, (size_t)n))
		memcpy(p->common_name, text, (size_t)n);
}

static bool read_subject(struct tls_peer *p, const X509_NAME *name)
{
	AUTO(free_bio)
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (!b || X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) < 0)
		return false;
	n = BIO_get_mem_data(b, &text);
	if (n > 0 && n <= TLS_PEER_SUBJECT_MAX &&
	    is_printable(text, (size_t)n))
		memcpy(p->subject, text, (size_t)n);
	return true;
}

bool tls_peer_read(struct tls_peer *out, const X509 *certificate)
{
	const X509_NAME *name = X509_get_subject_name(certificate);
	struct tls_peer p = { 0 };
	unsigned n = sizeof(p.sha256);

	if (X509_digest(certificate, EVP_sha256(), p.sha256, &n) != 1 ||
	    !read_subject(&p, name)) {
		ERR_clear_error();
		return false;
	}
	read_common_name(&p, name);
	ERR_clear_error();
	*out = p;
	return true;
}
