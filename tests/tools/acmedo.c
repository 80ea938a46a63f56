/*
 * acmedo: one job of the ACME client against a real server, for tests.
 *
 *	acmedo [OPTION=VALUE]... JOB [ARGUMENT]...
 *
 * Options: directory=URL ca=FILE key=FILE state=FILE methods=A,B contact=MAIL
 * kid=K mac=BASE64URL issuer=CN profile=P replaces=CERT roots=FILE
 * challenges=URL (management of pebble-challtestsrv) proofs=FOLDER (where a
 * tls-alpn-01 certificate and its key go) certkey=FILE out=FILE
 * kill=N (end with status 9 before the Nth time something was to be done)
 *
 * Jobs: register, find, update, deactivate, key NEWKEY, order NAME...,
 * authorize NAME..., resume, revoke CERT REASON, revoke-as-owner CERT REASON,
 * revoke-foreign CERT REASON, renewal CERT.
 *
 * Keys are made where the file is missing.  State is stored whenever the
 * client asks for it.  Out: one line of JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "acme/client.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/fetch.h"
#include "io/file.h"
#include "json/jwrite.h"
#include "pki/pem.h"
#include "pki/proof.h"

enum {
	FILE_MAX = 1024 * 1024,
	KILLED = 9,
};

struct options {
	const char *directory, *ca, *key, *state, *methods, *contact, *kid, *mac;
	const char *issuer, *profile, *replaces, *roots, *challenges, *proofs;
	const char *certkey, *out, *kill;
};

static const struct {
	const char *name;
	size_t at;
} known[] = {
#define OPTION(name) \
	{ \
#name, offsetof(struct options, name) \
	}
	OPTION(directory),
	OPTION(ca),
	OPTION(key),
	OPTION(state),
	OPTION(methods),
	OPTION(contact),
	OPTION(kid),
	OPTION(mac),
	OPTION(issuer),
	OPTION(profile),
	OPTION(replaces),
	OPTION(roots),
	OPTION(challenges),
	OPTION(proofs),
	OPTION(certkey),
	OPTION(out),
	OPTION(kill),
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "acmedo: %s: %s\n", what, why);
	exit(2);
}

static bool read_option(struct options *o, const char *arg)
{
	const char *eq = strchr(arg, '=');

	for (size_t i = 0; eq && i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal_str(span_of(arg, (size_t)(eq - arg)), known[i].name)) {
			*(const char **)((char *)o + known[i].at) = eq + 1;
			return true;
		}
	return false;
}

static struct buf content(const char *path)
{
	struct buf b = { 0 };
	enum rc rc;

	buf_init(&b, FILE_MAX);
	rc = file_read(&b, path);
	if (rc)
		die(path, file_why(rc));
	return b;
}

static void store(const char *path, struct span bytes)
{
	if (file_replace(path, bytes, 0600) != RC_OK)
		die(path, strerror(errno));
}

static struct p256_private *key_of(const char *path)
{
	struct p256_private *k;
	struct buf pem;

	if (!path)
		die("key", "a file is needed");
	if (access(path, F_OK) != 0) {
		char *text;

		k = p256_private_generate();
		text = p256_private_to_pem(k);
		store(path, span_str(text));
		free(text);
		return k;
	}
	pem = content(path);
	if (p256_private_from_pem(&k, buf_span(&pem)) != RC_OK)
		die(path, "no P-256 key");
	buf_fini(&pem);
	return k;
}

/* The first certificate of a PEM file. */
static struct buf certificate_of(const char *path)
{
	struct buf pem = content(path), der = { 0 };
	struct certcheck_chain chain;

	if (certcheck_read(&chain, buf_span(&pem)) != CERTCHECK_OK)
		die(path, "no certificate");
	buf_init(&der, FILE_MAX);
	if (!buf_add(&der, chain.der[0]))
		die(path, "too large");
	certcheck_fini(&chain);
	buf_fini(&pem);
	return der;
}

static void read_methods(struct authz_methods *m, const char *list)
{
	struct span all = span_str(list ? list : "dns-01"), one;

	while (rd_until(&all, &one, ','))
		if (!challenge_type_of(&m->of[m->count++], one))
			die(list, "unknown method");
}

/* One request to the management of the challenge server. */
static void manage(const struct options *o, const char *what, const char *key_a, const char *a,
		   const char *key_b, const char *b)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	const struct fetch_options options = { 0 };
	char url[512], error[FETCH_ERROR_MAX];
	struct buf body = { 0 };
	struct jwrite j;

	if (!o->challenges)
		die("challenges", "needed");
	snprintf(url, sizeof(url), "%s%s", o->challenges, what);
	buf_init(&body, 4096);
	j = jwrite_to(&body);
	jwrite_object(&j, NULL);
	jwrite_str(&j, key_a, a);
	if (key_b)
		jwrite_str(&j, key_b, b);
	jwrite_end(&j);
	if (web_ask_init(&ask, WEB_POST, span_str(url), FILE_MAX) != RC_OK ||
	    web_ask_body(&ask, "application/json", buf_span(&body)) != RC_OK)
		die(url, "no request");
	buf_fini(&body);
	if (fetch(&answer, error, &ask, &options) != FETCH_OK || answer.status != 200)
		die(url, error);
}

static const char *token_of(const struct proof *p)
{
	return strrchr(p->where, '/') + 1;
}

/* Certificate and key in one file that is named after the server's name. */
static void write_proof(const struct options *o, const struct proof *p)
{
	struct p256_private *key = p256_private_generate();
	char *key_pem = p256_private_to_pem(key);
	const struct request_name name = name_request(&p->name);
	char path[1024], text[8192];
	struct wr w = WR_ARRAY(text);
	struct buf der = { 0 };
	time_t now = time(NULL);

	buf_init(&der, REQUEST_DER_MAX);
	if (!o->proofs ||
	    proof_make(&der, key, &name, &p->digest, now - 3600, now + 86400) != RC_OK)
		die("proof", "cannot be made");
	pem_encode(&w, PEM_CERTIFICATE, buf_span(&der));
	wr_str(&w, key_pem);
	snprintf(path, sizeof(path), "%s/%s.pem", o->proofs, p->where);
	store(path, wr_span(&w));
	buf_fini(&der);
	free(key_pem);
	p256_private_free(key);
}

static void show(const struct options *o, const struct proof *p)
{
	char host[PROOF_WHERE_MAX + 1];

	snprintf(host, sizeof(host), "%s.", p->where);
	switch (p->type) {
	case CHALLENGE_HTTP_01:
		manage(o, "/add-http01", "token", token_of(p), "content", p->value);
		break;
	case CHALLENGE_TLS_ALPN_01:
		write_proof(o, p);
		break;
	case CHALLENGE_DNS_01:
	case CHALLENGE_DNS_ACCOUNT_01:
		manage(o, "/set-txt", "host", host, "value", p->value);
		break;
	case CHALLENGE_DNS_PERSIST_01: /* is looked for, never written */
	case CHALLENGE_TYPES:
		break;
	}
}

static void hide(const struct options *o, const struct proof *p)
{
	char text[PROOF_WHERE_MAX + 1024];

	switch (p->type) {
	case CHALLENGE_HTTP_01:
		manage(o, "/del-http01", "token", token_of(p), NULL, NULL);
		break;
	case CHALLENGE_TLS_ALPN_01:
		snprintf(text, sizeof(text), "%s/%s.pem", o->proofs, p->where);
		unlink(text);
		break;
	case CHALLENGE_DNS_01:
	case CHALLENGE_DNS_ACCOUNT_01:
		snprintf(text, sizeof(text), "%s.", p->where);
		manage(o, "/clear-txt", "host", text, NULL, NULL);
		break;
	case CHALLENGE_DNS_PERSIST_01:
	case CHALLENGE_TYPES:
		break;
	}
}

static void save(const struct options *o, struct acme *a)
{
	struct buf state = { 0 };

	buf_init(&state, ACME_STATE_MAX);
	if (acme_save(a, &state) != RC_OK)
		die("state", "cannot be written");
	if (o->state)
		store(o->state, buf_span(&state));
	buf_fini(&state);
}

struct counts {
	unsigned asks, bad_nonces;
};

static void ask_it(const struct options *o, struct acme *a, struct counts *counts)
{
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	const struct fetch_options options = { .ca_file = o->ca };
	char error[FETCH_ERROR_MAX];
	bool is_there = fetch(&answer, error, acme_ask(a), &options) == FETCH_OK;

	counts->asks++;
	if (!is_there)
		fprintf(stderr, "acmedo: %s\n", error);
	else if (answer.status >= 400)
		fprintf(stderr, "acmedo: %s: %u %.*s\n", acme_ask(a)->url, answer.status,
			(int)answer.body.n, (const char *)buf_span(&answer.body).p);
	if (is_there && memmem(buf_span(&answer.body).p, answer.body.n, ":badNonce", 9))
		counts->bad_nonces++;
	acme_answer(a, is_there ? &answer : NULL, time(NULL));
}

static void step(const struct options *o, struct acme *a, enum acme_want want,
		 struct counts *counts)
{
	static const struct timespec pause = { .tv_nsec = 100'000'000 };

	switch (want) {
	case ACME_WANT_STORE:
		save(o, a);
		break;
	case ACME_WANT_ASK:
		ask_it(o, a, counts);
		break;
	case ACME_WANT_WAIT:
		nanosleep(&pause, NULL);
		break;
	case ACME_WANT_SHOW:
		for (size_t i = 0; i < acme_proof_count(a); i++)
			if (acme_proof(a, i)->state == PROOF_WANTED)
				show(o, acme_proof(a, i));
		for (size_t i = 0; i < acme_proof_count(a); i++)
			acme_shown(a, i);
		break;
	case ACME_WANT_HIDE:
		for (size_t i = 0; i < acme_proof_count(a); i++)
			hide(o, acme_proof(a, i));
		acme_hidden(a);
		break;
	case ACME_WANT_KEY:
		if (acme_use_certificate_key(a, key_of(o->certkey)) != RC_OK)
			die(o->certkey, "is not the certificate's key");
		break;
	case ACME_WANT_NOTHING:
		break;
	}
}

static void report(const struct options *o, const struct acme *a, const struct counts *counts)
{
	const struct acme_outcome *end = acme_outcome(a);
	const struct renewal_window *w = acme_window(a);
	struct buf text = { 0 };
	struct jwrite j;

	buf_init(&text, FILE_MAX);
	j = jwrite_to(&text);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "end", acme_end_name(end->end));
	jwrite_str(&j, "why", end->why);
	jwrite_str(&j, "problem", problem_name(end->problem.type));
	jwrite_str(&j, "cure", problem_cure_name(problem_cure_of(&end->problem)));
	jwrite_str(&j, "check", certcheck_name(end->check));
	jwrite_str(&j, "account", acme_account(a)->url);
	jwrite_str(&j, "status", account_status_name(acme_account(a)->status));
	jwrite_bool(&j, "hasOrder", acme_has_order(a));
	jwrite_number(&j, "asks", counts->asks);
	jwrite_number(&j, "badNonces", counts->bad_nonces);
	jwrite_number(&j, "chainBytes", acme_chain(a).n);
	if (w) {
		jwrite_number(&j, "windowStart", (uint64_t)w->start_at);
		jwrite_number(&j, "windowEnd", (uint64_t)w->end_at);
	}
	jwrite_end(&j);
	printf("%.*s\n", (int)text.n, (const char *)buf_span(&text).p);
	buf_fini(&text);
	if (acme_chain(a).n && o->out)
		store(o->out, acme_chain(a));
}

static enum rc begin_names(const struct options *o, struct acme *a, char **args, bool is_order)
{
	struct names *names = mem_new(sizeof(*names));
	struct order_wish w = { .names = names, .profile = o->profile };
	char id[ORDER_REPLACES_MAX] = { 0 };
	enum rc rc;

	for (; *args; args++)
		if (names_put(names, span_str(*args)) != RC_OK)
			die(*args, "no name");
	if (o->replaces) {
		struct buf der = certificate_of(o->replaces);
		struct web_cert c;

		if (web_parse(&c, buf_span(&der)) != RC_OK || !renewal_id(id, &c))
			die(o->replaces, "has no key identifier");
		buf_fini(&der);
		w.replaces = id;
	}
	rc = is_order ? acme_order(a, &w) : acme_authorize(a, names);
	free(names);
	return rc;
}

static enum rc begin_certificate(const struct options *o, struct acme *a, const char *job,
				 char **args)
{
	struct buf der;
	unsigned reason = 0;
	enum rc rc;

	if (!*args)
		die(job, "a certificate is needed");
	der = certificate_of(*args);
	if (args[1])
		reason = (unsigned)atoi(args[1]);
	if (strcmp(job, "renewal") == 0)
		rc = acme_ask_renewal(a, buf_span(&der));
	else if (strcmp(job, "revoke-foreign") == 0)
		rc = acme_revoke_foreign(a, buf_span(&der), reason);
	else if (strcmp(job, "revoke-as-owner") == 0)
		rc = acme_revoke(a, buf_span(&der), reason, key_of(o->certkey));
	else
		rc = acme_revoke(a, buf_span(&der), reason, NULL);
	buf_fini(&der);
	return rc;
}

static enum rc begin(const struct options *o, struct acme *a, const char *job, char **args)
{
	static const struct {
		const char *name;
		enum rc (*begin)(struct acme *a);
	} plain[] = {
		{ "register", acme_register },
		{ "find", acme_find },
		{ "update", acme_update },
		{ "deactivate", acme_deactivate },
		{ "resume", acme_resume },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(job, plain[i].name) == 0)
			return plain[i].begin(a);
	if (strcmp(job, "key") == 0)
		return acme_change_key(a, key_of(*args));
	if (strcmp(job, "order") == 0 || strcmp(job, "authorize") == 0)
		return begin_names(o, a, args, job[0] == 'o');
	return begin_certificate(o, a, job, args);
}

static struct acme *client(const struct options *o, struct path_roots *roots)
{
	static uint8_t mac[ACCOUNT_BINDING_KEY_MAX];
	struct acme_settings s = { .directory = o->directory, .agrees = true };
	struct acme *a = NULL;
	size_t mac_len = 0;

	if (o->contact)
		s.contacts[s.contact_count++] = o->contact;
	if (o->mac && !text_base64url_decode(mac, sizeof(mac), &mac_len, span_str(o->mac)))
		die("mac", "no base64url");
	s.binding_kid = o->kid;
	s.binding_key = span_of(mac, mac_len);
	s.issuer = o->issuer;
	read_methods(&s.methods, o->methods);
	if (o->roots) {
		struct buf pem = content(o->roots);

		if (path_roots_add_pem(roots, buf_span(&pem)) != RC_OK)
			die(o->roots, "no roots");
		buf_fini(&pem);
		s.roots = roots;
	}
	if (!o->directory || acme_new(&a, &s) != RC_OK)
		die("settings", "refused");
	if (o->state && access(o->state, F_OK) == 0) {
		struct buf state = content(o->state);

		if (acme_load(a, buf_span(&state)) != RC_OK)
			die(o->state, "refused");
		buf_fini(&state);
	}
	return a;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct path_roots *roots = path_roots_new();
	struct counts counts = { 0 };
	struct acme *a;
	enum acme_want want;
	enum rc rc;
	long left;
	int i = 1;

	while (i < argc && read_option(&o, argv[i]))
		i++;
	if (i == argc)
		die("usage", "acmedo [OPTION=VALUE]... JOB [ARGUMENT]...");
	left = o.kill ? atol(o.kill) : -1;
	a = client(&o, roots);
	acme_use_account_key(a, key_of(o.key));
	rc = begin(&o, a, argv[i], argv + i + 1);
	if (rc)
		die(argv[i], rc_name(rc));
	while ((want = acme_next(a, time(NULL))) != ACME_WANT_NOTHING) {
		if (want != ACME_WANT_WAIT && left-- == 0)
			_exit(KILLED);
		step(&o, a, want, &counts);
	}
	report(&o, a, &counts);
	rc = acme_outcome(a)->end == ACME_END_OK ? RC_OK : RC_DENIED;
	acme_free(a);
	path_roots_free(roots);
	return rc ? 1 : 0;
}
