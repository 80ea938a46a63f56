#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *mem_need(void *p)
{
	if (!p) {
		(void)fputs("postern: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_new(size_t n)
{
	return mem_new_array(1, n);
}

void *mem_new_array(size_t count, size_t n)
{
	return mem_need(calloc(count ? count : 1, n ? n : 1));
}

void *mem_grow(void *p, size_t count, size_t n)
{
	size_t size;

	if (__builtin_mul_overflow(count, n, &size))
		size = SIZE_MAX;
	return mem_need(realloc(p, size ? size : 1));
}

char *mem_dup(const char *s)
{
	return mem_dup_n(s, strlen(s));
}

char *mem_dup_n(const void *p, size_t n)
{
	char *copy = mem_new(n + 1);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

void mem_auto_free(void *pointer_to_pointer)
{
	void *p;

	memcpy(&p, pointer_to_pointer, sizeof(p));
	free(p);
}

void mem_auto_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
