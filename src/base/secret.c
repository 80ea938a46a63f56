#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void secret_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

void key32_wipe(struct key32 *k)
{
	secret_wipe(k, sizeof(*k));
}

void *secret_take(const struct secret_memory *m, size_t n)
{
	return m ? m->take(m->arg, n) : mem_new(n);
}

void secret_give(const struct secret_memory *m, void *p, size_t n)
{
	if (!p)
		return;
	if (m) {
		m->give(m->arg, p, n);
		return;
	}
	secret_wipe(p, n);
	free(p);
}

bool ct_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

bool key32_is_zero(const struct key32 *k)
{
	static const struct key32 zero;

	return ct_equal(k, &zero, sizeof(zero));
}
