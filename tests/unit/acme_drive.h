/*
 * acme_drive: a caller of the ACME client in virtual time: it stores, shows and
 * waits as asked, and is killed and restarted on demand.
 */
#ifndef TESTS_UNIT_ACME_DRIVE_H
#define TESTS_UNIT_ACME_DRIVE_H

#include "acme_ca.h"

enum {
	DRIVE_START = 1'800'000'000,
	DRIVE_STEPS_MAX = 20'000,
};

struct drive {
	struct ca ca;
	struct acme *a;
	struct p256_private *key, *certificate_key;
	enum challenge_type method;
	const char *issuer;
	struct names names;
	struct buf stored; /* what would be on disk */
	int64_t now;
	int kill_in; /* steps until it is killed; negative: never */
	bool was_killed;
	/* trouble that the CA has from the nth request of a job on */
	enum ca_trouble trouble;
	uint32_t trouble_at, trouble_lasts, asked;
	bool cannot_show, shows_nothing;
	size_t shows;
};

/* The process begins: settings, keys and what was stored. */
static void drive_restart(struct drive *d)
{
	char directory[128];
	struct acme_settings s = {
		.directory = directory,
		.contacts = { "mailto:ops@example.org" },
		.contact_count = 1,
		.agrees = true,
		.methods = { .of = { d->method }, .count = 1 },
		.issuer = d->issuer,
	};

	snprintf(directory, sizeof(directory), "%s/directory", d->ca.base);
	acme_free(d->a);
	assert_int_equal(acme_new(&d->a, &s), RC_OK);
	acme_use_account_key(d->a, d->key);
	if (d->stored.n)
		assert_int_equal(acme_load(d->a, buf_span(&d->stored)), RC_OK);
}

static void drive_names(struct drive *d, const char *const names[])
{
	for (; *names; names++)
		assert_int_equal(names_put(&d->names, span_str(*names)), RC_OK);
}

static void drive_init_at(struct drive *d, enum challenge_type method, const char *base)
{
	memset(d, 0, sizeof(*d));
	d->now = DRIVE_START;
	d->kill_in = -1;
	d->trouble_at = UINT32_MAX;
	d->method = method;
	d->key = p256_private_generate();
	d->certificate_key = p256_private_generate();
	buf_init(&d->stored, ACME_STATE_MAX);
	ca_init(&d->ca, base, d->now);
	drive_restart(d);
}

[[maybe_unused]] static void drive_init(struct drive *d, enum challenge_type method)
{
	drive_init_at(d, method, "https://ca.example");
	d->trouble_at = 0;
}

static void drive_fini(struct drive *d)
{
	acme_free(d->a);
	p256_private_free(d->key);
	p256_private_free(d->certificate_key);
	buf_fini(&d->stored);
	ca_fini(&d->ca);
}

static void drive_ask(struct drive *d)
{
	struct web_answer answer = { 0 };

	if (d->trouble != CA_FINE && d->asked++ == d->trouble_at) {
		d->ca.trouble = d->trouble;
		d->ca.trouble_left = d->trouble_lasts;
	}
	d->now++;
	d->ca.now = d->now;
	if (ca_answer(&d->ca, acme_ask(d->a), &answer))
		acme_answer(d->a, &answer, d->now);
	else
		acme_answer(d->a, NULL, d->now);
	web_answer_fini(&answer);
}

static void drive_show(struct drive *d)
{
	for (size_t i = 0; i < acme_proof_count(d->a); i++) {
		const struct proof *p = acme_proof(d->a, i);

		if (d->cannot_show) {
			acme_not_shown(d->a, i, "no such zone");
			return;
		}
		if (p->state != PROOF_WANTED)
			continue;
		d->shows++;
		ca_hide(&d->ca, p); /* it may be there from before */
		if (!d->shows_nothing)
			ca_show(&d->ca, p);
	}
	for (size_t i = acme_proof_count(d->a); i-- > 0;)
		acme_shown(d->a, i);
}

/* What is to be done; false: the process was killed instead. */
static bool drive_step(struct drive *d, enum acme_want want)
{
	if (want != ACME_WANT_WAIT && d->kill_in >= 0 && d->kill_in-- == 0) {
		d->was_killed = true;
		drive_restart(d);
		return false;
	}
	switch (want) {
	case ACME_WANT_STORE:
		buf_reset(&d->stored);
		assert_int_equal(acme_save(d->a, &d->stored), RC_OK);
		break;
	case ACME_WANT_ASK:
		drive_ask(d);
		break;
	case ACME_WANT_WAIT:
		assert_true(acme_wait_until(d->a) > d->now);
		d->now = acme_wait_until(d->a);
		break;
	case ACME_WANT_SHOW:
		drive_show(d);
		break;
	case ACME_WANT_HIDE:
		for (size_t i = 0; i < acme_proof_count(d->a); i++)
			ca_hide(&d->ca, acme_proof(d->a, i));
		acme_hidden(d->a);
		break;
	case ACME_WANT_KEY:
		assert_int_equal(acme_use_certificate_key(d->a, d->certificate_key), RC_OK);
		break;
	case ACME_WANT_NOTHING:
		break;
	}
	return true;
}

/* The job to its end; ACME_END_NONE: killed on the way. */
static enum acme_end drive_run(struct drive *d)
{
	enum acme_want want;

	d->asked = 0;
	for (size_t i = 0; i < DRIVE_STEPS_MAX; i++) {
		want = acme_next(d->a, d->now);
		if (want == ACME_WANT_NOTHING) {
			assert_int_not_equal(acme_outcome(d->a)->end, ACME_END_NONE);
			return acme_outcome(d->a)->end;
		}
		if (!drive_step(d, want))
			return ACME_END_NONE;
	}
	fail_msg("the job has no end");
	return ACME_END_NONE;
}

static void drive_register(struct drive *d)
{
	const enum ca_trouble t = d->trouble;

	d->trouble = CA_FINE;
	assert_int_equal(acme_register(d->a), RC_OK);
	if (drive_run(d) != ACME_END_OK)
		assert_true(d->was_killed);
	d->trouble = t;
}

static enum acme_end drive_order(struct drive *d, const char *replaces)
{
	const struct order_wish w = { .names = &d->names, .replaces = replaces };

	assert_int_equal(acme_order(d->a, &w), RC_OK);
	return drive_run(d);
}

[[maybe_unused]] static enum acme_end drive_resume(struct drive *d)
{
	assert_int_equal(acme_resume(d->a), RC_OK);
	return drive_run(d);
}

/* What came is for our key and names, by libcrypto's reading. */
static void drive_check_chain(struct drive *d)
{
	struct span pem = acme_chain(d->a);
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key = pkey_private(d->certificate_key);
	GENERAL_NAMES *san;

	assert_non_null(x);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
	assert_int_equal(X509_verify(x, d->ca.key), 1);
	san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(san), d->names.count);
	for (size_t i = 0; i < d->names.count; i++) {
		const struct name *n = &d->names.of[i];

		if (n->is_ip)
			assert_int_equal(X509_check_ip(x, n->ip, n->ip_len, 0), 1);
		else
			assert_int_equal(X509_check_host(x, n->text, 0, 0, NULL), 1);
	}
	GENERAL_NAMES_free(san);
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(bio);
}

#endif
