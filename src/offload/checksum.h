/*
 * checksum: the Internet checksum, with room to put sums together.
 *
 * A sum is kept in 64 bits, neither folded nor complemented, of words in the
 * machine's order, which the checksum does not mind as long as it is stored in
 * that order too.  Parts are added at even offsets only: every part but the
 * last has an even length.
 *
 * Source: RFC 1071; RFC 8200 §8.1 (the pseudo-header).
 */
#ifndef POSTERN_OFFLOAD_CHECKSUM_H
#define POSTERN_OFFLOAD_CHECKSUM_H

#include "base/span.h"

/* The sum of 'sum' and the bytes. */
uint64_t checksum_add(uint64_t sum, struct span bytes);
/* The same, and copies them to 'out', which does not overlap. */
uint64_t checksum_copy(uint64_t sum, void *out, struct span bytes);
/* As it stands in a packet, but not complemented. */
uint16_t checksum_fold(uint64_t sum);

/* Reads and writes the two bytes of a checksum field. */
uint16_t checksum_get(const uint8_t *at);
void checksum_put(uint8_t *at, uint16_t folded);

#endif
