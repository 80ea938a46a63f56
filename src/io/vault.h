/*
 * vault: memory for secrets that stay: left out of core dumps, zeroed in a
 * child by fork(), and not written to swap where the kernel lets us lock it.
 *
 * Objects of a few sizes, taken and given back through base/secret.h's
 * interface, so that modules without system calls can keep their keys here.
 * Given back, an object is erased and kept for the next of its size; pages go
 * back to the kernel only with the vault.  With ASan a use after that is seen,
 * as with the heap.
 *
 * Not covered: copies in registers, on the stack and inside libcrypto while it
 * works, and whoever may read this process's memory as it runs.
 *
 * After fork() the vault is the parent's alone: the child finds zeros, the
 * vault's own fields among them, and must not touch it.
 *
 * Source: madvise(2), mlock2(2).
 */
#ifndef POSTERN_IO_VAULT_H
#define POSTERN_IO_VAULT_H

#include "base/secret.h"

struct vault;

enum {
	VAULT_OBJECT_MAX = 64 * 1024, /* bytes; more is our own mistake */
};

/* Raises the limit on locked memory as far as it may go, for good: call it
 * before privileges are dropped.  Returns owned: vault_free(). */
struct vault *vault_new(void);
/* Erases everything, also what was not given back. */
void vault_free(struct vault *v);

/* To take objects from and give them back; lives as long as the vault. */
const struct secret_memory *vault_memory(const struct vault *v);

enum vault_guard {
	VAULT_NOT_DUMPED = 1,
	VAULT_WIPED_ON_FORK = 2,
	VAULT_LOCKED = 4,
	VAULT_ALL = 7,
};
/* Which of them hold for all the vault's memory so far. */
unsigned vault_guards(const struct vault *v);

#endif
