#include "quoting/sim_pki.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "io/file.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "quoting/say.h"

enum {
	DAY_S = 86400,
	YEAR_S = 365 * DAY_S,
	STATE_MAX = 64 * 1024,
	/* Certificates count from a little before they are made, for
	 * verifiers whose clock is behind. */
	BACKDATE_S = 3600,
	RENEW_BEFORE_S = 60 * DAY_S,
};

static const uint8_t fmspc[6] = { 'S', 'I', 'M', 0, 0, 0 };
/* SVNs of a platform in good order; sim_docs.c lists them as UpToDate. */
static const uint8_t components[16] = { 3, 3, 2, 2, 3, 1, 0, 5 };

#define ROOT_CRL_URL "https://simulated.invalid/root_ca.crl.der"
#define PCK_CRL_URL "https://simulated.invalid/pck.crl.der"

static const struct profile {
	const char *name;
	const char *crl_url;
	enum sim_cert issuer;
	enum issue_role role;
	int path_len;
	int years;
} profiles[SIM_CERT_COUNT] = {
	[SIM_CERT_ROOT] = {
		SIM_LABEL " SGX Root CA",
		ROOT_CRL_URL,
		SIM_CERT_ROOT,
		ISSUE_CA,
		1,
		30,
	},
	[SIM_CERT_CA] = {
		SIM_LABEL " SGX PCK Platform CA",
		ROOT_CRL_URL,
		SIM_CERT_ROOT,
		ISSUE_CA,
		0,
		15,
	},
	[SIM_CERT_SIGNER] = {
		SIM_LABEL " SGX TCB Signing",
		ROOT_CRL_URL,
		SIM_CERT_ROOT,
		ISSUE_END,
		0,
		7,
	},
	[SIM_CERT_PCK] = {
		SIM_LABEL " SGX PCK Certificate",
		PCK_CRL_URL,
		SIM_CERT_CA,
		ISSUE_END,
		0,
		7,
	},
};

const char *sim_pki_name(enum sim_cert c)
{
	return profiles[c].name;
}

void sim_key_auto(struct p256_private **k)
{
	p256_private_free(*k);
}

const struct p256_private *sim_pki_signer(const struct sim_pki *p,
					  enum sim_key key, bool by_stranger,
					  struct p256_private **stranger)
{
	if (!by_stranger)
		return p->key[key];
	*stranger = p256_private_generate();
	return *stranger;
}

/* n bytes that depend on the label and on the key. */
static void derive(void *out, size_t n, const char *label,
		   const struct p256_point *at)
{
	const struct span parts[] = { span_str(label), SPAN_ARRAY(at->xy) };
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	memcpy(out, h.b, n);
}

/* The platform's identity follows from its root key. */
static void describe(struct sim_pki *p, const struct sim_knobs_pki *k)
{
	struct issue_sgx *s = &p->platform;
	struct p256_point root;

	*s = (struct issue_sgx){
		.ppid = "SIM",
		.pce_svn = k->leaf_pce_svn ? k->leaf_pce_svn : 11,
		.pce_id = { k->leaf_pce_id },
		.sgx_type = 1,
		.is_dynamic = true,
		.has_smt = true,
	};
	p256_private_point(p->key[SIM_KEY_ROOT], &root);
	derive(s->ppid + 3, sizeof(s->ppid) - 3, "ppid", &root);
	derive(s->platform_instance_id, sizeof(s->platform_instance_id),
	       "instance", &root);
	memcpy(s->fmspc, fmspc, sizeof(fmspc));
	for (size_t i = 0; i < sizeof(components); i++)
		if (components[i] > k->leaf_component_drop)
			s->component[i] = (uint8_t)(components[i] -
						    k->leaf_component_drop);
	memcpy(s->cpu_svn, s->component, sizeof(s->cpu_svn));
}

/* How the knobs bend one certificate. */
struct bend {
	const char *name;
	const struct sim_validity *valid;
	bool role_differs, by_stranger;
};

static struct bend bend_of(const struct sim_knobs_pki *k, enum sim_cert c)
{
	switch (c) {
	case SIM_CERT_CA:
		return (struct bend){ k->ca_name, &k->ca_valid, k->ca_is_end,
				      k->ca_by_stranger };
	case SIM_CERT_SIGNER:
		return (struct bend){ k->signer_name, &k->signer_valid,
				      k->signer_is_ca, k->signer_by_stranger };
	case SIM_CERT_PCK:
		return (struct bend){ k->leaf_name, &k->leaf_valid,
				      k->leaf_is_ca, k->leaf_by_stranger };
	case SIM_CERT_ROOT:
	case SIM_CERT_COUNT:
		break;
	}
	return (struct bend){ NULL, &k->root_valid, false, false };
}

/* The subject a certificate has, bent or not. */
static const char *name_in(const struct sim_knobs_pki *k, enum sim_cert c)
{
	const char *bent = bend_of(k, c).name;

	return bent ? bent : profiles[c].name;
}

/* No two issued at different seconds share one; positive, full length. */
static void make_serial(uint8_t out[ISSUE_SERIAL_LEN], const char *subject,
			const struct p256_point *key, int64_t now)
{
	struct wr w = wr_over(out, 5);

	derive(out, ISSUE_SERIAL_LEN, subject, key);
	wr_u8(&w, 'S');
	wr_be32(&w, (uint32_t)now);
}

static void fill_validity(struct issue_certificate *c,
			  const struct sim_validity *bent, int years,
			  int64_t now)
{
	c->not_before = bent->to ? bent->from : now - BACKDATE_S;
	c->not_after = bent->to ? bent->to : now + years * (int64_t)YEAR_S;
}

static enum rc certify_one(struct sim_pki *p, const struct sim_knobs_pki *k,
			   enum sim_cert c, int64_t now)
{
	const struct profile *profile = &profiles[c];
	const struct bend b = bend_of(k, c);
	AUTO(sim_key_auto)
	struct p256_private *stranger = NULL;
	const struct p256_private *signer;
	uint8_t value[1024];
	struct wr sgx = WR_ARRAY(value);
	struct issue_certificate cert = {
		.subject = name_in(k, c),
		.issuer = name_in(k, profile->issuer),
		.role = profile->role,
		.path_len = profile->path_len,
		.crl_url = profile->crl_url,
	};

	if (b.role_differs)
		cert.role = cert.role == ISSUE_CA ? ISSUE_END : ISSUE_CA;
	if (c == SIM_CERT_PCK && !k->leaf_without_sgx) {
		issue_sgx(&sgx, &p->platform);
		cert.sgx = wr_span(&sgx);
		cert.sgx.n -= k->leaf_sgx_cut ? 1 : 0;
	}
	fill_validity(&cert, b.valid, profile->years, now);
	p256_private_point(p->key[c], &cert.key);
	p256_private_point(p->key[profile->issuer], &cert.issuer_key);
	make_serial(cert.serial, cert.subject, &cert.key, now);
	memcpy(p->serial[c], cert.serial, ISSUE_SERIAL_LEN);
	buf_fini(&p->cert[c]);
	buf_init(&p->cert[c], ISSUE_DER_MAX);
	signer = sim_pki_signer(p, (enum sim_key)profile->issuer, b.by_stranger,
				&stranger);
	return issue_certificate(&p->cert[c], &cert, signer);
}

enum rc sim_pki_certify(struct sim_pki *p, const struct sim_knobs *knobs,
			int64_t now)
{
	static const struct sim_knobs none = { 0 };
	const struct sim_knobs_pki *k = knobs ? &knobs->pki : &none.pki;

	describe(p, k);
	for (enum sim_cert c = 0; c < SIM_CERT_COUNT; c++) {
		enum rc rc = certify_one(p, k, c, now);
		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc sim_pki_generate(struct sim_pki *out, const struct sim_knobs *knobs,
			 int64_t now)
{
	AUTO(sim_pki_fini)
	struct sim_pki p = { 0 };

	for (size_t i = 0; i < SIM_KEY_COUNT; i++)
		p.key[i] = p256_private_generate();
	enum rc rc = sim_pki_certify(&p, knobs, now);
	if (rc)
		return rc;
	*out = p;
	p = (struct sim_pki){ 0 };
	return RC_OK;
}

void sim_pki_fini(struct sim_pki *p)
{
	for (size_t i = 0; i < SIM_KEY_COUNT; i++)
		p256_private_free(p->key[i]);
	for (size_t i = 0; i < SIM_CERT_COUNT; i++)
		buf_fini(&p->cert[i]);
	*p = (struct sim_pki){ 0 };
}

void sim_pki_anchor(struct tee_anchor *out, const struct sim_pki *p)
{
	*out = (struct tee_anchor){
		.label = "simulated",
		.is_simulated = true,
	};
	p256_private_point(p->key[SIM_KEY_ROOT], &out->key);
}

enum rc sim_pki_pem(struct buf *pem, const struct sim_pki *p, enum sim_cert c)
{
	uint8_t text[2 * CERT_MAX];
	struct wr w = WR_ARRAY(text);
	struct span all;

	pem_encode(&w, PEM_CERTIFICATE, buf_span(&p->cert[c]));
	return wr_done(&w, &all) && buf_add(pem, all) ? RC_OK : RC_LIMIT;
}

/* The state file: the keys, then the certificates, each in the enum's order. */

static enum rc state_write(const struct sim_pki *p, const char *path)
{
	AUTO(buf_wipe)
	struct buf text = { 0 };
	enum rc rc = RC_OK;

	buf_init(&text, STATE_MAX);
	for (size_t i = 0; !rc && i < SIM_KEY_COUNT; i++) {
		char *pem = p256_private_to_pem(p->key[i]);
		rc = buf_add(&text, span_str(pem)) ? RC_OK : RC_LIMIT;
		secret_wipe(pem, strlen(pem));
		free(pem);
	}
	for (enum sim_cert c = 0; !rc && c < SIM_CERT_COUNT; c++)
		rc = sim_pki_pem(&text, p, c);
	return rc ? rc : file_replace(path, buf_span(&text), 0600);
}

/* Takes one PEM block, up to the end of its last line. */
static bool rd_pem(struct span *text, struct span *block)
{
	struct span rest = *text, line;

	while (rd_until(&rest, &line, '\n'))
		if (span_has_prefix(line, span_str("-----END ")))
			return rd_n(text, block, text->n - rest.n);
	return false;
}

static enum rc take_cert(struct buf *der, struct span block)
{
	uint8_t bytes[CERT_MAX];
	struct wr room = WR_ARRAY(bytes);
	struct span cert;
	enum rc rc = pem_decode(&cert, 1, &room, PEM_CERTIFICATE, block);

	if (rc)
		return rc;
	return buf_add(der, cert) ? RC_OK : RC_LIMIT;
}

static enum rc state_parse(struct sim_pki *p, struct span text)
{
	struct span block;
	enum rc rc;

	for (size_t i = 0; i < SIM_KEY_COUNT; i++) {
		if (!rd_pem(&text, &block))
			return RC_MALFORMED;
		rc = p256_private_from_pem(&p->key[i], block);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < SIM_CERT_COUNT; i++) {
		buf_init(&p->cert[i], ISSUE_DER_MAX);
		if (!rd_pem(&text, &block))
			return RC_MALFORMED;
		rc = take_cert(&p->cert[i], block);
		if (rc)
			return rc;
	}
	return rd_end(&text) ? RC_OK : RC_MALFORMED;
}

/* Fills what is not kept in the file; false: a certificate is due. */
static bool state_settle(struct sim_pki *p, int64_t now)
{
	static const struct sim_knobs_pki none = { 0 };
	struct cert cert;
	struct p256_point key;

	describe(p, &none);
	for (size_t i = 0; i < SIM_CERT_COUNT; i++) {
		if (cert_parse(&cert, buf_span(&p->cert[i])) ||
		    cert.serial.n != ISSUE_SERIAL_LEN)
			return false;
		p256_private_point(p->key[i], &key);
		if (!span_equal(SPAN_ARRAY(key.xy), SPAN_ARRAY(cert.key.xy)) ||
		    cert.not_before > now ||
		    cert.not_after < now + RENEW_BEFORE_S)
			return false;
		memcpy(p->serial[i], cert.serial.p, ISSUE_SERIAL_LEN);
	}
	return true;
}

/* RC_OK, or as sim_pki_open; *out is changed on success only. */
static enum rc state_read(struct sim_pki *out, bool *is_due, struct span text,
			  int64_t now)
{
	AUTO(sim_pki_fini)
	struct sim_pki p = { 0 };
	enum rc rc = state_parse(&p, text);

	if (rc)
		return rc;
	*is_due = !state_settle(&p, now);
	if (*is_due)
		rc = sim_pki_certify(&p, NULL, now);
	if (rc)
		return rc;
	*out = p;
	p = (struct sim_pki){ 0 };
	return RC_OK;
}

enum rc sim_pki_open(struct sim_pki *out, const char *folder, int64_t now,
		     char error[256])
{
	AUTO(sim_pki_fini)
	struct sim_pki p = { 0 };
	AUTO(buf_wipe)
	struct buf text = { 0 };
	char path[PATH_MAX];
	bool is_due = true;
	enum rc rc;

	buf_init(&text, STATE_MAX);
	rc = say_path(path, folder, NULL, "platform.pem");
	if (!rc)
		rc = file_make_dirs(folder, 0755);
	if (!rc)
		rc = file_read(&text, path);
	if (!rc)
		rc = state_read(&p, &is_due, buf_span(&text), now);
	else if (rc == RC_SYS && errno == ENOENT)
		rc = sim_pki_generate(&p, NULL, now);
	if (!rc && is_due)
		rc = state_write(&p, path);
	if (rc == RC_SYS)
		say(error, "%s/platform.pem: %m", folder);
	else if (rc)
		say(error, "%s/platform.pem: not a platform of ours", folder);
	if (rc)
		return rc;
	*out = p;
	p = (struct sim_pki){ 0 };
	return RC_OK;
}
