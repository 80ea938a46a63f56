/*
 * vm_keep: the process that keeps one virtual machine: it launches the trust
 * domain where the platform is SIMULATED, starts QEMU, writes down what the
 * guest reports, ends the machine when it is told to, and says how it ended.
 *
 * QEMU dies with it, however it ends: whoever finds the machine's lock free
 * knows that nothing of it runs.
 */
#ifndef POSTERN_CLI_VM_KEEP_H
#define POSTERN_CLI_VM_KEEP_H

enum {
	/* For a guest to take its containers down (60 s), its engine (20 s) and
	 * everything else. */
	VM_KEEP_STOP_MS = 120000,
};

/*
 * Runs the machine until it ends or SIGTERM; returns an exit status of
 * `postern`.  'ready_fd' (-1: none) gets "ok\n" once QEMU runs, or a line that
 * says why it does not, and is closed.
 */
int vm_keep(const char *name, int ready_fd);

#endif
