#include "certd/sightings.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct sightings {
	pthread_mutex_t lock;
	struct sightings_view view;
	uint64_t version;
	struct buf foreign[SIGHTINGS_FOREIGN_MAX];
	size_t foreign_count;
	struct sighting_caa shown[PINS_NAMES_MAX]; /* by the evidence */
	size_t shown_count;
};

struct sightings *sightings_new(void)
{
	struct sightings *s = mem_new(sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail here */
	return s;
}

static void drop_foreign(struct sightings *s)
{
	while (s->foreign_count)
		buf_fini(&s->foreign[--s->foreign_count]);
}

void sightings_free(struct sightings *s)
{
	if (!s)
		return;
	drop_foreign(s);
	(void)pthread_mutex_destroy(&s->lock); /* nobody holds it */
	free(s);
}

static bool is_same_legacy(const struct sightings_view *a,
			   const struct sightings_view *b)
{
	if (a->legacy_count != b->legacy_count)
		return false;
	for (size_t i = 0; i < a->legacy_count; i++)
		if (a->legacy[i].is_revoked != b->legacy[i].is_revoked ||
		    !span_equal(SPAN_ARRAY(a->legacy[i].tbs.b),
				SPAN_ARRAY(b->legacy[i].tbs.b)))
			return false;
	return true;
}

/* Heads move all the time; that alone is no news. */
static bool is_news(const struct sightings_view *a,
		    const struct sightings_view *b)
{
	return a->unknown_count != b->unknown_count ||
	       !is_same_legacy(a, b) ||
	       a->proof_count != b->proof_count ||
	       a->source_count != b->source_count ||
	       a->safe_at != b->safe_at ||
	       a->head_count != b->head_count ||
	       a->has_log_list != b->has_log_list ||
	       !span_equal(SPAN_ARRAY(a->log_list.b),
			   SPAN_ARRAY(b->log_list.b)) ||
	       !span_equal(SPAN_ARRAY(a->unknown), SPAN_ARRAY(b->unknown)) ||
	       !span_equal(SPAN_ARRAY(a->proofs), SPAN_ARRAY(b->proofs)) ||
	       !span_equal(SPAN_ARRAY(a->sources), SPAN_ARRAY(b->sources));
}

void sightings_put(struct sightings *s, const struct sightings_view *v)
{
	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
	if (is_news(&s->view, v))
		s->version++;
	s->view = *v;
	(void)pthread_mutex_unlock(&s->lock); /* we hold it */
}

struct sightings_view *sightings_get(struct sightings *s, struct arena *arena)
{
	struct sightings_view *copy =
		arena_new(arena, 1, sizeof(struct sightings_view));

	(void)pthread_mutex_lock(&s->lock);
	if (copy)
		*copy = s->view;
	(void)pthread_mutex_unlock(&s->lock);
	return copy;
}

void sightings_put_foreign(struct sightings *s, const struct span *ders,
			   size_t count)
{
	(void)pthread_mutex_lock(&s->lock);
	drop_foreign(s);
	while (s->foreign_count < count &&
	       s->foreign_count < SIGHTINGS_FOREIGN_MAX) {
		struct span der = ders[s->foreign_count];
		struct buf *b = &s->foreign[s->foreign_count++];

		buf_init(b, der.n);
		(void)buf_add(b, der); /* it has that room */
	}
	(void)pthread_mutex_unlock(&s->lock);
}

bool sightings_foreign(struct sightings *s, size_t at, struct buf *out)
{
	bool is_there;

	(void)pthread_mutex_lock(&s->lock);
	is_there = at < s->foreign_count &&
		   buf_add(out, buf_span(&s->foreign[at]));
	(void)pthread_mutex_unlock(&s->lock);
	return is_there;
}

void sightings_caa_shown(struct sightings *s, const struct sighting_caa *all,
			 size_t count)
{
	assert(count <= PINS_NAMES_MAX);
	(void)pthread_mutex_lock(&s->lock);
	for (s->shown_count = 0; s->shown_count < count; s->shown_count++)
		s->shown[s->shown_count] = all[s->shown_count];
	(void)pthread_mutex_unlock(&s->lock);
}

static bool is_shown_otherwise(const struct sightings *s,
			       const struct sighting_caa *seen)
{
	for (size_t i = 0; i < s->shown_count; i++) {
		const struct sighting_caa *shown = &s->shown[i];

		if (strcmp(shown->name, seen->name) == 0)
			return shown->is_exclusive != seen->is_exclusive ||
			       !span_equal(SPAN_ARRAY(shown->set.b),
					   SPAN_ARRAY(seen->set.b));
	}
	return false;
}

bool sightings_caa_seen(struct sightings *s, const struct sighting_caa *all,
			size_t count)
{
	bool is_news = false;

	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count; i++)
		is_news = is_news || is_shown_otherwise(s, &all[i]);
	s->version += is_news;
	(void)pthread_mutex_unlock(&s->lock);
	return is_news;
}

uint64_t sightings_version(struct sightings *s)
{
	uint64_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->version;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}
