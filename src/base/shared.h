/*
 * shared: bytes that several have at a time, none of whom may change them: made
 * once, erased and freed with the last reference, however many read them and
 * however slowly.
 *
 * References may be taken and given back in any thread.
 */
#ifndef POSTERN_BASE_SHARED_H
#define POSTERN_BASE_SHARED_H

#include "base/buf.h"

struct shared;

/* Takes the content of 'bytes', which is empty afterwards.  Returns a
 * reference: shared_unref(). */
struct shared *shared_of(struct buf *bytes);
/* Another reference to it. */
struct shared *shared_ref(struct shared *s);
/* NULL is a no-op. */
void shared_unref(struct shared *s);
/* Borrows, as long as a reference is held. */
struct span shared_span(const struct shared *s);

#endif
