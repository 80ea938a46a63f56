#include "acme/flow.h"

#include <string.h>

#include "base/mem.h"

static void thumbprint(struct jws_thumbprint *out, const struct p256_private *k)
{
	struct p256_point at;

	p256_private_point(k, &at);
	jws_thumbprint(out, &at);
}

static bool is_key(const struct jws_thumbprint *want,
		   const struct p256_private *k)
{
	struct jws_thumbprint got;

	thumbprint(&got, k);
	return strcmp(got.text, want->text) == 0;
}

enum rc flow_start(struct acme *a, bool needs_account)
{
	if (a->step != STEP_END || !a->key)
		return RC_DENIED;
	if (a->account.key.text[0] && !is_key(&a->account.key, a->key))
		return RC_DENIED;
	if (needs_account && (a->account.status != ACCOUNT_VALID ||
			      a->account.next_key.text[0]))
		return RC_DENIED;
	a->outcome = (struct acme_outcome){ 0 };
	a->wait_until = 0;
	a->is_order = false;
	return RC_OK;
}

static enum rc begin_find(struct acme *a, enum step step)
{
	enum rc rc = flow_start(a, false);

	if (rc)
		return rc;
	if (a->account.status == ACCOUNT_LOST ||
	    a->account.status == ACCOUNT_DEACTIVATED ||
	    a->account.next_key.text[0])
		return RC_DENIED;
	/* The key counts from here on, even if we never learn the answer. */
	if (!a->account.key.text[0]) {
		thumbprint(&a->account.key, a->key);
		a->is_changed = true;
	}
	flow_go(a, a->account.url[0] ? STEP_FIND : step);
	return RC_OK;
}

enum rc acme_register(struct acme *a)
{
	return begin_find(a, STEP_REGISTER);
}

enum rc acme_find(struct acme *a)
{
	return begin_find(a, STEP_FIND);
}

/* The settings as a wish; 'list' has room for the contacts. */
static struct account_wish wish_of(const struct acme *a,
				   const char *list[ACCOUNT_CONTACTS_MAX])
{
	struct account_wish w = {
		.contacts = list,
		.contact_count = a->contact_count,
		.agrees = a->agrees,
		.binding_kid = span_str(a->binding_kid),
		.binding_key = span_of(a->binding_key, a->binding_key_len),
	};

	for (size_t i = 0; i < a->contact_count; i++)
		list[i] = a->contact[i];
	return w;
}

static enum rc say_new(struct acme *a, const struct p256_private *key,
		       bool only_existing)
{
	const char *list[ACCOUNT_CONTACTS_MAX];
	struct account_wish w = wish_of(a, list);
	struct p256_point at;

	w.only_existing = only_existing;
	p256_private_point(key, &at);
	flow_call_entry(a, DIRECTORY_NEW_ACCOUNT);
	a->call.auth = CALL_KEY;
	a->call.key = key;
	return account_new_payload(
		&a->call.payload, &w,
		span_str(a->session.directory.url[DIRECTORY_NEW_ACCOUNT]), &at);
}

enum rc say_register(struct acme *a)
{
	return say_new(a, a->key, false);
}

enum rc say_find(struct acme *a)
{
	return say_new(a, a->key, true);
}

/* The URL in Location; false, and the job ended, without one. */
static bool read_url(struct acme *a, const struct web_answer *answer,
		     char url[ACME_URL_MAX])
{
	struct span location;

	if (web_answer_only(answer, "Location", &location) &&
	    directory_url(url, location, a->session.directory_url))
		return true;
	flow_malformed(a, "The CA did not say the account's URL.",
		       "RFC 8555 7.3");
	return false;
}

static const char *status_why(enum account_status status)
{
	if (status == ACCOUNT_REVOKED)
		return "The CA has revoked our account.";
	return "Our account was deactivated.";
}

/* The account is gone, for us: a valid one is required for anything. */
static void end_by_status(struct acme *a, enum account_status status)
{
	a->account.status = status;
	a->is_changed = true;
	if (status == ACCOUNT_VALID)
		flow_end(a, ACME_END_OK, NULL, NULL);
	else
		flow_end(a, ACME_END_ACCOUNT, status_why(status),
			 "RFC 8555 7.1.6");
}

static void end_other(struct acme *a)
{
	flow_end(a, ACME_END_ACCOUNT,
		 "The CA has another account for this key than the one that "
		 "we had, and that CAA records may pin.",
		 "RFC 8555 7.3.1");
}

/* Without a usable object in the answer (CAs may leave it out for an account
 * that exists) it is taken to be valid. */
static enum account_status status_in(const struct web_answer *answer)
{
	enum account_status status;

	if (account_read(&status, buf_span(&answer->body)) != RC_OK)
		return ACCOUNT_VALID;
	return status;
}

void take_register(struct acme *a, const struct web_answer *answer,
		   int64_t now)
{
	char url[ACME_URL_MAX];

	(void)now;
	if (!read_url(a, answer, url))
		return;
	memcpy(a->account.url, url, sizeof(url));
	end_by_status(a, status_in(answer));
}

void take_find(struct acme *a, const struct web_answer *answer, int64_t now)
{
	char url[ACME_URL_MAX];

	if (!a->account.url[0]) {
		take_register(a, answer, now);
		return;
	}
	if (!read_url(a, answer, url))
		return;
	if (strcmp(url, a->account.url) != 0)
		end_other(a);
	else
		end_by_status(a, status_in(answer));
}

void refuse_find(struct acme *a, const struct problem *p, int64_t now)
{
	/* The key signs here, and still it is the account that is missing. */
	if (p->type == PROBLEM_ACCOUNT_DOES_NOT_EXIST && a->account.url[0])
		a->call.auth = CALL_ACCOUNT;
	flow_refused(a, p, now);
}

enum rc acme_update(struct acme *a)
{
	enum rc rc = flow_start(a, true);

	if (rc)
		return rc;
	flow_go(a, STEP_UPDATE);
	return RC_OK;
}

enum rc say_update(struct acme *a)
{
	const char *list[ACCOUNT_CONTACTS_MAX];
	const struct account_wish w = wish_of(a, list);

	flow_call(a, a->account.url);
	return account_update_payload(&a->call.payload, &w);
}

void take_update(struct acme *a, const struct web_answer *answer, int64_t now)
{
	(void)now;
	end_by_status(a, status_in(answer));
}

enum rc acme_deactivate(struct acme *a)
{
	enum rc rc = flow_start(a, true);

	if (rc)
		return rc;
	flow_go(a, STEP_DEACTIVATE);
	return RC_OK;
}

enum rc say_deactivate(struct acme *a)
{
	flow_call(a, a->account.url);
	return account_deactivate_payload(&a->call.payload);
}

void take_deactivate(struct acme *a, const struct web_answer *answer,
		     int64_t now)
{
	(void)answer;
	(void)now;
	a->account.status = ACCOUNT_DEACTIVATED;
	a->is_changed = true;
	flow_end(a, ACME_END_OK, NULL, NULL);
}

bool acme_key_change_pending(const struct acme *a)
{
	return a->account.next_key.text[0];
}

enum rc acme_change_key(struct acme *a, const struct p256_private *new_key)
{
	enum rc rc = flow_start(a, false);

	if (rc)
		return rc;
	if (a->account.status != ACCOUNT_VALID || is_key(&a->account.key,
							 new_key))
		return RC_DENIED;
	if (acme_key_change_pending(a)) {
		if (!is_key(&a->account.next_key, new_key))
			return RC_DENIED;
		flow_go(a, STEP_KEY_PROBE);
	} else {
		thumbprint(&a->account.next_key, new_key);
		a->is_changed = true;
		flow_go(a, STEP_KEY_CHANGE);
	}
	a->new_key = new_key;
	return RC_OK;
}

enum rc say_key_probe(struct acme *a)
{
	return say_new(a, a->new_key, true);
}

static void key_changed(struct acme *a)
{
	a->account.key = a->account.next_key;
	a->account.next_key = (struct jws_thumbprint){ 0 };
	a->key = a->new_key;
	a->is_changed = true;
	flow_end(a, ACME_END_OK, NULL, NULL);
}

void take_key_probe(struct acme *a, const struct web_answer *answer,
		    int64_t now)
{
	char url[ACME_URL_MAX];

	(void)now;
	if (!read_url(a, answer, url))
		return;
	if (strcmp(url, a->account.url) == 0)
		key_changed(a);
	else
		end_other(a);
}

void refuse_key_probe(struct acme *a, const struct problem *p, int64_t now)
{
	if (p->type == PROBLEM_ACCOUNT_DOES_NOT_EXIST)
		flow_go(a, STEP_KEY_CHANGE); /* it has not happened */
	else
		flow_refused(a, p, now);
}

enum rc say_key_change(struct acme *a)
{
	struct p256_point old;

	p256_private_point(a->key, &old);
	flow_call_entry(a, DIRECTORY_KEY_CHANGE);
	return account_key_change_payload(
		&a->call.payload,
		span_str(a->session.directory.url[DIRECTORY_KEY_CHANGE]),
		a->account.url, a->new_key, &old);
}

void take_key_change(struct acme *a, const struct web_answer *answer,
		     int64_t now)
{
	(void)answer;
	(void)now;
	key_changed(a);
}

void refuse_key_change(struct acme *a, const struct problem *p, int64_t now)
{
	/* Later, and then the new key is asked first. */
	if (problem_cure_of(p) == CURE_WAIT) {
		flow_refused(a, p, now);
		return;
	}
	/* A try whose answer was lost may have done it, and then the old key
	 * signs in vain: whether it has, the new one is asked. */
	if (a->call.tries) {
		flow_go(a, STEP_KEY_PROBE);
		return;
	}
	a->account.next_key = (struct jws_thumbprint){ 0 };
	a->is_changed = true;
	flow_refused(a, p, now);
}
