/*
 * folder: where a virtual machine lives on its host, what it is made of, and
 * who runs it now.
 *
 *   /var/lib/postern-vm/<name>/   outlives it, removed by `postern vm remove`
 *     vm.json          what it is made of: struct vm_settings
 *     manifest.json    the exact bytes that are measured
 *     config.json      what the guest is told of its place
 *     collateral.json  documents that the guest verifies quotes with
 *     env              the encrypted environment, if it has one
 *     images.tar       container images, if it has some
 *     data.img         its disk, if it has one
 *     run.json         its last or present run: struct vm_run
 *     serial.log       what the guest's console says
 *     run.log          what QEMU and its keeper say
 *     lock             held by the process that keeps it
 *   /run/postern-vm/<name>/       of a run
 *     manage.sock qmp.sock platform.sock
 *
 * Every file is replaced whole, so that a crash leaves the old or the new one.
 * A run is going on exactly as long as its keeper holds the lock: whatever was
 * killed, the next command sees by that what is left.
 */
#ifndef POSTERN_VM_FOLDER_H
#define POSTERN_VM_FOLDER_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "vm/manage.h"
#include "vm/spec.h"

#define FOLDER_STATE "/var/lib/postern-vm"
#define FOLDER_RUN "/run/postern-vm"

enum {
	FOLDER_PATH_MAX = 128, /* names are short */
	FOLDER_JSON_MAX = 256 * 1024,
	FOLDER_ARENA_MAX = 1024 * 1024,
	FOLDER_STEPS_MAX = 64,
	FOLDER_WHY_MAX = 128,
};

/* Texts live in an arena; "" stands for none. */
struct vm_settings {
	const char *image; /* folder of it */
	enum vm_accel accel;
	uint64_t memory_mib, cpus;
	enum vm_net net;
	const char *netns; /* TAP: path of its namespace; "": ours */
	const char *bridge; /* TAP: that it is attached to; "": none */
	const char *address; /* of the guest, with its prefix: "192.0.2.7/24" */
	const char *cloud; /* local cloud that it belongs to */
	const char *control; /* socket of the simulated platform's owner */
	/* Or the socket of a trust domain that somebody else launches. */
	const char *platform;
	const char *quotes; /* TDX: as in vm_spec */
	bool has_data, has_images, has_env, has_collateral;
};

struct vm_step {
	char step[MANAGE_STEP_MAX];
	uint64_t guest_ms; /* as the guest counts */
	uint64_t ms; /* since QEMU was started, as the host counts */
	char text[MANAGE_TEXT_MAX];
};

struct vm_run {
	pid_t keeper, qemu; /* 0: none */
	uint64_t qemu_start; /* its start time, proc(5), to know it again */
	int64_t began_unix_ms, ended_unix_ms; /* 0: has not */
	char why[FOLDER_WHY_MAX]; /* how it ended */
	struct vm_step steps[FOLDER_STEPS_MAX];
	size_t step_count;
};

/* <state or run folder of the machine>/<file>; 'file' "" is the folder. */
void folder_state(char out[FOLDER_PATH_MAX], const char *name,
		  const char *file);
void folder_run(char out[FOLDER_PATH_MAX], const char *name, const char *file);

/*
 * RC_SYS        with errno: ENOENT when there is no such machine
 * RC_MALFORMED  the file is not ours; error says what
 */
enum rc folder_read_settings(struct vm_settings *out, struct arena *arena,
			     const char *name, char error[VM_ERROR_MAX]);
/* The text of vm.json.  False: it does not fit. */
[[nodiscard]] bool folder_settings_text(struct buf *out,
					const struct vm_settings *s,
					const char *name);
/* RC_SYS with errno. */
enum rc folder_write_settings(const struct vm_settings *s, const char *name);

/* As above; a machine that never ran has ENOENT. */
enum rc folder_read_run(struct vm_run *out, const char *name,
			char error[VM_ERROR_MAX]);
enum rc folder_write_run(const struct vm_run *r, const char *name);

/* Whether the machine exists. */
bool folder_exists(const char *name);

/*
 * Whether it has a disk that was used under another manifest than this.  One
 * whose manifest cannot be read is taken for such.  Whether the two are one app
 * is for who reads manifests.
 */
bool folder_has_other_disk(const char *name, struct span manifest);

/*
 * Takes the machine's lock, for as long as *fd is open.  RC_DENIED: its keeper
 * has it, and still has it 200 ms later; RC_SYS with errno.
 */
enum rc folder_lock(int *fd, const char *name);
/* The keeper that runs now; 0: the machine does not run.  Any number may ask at
 * the same time; none is taken for a keeper. */
pid_t folder_keeper(const char *name);

/* When a process started (field 22 of /proc/<pid>/stat); 0: it is not there. */
uint64_t folder_start_time(pid_t pid);

/* The names of all machines, sorted, in the arena; NULL ends the list. */
const char *const *folder_list(struct arena *arena);

#endif
