/*
 * vm_report: what a machine is and does, for people and for programs.
 */
#ifndef POSTERN_CLI_VM_REPORT_H
#define POSTERN_CLI_VM_REPORT_H

#include <jansson.h>

#include "base/rc.h"
#include "vm/folder.h"

/*
 * {"name", "running", "state", "why", "simulated", "image", "accel",
 *  "memory_mib", "cpus", "data_mib", "address", "cloud", "app_id", "keeper",
 *  "qemu", "resident_kib", "began_unix_ms", "steps": [{"step","guest_ms",
 *  "ms","text"}]}
 *
 * "state": "running" (or what QEMU says instead, such as "paused"), "starting",
 * "stopped", "killed".  Returns owned.  RC_SYS: no such machine; RC_MALFORMED:
 * its files are not ours; error is a line.
 */
enum rc vm_report(json_t **out, const char *name, char error[VM_ERROR_MAX]);

/* A machine on one line, and one with all that is known. */
void vm_report_line(const json_t *report);
void vm_report_print(const json_t *report);

#endif
