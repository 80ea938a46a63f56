/*
 * linux: what RTMR1 and RTMR2 of a trust domain become when QEMU boots a Linux
 * kernel directly (-kernel, -initrd, -append) through TDVF.
 *
 * QEMU writes loader fields into the kernel's setup header before the firmware
 * measures it, where the initrd lies among them: so the kernel's measurement
 * depends on the initrd's length and on the memory below 4 GiB (constant from
 * 2.75 GiB of memory on).  From version 10 on it also offers the kernel as it
 * lies in its file, to firmware that asks for it: then its digest is that of
 * linux_authenticode() alone.  Nothing here depends on ACPI tables.
 *
 * Pure: bytes in, digests out.
 *
 * Source: Linux Documentation/arch/x86/boot.rst; QEMU hw/i386/x86.c,
 * x86_load_linux; Microsoft, Windows Authenticode Portable Executable Signature
 * Format, "Calculating the PE Image Hash"; TCG PC Client Platform Firmware
 * Profile 1.06, §3.3.4.
 */
#ifndef POSTERN_MEASURE_LINUX_H
#define POSTERN_MEASURE_LINUX_H

#include "base/rc.h"
#include "crypto/hash.h"
#include "measure/bootlog.h"

struct linux_boot {
	struct span kernel; /* bzImage with its EFI stub */
	struct span initrd; /* n == 0: none */
	struct span cmdline; /* of -append, ASCII, without NUL */
	uint64_t memory; /* of the machine, bytes */
};

/*
 * The Authenticode digest of a PE image, as it lies in the file.  What is
 * hashed is padded to 8 bytes; firmware may not do so, but kernels are built
 * with a length that needs no padding.
 *
 * RC_MALFORMED    not a PE32+ image, or its headers, sections and certificate
 *                 table do not lie in it one after the other
 * RC_UNSUPPORTED  more than 96 sections
 *
 * On failure *out is untouched.
 */
enum rc linux_authenticode(struct sha384 *out, struct span image);

/*
 * The digest of the kernel as QEMU hands it to the firmware.  RC_MALFORMED and
 * RC_UNSUPPORTED as above; RC_UNSUPPORTED also for a boot protocol before 2.03
 * or a kernel that is not loaded high; RC_LIMIT: the initrd does not fit below
 * the memory's end.
 */
enum rc linux_kernel(struct sha384 *out, const struct linux_boot *b);

/*
 * Appends RTMR1's events as far as ExitBootServices, from linux_kernel's
 * digest.  Some OVMF measures the separator of its boot attempt into RTMR1,
 * some into RTMR0 (measure/firmware.h).
 */
void linux_rtmr1_events(struct bootlog *log, const struct sha384 *kernel,
			bool has_separator);
/*
 * Appends RTMR2's: the kernel's stub takes command line and initrd.
 * RC_UNSUPPORTED, and *log untouched: the command line is not printable ASCII,
 * or no initrd.
 */
enum rc linux_rtmr2_events(struct bootlog *log, const struct linux_boot *b);

#endif
