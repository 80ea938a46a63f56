#include "certd/shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "json/jwrite.h"

enum {
	STATUS_MAX = 16,
	STATUS_NAME_MAX = 32,
};

struct certificate {
	struct names *names; /* NULL: none is here */
	char *chain, *key;
	bool is_held;
};

struct proof_entry {
	char *name, *chain, *key;
};

struct answer_entry {
	char *name, *token, *value;
};

struct shelf {
	pthread_mutex_t lock;
	uint64_t generation;
	struct certificate certificates[CONFIG_CERTIFICATES_MAX];
	struct proof_entry proofs[SHELF_PROOFS_MAX];
	size_t proof_count;
	struct answer_entry answers[SHELF_ANSWERS_MAX];
	size_t answer_count;
	struct shelf_file *files;
	size_t file_count;
	struct sha256 core;
	bool has_core;
	struct {
		char name[STATUS_NAME_MAX];
		struct buf json;
	} status[STATUS_MAX];
	size_t status_count;
};

static void enter(struct shelf *s)
{
	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
}

static void leave(struct shelf *s)
{
	(void)pthread_mutex_unlock(&s->lock); /* we hold it */
}

struct shelf *shelf_new(void)
{
	struct shelf *s = mem_new(sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail here */
	return s;
}

static void free_secret(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
}

static void forget(struct certificate *c)
{
	free(c->names);
	free(c->chain);
	free_secret(c->key);
	*c = (struct certificate){ .is_held = c->is_held };
}

static void forget_proof(struct proof_entry *p)
{
	free(p->name);
	free(p->chain);
	free_secret(p->key);
	*p = (struct proof_entry){ 0 };
}

static void forget_answer(struct answer_entry *a)
{
	free(a->name);
	free(a->token);
	free(a->value);
	*a = (struct answer_entry){ 0 };
}

static void free_files(struct shelf_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		shared_unref(files[i].body);
	free(files);
}

void shelf_free(struct shelf *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CONFIG_CERTIFICATES_MAX; i++)
		forget(&s->certificates[i]);
	for (size_t i = 0; i < s->proof_count; i++)
		forget_proof(&s->proofs[i]);
	for (size_t i = 0; i < s->answer_count; i++)
		forget_answer(&s->answers[i]);
	for (size_t i = 0; i < s->status_count; i++)
		buf_fini(&s->status[i].json);
	free_files(s->files, s->file_count);
	(void)pthread_mutex_destroy(&s->lock); /* nobody holds it */
	free(s);
}

/* ---- for the edge ---- */

void shelf_put_certificate(struct shelf *s, size_t index,
			   const struct names *names, struct span chain_pem,
			   const char *key_pem)
{
	struct certificate c = {
		.names = mem_new(sizeof(*names)),
		.chain = mem_dup_n(chain_pem.p, chain_pem.n),
		.key = mem_dup(key_pem),
	};

	*c.names = *names;
	enter(s);
	c.is_held = s->certificates[index].is_held;
	forget(&s->certificates[index]);
	s->certificates[index] = c;
	s->generation++;
	leave(s);
}

void shelf_hold(struct shelf *s, size_t index, bool is_held)
{
	struct certificate *c = &s->certificates[index];

	enter(s);
	if (c->names && c->is_held != is_held)
		s->generation++;
	c->is_held = is_held;
	leave(s);
}

static void drop_proof(struct shelf *s, const char *name)
{
	for (size_t i = 0; i < s->proof_count; i++) {
		if (strcmp(s->proofs[i].name, name) != 0)
			continue;
		forget_proof(&s->proofs[i]);
		s->proofs[i] = s->proofs[--s->proof_count];
		s->generation++;
		return;
	}
}

enum rc shelf_put_proof(struct shelf *s, const char *name, struct span chain,
			const char *key_pem)
{
	enum rc rc = RC_OK;

	enter(s);
	drop_proof(s, name);
	if (chain.n && s->proof_count == SHELF_PROOFS_MAX) {
		rc = RC_LIMIT;
	} else if (chain.n) {
		s->proofs[s->proof_count++] = (struct proof_entry){
			.name = mem_dup(name),
			.chain = mem_dup_n(chain.p, chain.n),
			.key = mem_dup(key_pem),
		};
		s->generation++;
	}
	leave(s);
	return rc;
}

static void drop_answer(struct shelf *s, const char *name, const char *token)
{
	for (size_t i = 0; i < s->answer_count; i++) {
		if (strcmp(s->answers[i].name, name) != 0 ||
		    strcmp(s->answers[i].token, token) != 0)
			continue;
		forget_answer(&s->answers[i]);
		s->answers[i] = s->answers[--s->answer_count];
		s->generation++;
		return;
	}
}

enum rc shelf_put_answer(struct shelf *s, const char *name, const char *token,
			 const char *value)
{
	enum rc rc = RC_OK;

	enter(s);
	drop_answer(s, name, token);
	if (value && s->answer_count == SHELF_ANSWERS_MAX) {
		rc = RC_LIMIT;
	} else if (value) {
		s->answers[s->answer_count++] = (struct answer_entry){
			.name = mem_dup(name),
			.token = mem_dup(token),
			.value = mem_dup(value),
		};
		s->generation++;
	}
	leave(s);
	return rc;
}

static void write_certificate(struct jwrite *j, const struct certificate *c)
{
	if (!c->names || c->is_held)
		return;
	jwrite_object(j, NULL);
	jwrite_array(j, "names");
	for (size_t i = 0; i < c->names->count; i++)
		jwrite_str(j, NULL, c->names->of[i].text);
	jwrite_end(j);
	jwrite_str(j, "chain", c->chain);
	jwrite_str(j, "key", c->key);
	jwrite_end(j);
}

static void write_proof(struct jwrite *j, const struct proof_entry *p)
{
	jwrite_object(j, NULL);
	jwrite_str(j, "name", p->name);
	jwrite_str(j, "chain", p->chain);
	jwrite_str(j, "key", p->key);
	jwrite_end(j);
}

static void write_answer(struct jwrite *j, const struct answer_entry *a)
{
	jwrite_object(j, NULL);
	jwrite_str(j, "name", a->name);
	jwrite_str(j, "token", a->token);
	jwrite_str(j, "value", a->value);
	jwrite_end(j);
}

enum rc shelf_edge(struct shelf *s, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	enter(s);
	jwrite_object(&j, NULL);
	jwrite_number(&j, "generation", s->generation);
	jwrite_array(&j, "certificates");
	for (size_t i = 0; i < CONFIG_CERTIFICATES_MAX; i++)
		write_certificate(&j, &s->certificates[i]);
	jwrite_end(&j);
	jwrite_array(&j, "proofs");
	for (size_t i = 0; i < s->proof_count; i++)
		write_proof(&j, &s->proofs[i]);
	jwrite_end(&j);
	jwrite_array(&j, "answers");
	for (size_t i = 0; i < s->answer_count; i++)
		write_answer(&j, &s->answers[i]);
	jwrite_end(&j);
	jwrite_end(&j);
	leave(s);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

uint64_t shelf_generation(struct shelf *s)
{
	uint64_t n;

	enter(s);
	n = s->generation;
	leave(s);
	return n;
}

/* ---- for everybody ---- */

void shelf_publish(struct shelf *s, struct shelf_file *files, size_t count,
		   const struct sha256 *core)
{
	struct shelf_file *old;
	size_t old_count;

	enter(s);
	old = s->files;
	old_count = s->file_count;
	s->files = files;
	s->file_count = count;
	s->core = *core;
	s->has_core = true;
	leave(s);
	free_files(old, old_count);
}

struct shared *shelf_get(struct shelf *s, const char **content_type,
			 const char *path)
{
	struct shared *found = NULL;

	enter(s);
	for (size_t i = 0; i < s->file_count && !found; i++) {
		const struct shelf_file *f = &s->files[i];

		if (strcmp(f->path, path) != 0)
			continue;
		found = shared_ref(f->body);
		*content_type = f->content_type;
	}
	leave(s);
	return found;
}

bool shelf_core(struct shelf *s, struct sha256 *core)
{
	bool has;

	enter(s);
	has = s->has_core;
	*core = s->core;
	leave(s);
	return has;
}

/* ---- for the operator ---- */

void shelf_put_status(struct shelf *s, const char *name, struct span json)
{
	struct buf *at = NULL;

	enter(s);
	for (size_t i = 0; i < s->status_count; i++)
		if (strcmp(s->status[i].name, name) == 0)
			at = &s->status[i].json;
	if (!at && s->status_count < STATUS_MAX) {
		(void)snprintf(s->status[s->status_count].name,
			       STATUS_NAME_MAX, "%s", name);
		at = &s->status[s->status_count++].json;
	}
	if (at) {
		buf_fini(at);
		buf_init(at, json.n);
		(void)buf_add(at, json); /* it is as large as that */
	}
	leave(s);
}

enum rc shelf_status(struct shelf *s, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	enter(s);
	jwrite_object(&j, NULL);
	for (size_t i = 0; i < s->status_count; i++)
		jwrite_raw(&j, s->status[i].name,
			   buf_span(&s->status[i].json));
	jwrite_end(&j);
	leave(s);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
