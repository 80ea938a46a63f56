/*
 * initrd: the first stage, in the initramfs: finds the root disk, has the
 * kernel verify it by the hash that the measured command line names, and goes
 * on in it.
 */
#ifndef POSTERN_GUESTINIT_INITRD_H
#define POSTERN_GUESTINIT_INITRD_H

#include "io/log.h"

/* Ends in the root's init; returns only when that cannot be reached: 'error'
 * (KERNEL_ERROR_MAX) says why. */
void initrd_run(const struct log *log, char *error);

#endif
