/* Whole files of tests/vectors, for tests that run from the project's folder. */
#ifndef POSTERN_TESTS_VECTORS_H
#define POSTERN_TESTS_VECTORS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/span.h"

/* The file's bytes in an allocation of just their size; ends the test program
 * when it cannot be read.  vector_free() */
static inline struct span vector_load(const char *path)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *p;
	long n;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0) {
		perror(path);
		exit(2);
	}
	rewind(f);
	p = mem_new((size_t)n + !n);
	if (fread(p, 1, (size_t)n, f) != (size_t)n) {
		perror(path);
		exit(2);
	}
	fclose(f);
	return span_of(p, (size_t)n);
}

static inline void vector_free(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

/* A copy that may be written to, in an allocation of just its size. */
static inline uint8_t *vector_copy(struct span s)
{
	uint8_t *p = mem_new(s.n + !s.n);

	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i];
	return p;
}

#endif
