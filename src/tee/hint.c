#include "tee/hint.h"

#include <string.h>

#include "pki/cert.h"
#include "pki/pem.h"
#include "tee/pck.h"

enum {
	CHAIN_LEN = 3,
	PEM_CHAIN = 5, /* certification data type */
};

/* Whether this certificate names a platform, and which. */
static bool fmspc_in(uint8_t fmspc[FMSPC_LEN], struct span der)
{
	struct pck_info pck;
	struct cert cert;

	if (cert_parse(&cert, der) || !pck_parse(&pck, cert.sgx))
		return false;
	memcpy(fmspc, pck.fmspc, FMSPC_LEN);
	return true;
}

/* The certificates of a quote, in their order; they are written to room. */
static bool read_chain(struct span certs[CHAIN_LEN], struct wr *room,
		       const struct quote *quote)
{
	return quote->certification_type == PEM_CHAIN &&
	       !pem_decode(certs, CHAIN_LEN, room, PEM_CERTIFICATE,
			   quote->certification_data);
}

bool hint_fmspc(uint8_t fmspc[FMSPC_LEN], const struct quote *quote)
{
	uint8_t der[CHAIN_LEN * CERT_MAX];
	struct wr room = WR_ARRAY(der);
	struct span certs[CHAIN_LEN];

	if (!read_chain(certs, &room, quote))
		return false;
	for (size_t i = 0; i < CHAIN_LEN; i++)
		if (fmspc_in(fmspc, certs[i]))
			return true;
	return false;
}

bool hint_processor_ca(const struct quote *quote)
{
	uint8_t der[CHAIN_LEN * CERT_MAX];
	struct wr room = WR_ARRAY(der);
	struct span certs[CHAIN_LEN];
	struct cert cert;

	if (!read_chain(certs, &room, quote))
		return false;
	for (size_t i = 0; i < CHAIN_LEN; i++)
		if (!cert_parse(&cert, certs[i]) && cert.is_ca &&
		    cert_name_has(&cert, "Processor CA"))
			return true;
	return false;
}
