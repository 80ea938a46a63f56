/*
 * mem: heap memory that cannot fail, and cleanup at the end of a scope.
 *
 * Running out of memory aborts, here and nowhere else.  Sizes that come from
 * outside are bounded before they get here, so input cannot cause it.
 */
#ifndef POSTERN_BASE_MEM_H
#define POSTERN_BASE_MEM_H

#include <stddef.h>

/* n zeroed bytes, or count zeroed objects of n.  Returns owned: free(). */
void *mem_new(size_t n);
void *mem_new_array(size_t count, size_t n);
/* As realloc(), of count objects of n bytes.  n * count must not overflow. */
void *mem_grow(void *p, size_t count, size_t n);
/* p itself; out of memory when it is NULL. */
void *mem_need(void *p);
/* A copy of the string, or of n bytes with a NUL after them.  Returns owned. */
char *mem_dup(const char *s);
char *mem_dup_n(const void *p, size_t n);

/*
 * AUTO(fn) calls fn(&variable) when the scope ends; STEAL(p) hands the value
 * over and leaves a dead object behind, so that the cleanup does nothing.
 */
#define AUTO(fn) __attribute__((cleanup(fn)))
#define STEAL(p) \
	({ \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL; \
		stolen_; \
	})

/* Cleanups for AUTO: a heap pointer, a file descriptor (-1 is the dead one). */
void mem_auto_free(void *pointer_to_pointer);
void mem_auto_close(const int *fd);

#endif
