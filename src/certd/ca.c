#include "certd/ca_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "evidence/legacy.h"
#include "io/file.h"
#include "pki/path.h"

enum {
	KEY_FILE_MAX = 1024,
	PEM_FILE_MAX = 1024 * 1024,
};

const char *ca_standing_name(enum ca_standing s)
{
	static const char *const names[] = {
		[CA_NEW] = "new",
		[CA_READY] = "ready",
		[CA_LOST] = "lost",
		[CA_ABSENT] = "absent",
	};

	return names[s];
}

/* ---- opening ---- */

static enum rc read_binding(struct buf *key, const struct config_binding *b,
			    char error[NODE_ERROR_MAX])
{
	AUTO(buf_wipe)
	struct buf text = { 0 };
	uint8_t mac[KEY_FILE_MAX];
	struct span s;
	size_t n;
	enum rc rc;

	buf_init(&text, KEY_FILE_MAX);
	rc = file_read(&text, b->key_file);
	s = buf_span(&text);
	while (!rc && s.n && s.p[s.n - 1] <= ' ')
		s.n--;
	if (!rc && (!text_base64url_decode(mac, sizeof(mac), &n, s) ||
		    !buf_add(key, span_of(mac, n))))
		rc = RC_MALFORMED;
	secret_wipe(mac, sizeof(mac));
	if (rc == RC_MALFORMED)
		error_set(error, "%s: expected base64url", b->key_file);
	else if (rc)
		error_set(error, "%s: %s", b->key_file, file_why(rc));
	return rc;
}

static enum rc read_roots(struct ca *ca, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	const char *path = ca->options.config->roots;
	enum rc rc;

	if (!path)
		return RC_OK;
	ca->roots = path_roots_new();
	buf_init(&pem, PEM_FILE_MAX);
	rc = file_read(&pem, path);
	if (!rc)
		rc = path_roots_add_pem(ca->roots, buf_span(&pem));
	if (rc)
		error_set(error, "%s: %s", path,
			  rc == RC_SYS ? file_why(rc) : "no certificates");
	return rc;
}

static enum rc make_client(struct ca *ca, char error[NODE_ERROR_MAX])
{
	const struct config_authority *c = ca->options.config;
	const enum challenge_type *ways = ca->options.challenges->items;
	AUTO(buf_wipe)
	struct buf binding = { 0 };
	struct acme_settings s = {
		.directory = c->directory,
		.contact_count = c->contacts.count,
		.agrees = c->agree,
		.binding_kid = c->binding.kid,
		.issuer = c->issuer,
		.roots = ca->roots,
		.methods.count = ca->options.challenges->count,
	};
	enum rc rc = RC_OK;

	buf_init(&binding, KEY_FILE_MAX);
	for (size_t i = 0; i < c->contacts.count; i++)
		s.contacts[i] = ((const char *const *)c->contacts.items)[i];
	for (size_t i = 0; i < s.methods.count; i++)
		s.methods.of[i] = ways[i];
	if (c->binding.kid)
		rc = read_binding(&binding, &c->binding, error);
	if (rc)
		return rc;
	s.binding_key = buf_span(&binding);
	rc = acme_new(&ca->client, &s);
	if (rc)
		error_set(error, "%s: %s", c->directory, rc_name(rc));
	return rc;
}

static enum rc load_state(struct ca *ca, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf state = { 0 };
	enum seal_reason reason;

	buf_init(&state, FORM_SECRET_MAX);
	reason = custody_get(ca->options.custody, ca->purpose, &state);
	ca->has_state = !reason;
	if (reason == SEAL_ABSENT)
		return RC_OK;
	if (!reason && acme_load(ca->client, buf_span(&state)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (!reason)
		return RC_OK;
	/* Not a reason to begin anew: what was there is pinned. */
	ca->standing = CA_LOST;
	error_set(error, "state of the account: %s", seal_reason_name(reason));
	return RC_OK;
}

static bool is_key(const struct jws_thumbprint *want,
		   const struct p256_private *key)
{
	struct jws_thumbprint got;
	struct p256_point at;

	p256_private_point(key, &at);
	jws_thumbprint(&got, &at);
	return strcmp(want->text, got.text) == 0;
}

/* The key is the one that the client's state has the account under. */
static bool is_of_account(const struct ca *ca, const struct p256_private *key)
{
	return is_key(&acme_account(ca->client)->key, key);
}

/* A crash came between the CA's taking of another key and ours. */
static bool load_next_key(struct ca *ca)
{
	const char *directory = ca->options.config->directory;
	struct p256_private *next = NULL;

	if (custody_account_next_get(ca->options.custody, &next, directory))
		return false;
	if (!is_of_account(ca, next)) {
		p256_private_free(next);
		return false;
	}
	p256_private_free(ca->key);
	ca->key = next;
	/* If it fails, the next start is here again. */
	(void)custody_account_changed(ca->options.custody, directory);
	return true;
}

static void load_key(struct ca *ca, char error[NODE_ERROR_MAX])
{
	enum seal_reason reason = custody_account(
		ca->options.custody, &ca->key, ca->options.config->directory);

	if (reason == SEAL_ABSENT && !ca->has_state)
		return;
	if (reason) {
		ca->standing = CA_LOST;
		error_set(error, "account key: %s", seal_reason_name(reason));
		return;
	}
	if (acme_account(ca->client)->key.text[0] &&
	    !is_of_account(ca, ca->key) && !load_next_key(ca)) {
		ca->standing = CA_LOST;
		error_set(error, "account key: not the one of the account");
		return;
	}
	acme_use_account_key(ca->client, ca->key);
}

enum rc ca_open(struct ca **out, const struct ca_options *o,
		char error[NODE_ERROR_MAX])
{
	struct ca *ca = mem_new(sizeof(*ca));
	enum rc rc;

	ca->options = *o;
	ca->standing = CA_NEW;
	error[0] = '\0';
	custody_purpose(ca->purpose, "acme", o->config->directory);
	rc = read_roots(ca, error);
	if (!rc)
		rc = make_client(ca, error);
	if (!rc)
		rc = load_state(ca, error);
	if (!rc && ca->standing != CA_LOST)
		load_key(ca, error);
	if (rc) {
		ca_close(ca);
		return rc;
	}
	*out = ca;
	return RC_OK;
}

void ca_close(struct ca *ca)
{
	if (!ca)
		return;
	acme_free(ca->client);
	p256_private_free(ca->key);
	p256_private_free(ca->next_key);
	p256_private_free(ca->certificate_key);
	path_roots_free(ca->roots);
	free(ca);
}

const struct config_authority *ca_config(const struct ca *ca)
{
	return ca->options.config;
}

struct acme *ca_client(struct ca *ca)
{
	return ca->client;
}

enum ca_standing ca_standing(const struct ca *ca)
{
	return ca->standing;
}

const struct p256_private *ca_key(const struct ca *ca)
{
	return ca->key;
}

size_t ca_issuers(const struct ca *ca, struct span out[DIRECTORY_ISSUERS_MAX])
{
	const struct directory *d = acme_directory(ca->client);

	for (size_t i = 0; d && i < d->issuer_count; i++)
		out[i] = span_str(d->issuer[i]);
	return d ? d->issuer_count : 0;
}

/* ---- the account ---- */

static enum ca_standing judge(struct ca *ca, char error[NODE_ERROR_MAX])
{
	const struct acme_outcome *o = acme_outcome(ca->client);
	const struct account *a = acme_account(ca->client);

	if (a->status == ACCOUNT_VALID && o->end == ACME_END_OK)
		return CA_READY;
	error_set(error, "%s: %s%s%s", acme_end_name(o->end), o->why,
		  o->problem.detail[0] ? ": " : "", o->problem.detail);
	switch (a->status) {
	case ACCOUNT_LOST:
	case ACCOUNT_REVOKED:
	case ACCOUNT_DEACTIVATED:
		return CA_LOST;
	case ACCOUNT_NONE:
	case ACCOUNT_VALID:
		break;
	}
	return o->end == ACME_END_ACCOUNT ? CA_LOST : CA_ABSENT;
}

/* Asks the CA.  Afterwards the client's key is ca->key, whatever failed. */
static enum rc put_under(struct ca *ca, struct p256_private *next,
			 char error[NODE_ERROR_MAX])
{
	const struct ca_help none = { 0 };
	enum rc rc = acme_change_key(ca->client, next);

	if (rc) {
		p256_private_free(next);
		error_set(error, "the account's key cannot be changed: %s",
			  rc_name(rc));
		return rc;
	}
	p256_private_free(ca->next_key); /* the client has another now */
	ca->next_key = next;
	rc = ca_drive(ca, &none, error);
	if (acme_outcome(ca->client)->end == ACME_END_OK) {
		p256_private_free(ca->key);
		ca->key = STEAL(ca->next_key);
		acme_use_account_key(ca->client, ca->key);
		return rc;
	}
	if (!rc)
		(void)judge(ca, error);
	return rc ? rc : RC_DENIED;
}

/* Sealed as the account's only after the CA and the client's state have it. */
static enum rc change_key(struct ca *ca, struct p256_private *next,
			  char error[NODE_ERROR_MAX])
{
	enum rc rc = put_under(ca, next, error);

	if (rc)
		return rc;
	rc = custody_account_changed(ca->options.custody,
				     ca->options.config->directory);
	if (rc)
		error_set(error, "account key: it could not be sealed");
	return rc;
}

/* A change that nobody finished: nothing else can be asked of the CA before it
 * has said which of the two keys counts. */
static enum ca_standing finish_change(struct ca *ca,
				      char error[NODE_ERROR_MAX])
{
	struct p256_private *next = NULL;
	enum seal_reason reason = custody_account_next_get(
		ca->options.custody, &next, ca->options.config->directory);

	if (reason || !is_key(&acme_account(ca->client)->next_key, next)) {
		p256_private_free(next);
		error_set(error, "account's next key: %s",
			  reason ? seal_reason_name(reason)
				 : "not the one that the CA was told");
		return CA_LOST;
	}
	if (!change_key(ca, next, error) ||
	    acme_outcome(ca->client)->end == ACME_END_OK)
		return CA_READY;
	return acme_outcome(ca->client)->end == ACME_END_ACCOUNT ? CA_LOST
								 : CA_ABSENT;
}

static enum ca_standing ask_for_account(struct ca *ca,
					char error[NODE_ERROR_MAX])
{
	const struct ca_help none = { 0 };
	bool was_known = acme_account(ca->client)->url[0] != '\0';
	enum rc rc;

	if (acme_key_change_pending(ca->client)) {
		const enum ca_standing s = finish_change(ca, error);

		if (s != CA_READY)
			return s;
	}
	rc = acme_register(ca->client);
	if (rc) { /* not in a state for it: lost, or deactivated */
		error_set(error, "the account is %s",
			  account_status_name(
				  acme_account(ca->client)->status));
		return CA_LOST;
	}
	rc = ca_drive(ca, &none, error);
	if (rc)
		return CA_ABSENT;
	if (judge(ca, error) != CA_READY)
		return judge(ca, error);
	if (!was_known)
		audit_event(ca->options.audit, "account_made",
			    { "directory",
			      span_str(ca->options.config->directory) },
			    { "url",
			      span_str(acme_account(ca->client)->url) });
	return CA_READY;
}

/* The quote is made once; a crash may have come before it. */
static enum rc quote(struct ca *ca, char error[NODE_ERROR_MAX])
{
	const char *url = acme_account(ca->client)->url;
	AUTO(buf_fini)
	struct buf there = { 0 };

	buf_init(&there, LEGACY_QUOTE_MAX);
	if (custody_account_quote_get(ca->options.custody, &there, url))
		return RC_OK;
	return custody_account_quote(ca->options.custody, url, error);
}

enum rc ca_forget(struct ca *ca, char error[NODE_ERROR_MAX])
{
	enum rc rc = custody_forget_account(ca->options.custody,
					    ca->options.config->directory,
					    ca->purpose, error);

	if (rc)
		return rc;
	acme_free(STEAL(ca->client));
	p256_private_free(STEAL(ca->key));
	ca->has_state = false;
	ca->standing = CA_NEW;
	return make_client(ca, error);
}

enum ca_standing ca_account(struct ca *ca, bool may_make,
			    char error[NODE_ERROR_MAX])
{
	if (ca->standing == CA_LOST) {
		if (!error[0])
			error_set(error, "the account is lost");
		return CA_LOST;
	}
	if (!ca->key) {
		if (!may_make) {
			error_set(error, "no account was made here");
			return ca->standing = CA_NEW;
		}
		if (custody_account_new(ca->options.custody, &ca->key,
					ca->options.config->directory, error))
			return ca->standing = CA_LOST;
		acme_use_account_key(ca->client, ca->key);
	}
	ca->standing = ask_for_account(ca, error);
	if (ca->standing == CA_READY && quote(ca, error))
		ca->standing = CA_ABSENT;
	return ca->standing;
}

/* The key to change to: not one that a change before has left behind. */
static enum rc next_key(struct ca *ca, struct p256_private **out,
			char error[NODE_ERROR_MAX])
{
	const char *directory = ca->options.config->directory;
	struct custody *c = ca->options.custody;
	enum rc rc = custody_account_next(c, out, directory, error);

	if (rc || !is_of_account(ca, *out))
		return rc;
	p256_private_free(STEAL(*out));
	rc = custody_account_changed(c, directory);
	if (rc)
		error_set(error, "account key: it could not be sealed");
	return rc ? rc : custody_account_next(c, out, directory, error);
}

enum rc ca_change_key(struct ca *ca, char error[NODE_ERROR_MAX])
{
	struct p256_private *next = NULL;
	enum rc rc = next_key(ca, &next, error);

	if (!rc)
		rc = change_key(ca, next, error);
	if (!rc)
		ca->standing = quote(ca, error) ? CA_ABSENT : CA_READY;
	return rc;
}
