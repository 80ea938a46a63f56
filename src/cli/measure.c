#include "cli/measure.h"

#include <assert.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/measure_input.h"
#include "cli/prediction.h"
#include "manifest/lineage.h"
#include "measure/firmware.h"
#include "measure/linux.h"
#include "tee/eventlog.h"

static const char measure_help[] =
	"usage: postern measure [--firmware FILE] [--kernel FILE --initrd FILE "
	"--cmdline TEXT]\n"
	"                       [--memory MIB] [--cpus N] [option...]\n"
	"                       [--json | --policy NAME]\n"
	"\n"
	"Predicts the registers of a TDX guest whose kernel QEMU boots "
	"directly.\n"
	"\n"
	"  --firmware FILE         as given to -bios: MRTD, and with --memory "
	"RTMR0\n"
	"  --firmware-layout NAME  ovmf (default), ovmf-separator0, "
	"ovmf-202505\n"
	"  --two-pass              the VMM adds pages in two passes\n"
	"  --acpi-loader, --acpi-rsdp, --acpi-tables DIGEST|FILE\n"
	"                          what RTMR0 has of the machine's ACPI "
	"tables\n"
	"  --acpi-log FILE         the same, from the event log of a boot of "
	"it\n"
	"  --variable-authority DIGEST|FILE  what ovmf-202505 needs besides\n"
	"  --kernel, --initrd FILE, --cmdline TEXT\n"
	"                          as given to -kernel, -initrd, -append: "
	"RTMR1, RTMR2\n"
	"  --unpatched             the firmware gets the kernel as it lies in "
	"its file\n"
	"  --memory MIB            as given to -m, in MiB\n"
	"  --cpus N                as given to -smp; only the ACPI tables have "
	"it\n"
	"  --manifest FILE         MRCONFIGID, and with --instance-id RTMR3\n"
	"  --instance-id HEX       of a guest of Postern's\n"
	"  --events FILE           RTMR3 after these runtime events (JSON)\n"
	"  --json                  for machines, with each event\n"
	"  --policy NAME           as an image of a policy file\n"
	"\n"
	"Exit status: 0 predicted, 1 no such boot (it does not fit, or QEMU or "
	"we do not\ndo it), 2 a file is not what it should be, or arguments "
	"unusable.\n";

enum {
	MIB = 1024 * 1024,
	KERNEL_MAX = 256 * MIB,
	INITRD_MAX = 1024 * MIB,
	MEMORY_MIB_MAX = 64 * MIB, /* 64 TiB */
	CPUS_MAX = 4096,
};

struct measure_options {
	struct complainer say;
	const char *firmware, *kernel, *initrd, *cmdline;
	const char *manifest, *events, *acpi_log, *policy;
	const char *input[FIRMWARE_INPUT_COUNT];
	enum firmware_layout layout;
	uint64_t memory_mib, cpus;
	uint8_t instance_id[MANIFEST_ID_LEN];
	bool is_two_pass, is_unpatched, is_json, has_instance_id;
};

/* It is what it should be, and no such boot is possible. */
static int refuse(const struct measure_options *o, const char *path,
		  const char *why)
{
	return complain(&o->say, CLI_REFUSED, COMPLAINT_UNFIT, path, "%s: %s",
			path, why);
}

/* It is not what it should be. */
static int unusable(const struct measure_options *o, const char *path,
		    const char *why)
{
	return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED, path, "%s: %s",
			path, why);
}

/* The digests that RTMR0 needs; 'input' of those that are there point there. */
static int load_inputs(struct sha384 digests[FIRMWARE_INPUT_COUNT],
		       const struct sha384 *input[FIRMWARE_INPUT_COUNT],
		       const struct measure_options *o)
{
	static_assert(FIRMWARE_ACPI_LOADER == 0 && FIRMWARE_ACPI_TABLES == 2);

	if (o->acpi_log && measure_acpi(digests, &o->say, o->acpi_log))
		return CLI_USAGE;
	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++) {
		if (o->input[i] &&
		    measure_digest(&digests[i], &o->say, o->input[i]))
			return CLI_USAGE;
		if (o->input[i] || (o->acpi_log && i < MEASURE_ACPI_COUNT))
			input[i] = &digests[i];
	}
	return CLI_OK;
}

static int predict_rtmr0(struct prediction *p, const struct tdvf *image,
			 const struct measure_options *o)
{
	struct sha384 digests[FIRMWARE_INPUT_COUNT];
	struct firmware_boot b = {
		.layout = o->layout,
		.image = image,
		.memory = o->memory_mib * MIB,
	};
	enum rc rc;

	if (!o->memory_mib) {
		p->missing[POLICY_RTMR0] = "it needs --memory";
		return CLI_OK;
	}
	if (load_inputs(digests, b.input, o))
		return CLI_USAGE;
	rc = firmware_events(&p->log, &b);
	if (rc == RC_LIMIT)
		return refuse(o, o->firmware,
			      "it does not fit into that memory");
	if (rc == RC_UNSUPPORTED)
		p->missing[POLICY_RTMR0] =
			"the firmware's variable store is not empty";
	else if (rc)
		p->missing[POLICY_RTMR0] =
			firmware_needs(o->layout, FIRMWARE_AUTHORITY)
				? "it needs --acpi-loader, --acpi-rsdp, "
				  "--acpi-tables (or --acpi-log) and "
				  "--variable-authority"
				: "it needs --acpi-loader, --acpi-rsdp and "
				  "--acpi-tables, or --acpi-log";
	else
		prediction_replay(p, 0);
	return CLI_OK;
}

static int predict_firmware(struct prediction *p,
			    const struct measure_options *o)
{
	AUTO(buf_fini)
	struct buf file = { 0 };
	struct sha384 mr_td;
	struct tdvf image;
	enum rc rc;

	if (measure_load(&file, &o->say, o->firmware, TDVF_IMAGE_MAX))
		return CLI_USAGE;
	rc = tdvf_read(&image, buf_span(&file));
	if (rc == RC_UNSUPPORTED)
		return refuse(o, o->firmware,
			      "it has parts that QEMU does not load");
	if (rc)
		return unusable(o, o->firmware,
				"not a whole TDX firmware image (variable "
				"store and code in one file)");
	tdvf_mrtd(&mr_td, &image,
		  o->is_two_pass ? TDVF_TWO_PASS : TDVF_PAGE_BY_PAGE);
	prediction_set(p, POLICY_MR_TD, SPAN_ARRAY(mr_td.b));
	p->has_pages = true;
	p->is_two_pass = o->is_two_pass;
	return predict_rtmr0(p, &image, o);
}

static int refuse_kernel(const struct measure_options *o, enum rc rc)
{
	if (rc == RC_MALFORMED)
		return unusable(o, o->kernel, "not a bzImage with an EFI stub");
	return refuse(o, o->kernel,
		      rc == RC_LIMIT
			      ? "the initrd does not fit into that memory"
			      : "its boot protocol or sections are not "
				"supported");
}

static int predict_kernel(struct prediction *p, const struct measure_options *o)
{
	AUTO(buf_fini)
	struct buf kernel = { 0 };
	AUTO(buf_fini)
	struct buf initrd = { 0 };
	struct linux_boot b = { .memory = o->memory_mib * MIB };
	struct sha384 digest;
	enum rc rc;

	if (measure_load(&kernel, &o->say, o->kernel, KERNEL_MAX) ||
	    measure_load(&initrd, &o->say, o->initrd, INITRD_MAX))
		return CLI_USAGE;
	b.kernel = buf_span(&kernel);
	b.initrd = buf_span(&initrd);
	b.cmdline = span_str(o->cmdline);
	rc = o->is_unpatched ? linux_authenticode(&digest, b.kernel)
			     : linux_kernel(&digest, &b);
	if (rc)
		return refuse_kernel(o, rc);
	if (linux_rtmr2_events(&p->log, &b))
		return complain_usage(&o->say, "--cmdline: expected printable "
					       "ASCII; --initrd: not empty");
	linux_rtmr1_events(&p->log, &digest,
			   firmware_separates_rtmr1(o->layout));
	prediction_replay(p, 1);
	prediction_replay(p, 2);
	return CLI_OK;
}

/* The events that a guest of ours extends at its start. */
static void add_boot_events(struct prediction *p, struct span app_id,
			    const struct sha256 *hash,
			    const uint8_t instance_id[MANIFEST_ID_LEN])
{
	AUTO(eventlog_fini)
	struct eventlog log;
	struct sha384 digests[EVENTLOG_BOOT_COUNT];

	eventlog_init(&log);
	/* five short events: they fit */
	if (eventlog_append_boot(&log, digests, app_id, SPAN_ARRAY(hash->b),
				 span_of(instance_id, MANIFEST_ID_LEN)))
		return;
	for (size_t i = 0; i < EVENTLOG_BOOT_COUNT; i++)
		bootlog_add(&p->log, EVENTLOG_RTMR,
			    eventlog_boot_names[i], &digests[i]);
	prediction_replay(p, EVENTLOG_RTMR);
}

static int predict_manifest(struct prediction *p,
			    const struct measure_options *o)
{
	AUTO(buf_fini)
	struct buf file = { 0 };
	uint8_t config_id[MANIFEST_CONFIG_ID_LEN], app_id[MANIFEST_ID_LEN];
	struct sha256 hash;

	if (measure_load(&file, &o->say, o->manifest, MANIFEST_MAX))
		return CLI_USAGE;
	sha256_of(&hash, buf_span(&file));
	manifest_config_id(config_id, buf_span(&file));
	prediction_set(p, POLICY_MR_CONFIG_ID, SPAN_ARRAY(config_id));
	if (!o->has_instance_id)
		return CLI_OK;
	if (lineage_of(app_id, buf_span(&file)))
		return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED,
				o->manifest, "%s: no manifest", o->manifest);
	add_boot_events(p, SPAN_ARRAY(app_id), &hash, o->instance_id);
	return CLI_OK;
}

static const char *const needs[PREDICTION_COUNT] = {
	[POLICY_MR_TD] = "it needs --firmware",
	[POLICY_RTMR0] = "it needs --firmware and --memory",
	[POLICY_RTMR1] = "it needs --kernel",
	[POLICY_RTMR2] = "it needs --kernel",
	[POLICY_RTMR3] = "it needs --events, or --manifest, --instance-id",
	[POLICY_MR_CONFIG_ID] = "it needs --manifest",
};

static int measure(const struct measure_options *o)
{
	struct prediction p = {
		.memory_mib = o->memory_mib,
		.cpus = o->cpus,
	};
	struct sha384 rtmr3;
	int status = CLI_OK;

	memcpy(p.missing, needs, sizeof(needs));
	if (o->firmware || o->kernel)
		p.layout = firmware_layout_name(o->layout);
	if (o->firmware)
		status = predict_firmware(&p, o);
	if (!status && o->kernel)
		status = predict_kernel(&p, o);
	if (!status && o->manifest)
		status = predict_manifest(&p, o);
	if (!status && o->events) {
		status = measure_events(&rtmr3, &o->say, o->events);
		if (!status)
			prediction_set(&p, POLICY_RTMR3, SPAN_ARRAY(rtmr3.b));
	}
	if (status)
		return status;
	if (o->policy)
		prediction_print_policy(stdout, &p, o->policy);
	else if (o->is_json)
		prediction_print_json(stdout, &p);
	else
		prediction_print(stdout, &p);
	return CLI_OK;
}

/* Which options go together. */
static int check(const struct measure_options *o)
{
	bool has_input = o->acpi_log;
	bool has_all = o->kernel && o->initrd && o->cmdline;
	bool has_any = o->kernel || o->initrd || o->cmdline;

	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++)
		has_input = has_input || o->input[i];
	if (has_any && (!has_all || (!o->memory_mib && !o->is_unpatched)))
		return complain_usage(&o->say, "expected --kernel, --initrd, "
					       "--cmdline and --memory");
	if (o->is_unpatched && !has_any)
		return complain_usage(&o->say,
				      "--unpatched goes with --kernel");
	if (has_input && (!o->firmware || !o->memory_mib))
		return complain_usage(&o->say,
				      "ACPI digests go with --firmware and "
				      "--memory");
	if (o->has_instance_id && (!o->manifest || o->events))
		return complain_usage(&o->say, "--instance-id goes with "
					       "--manifest, without --events");
	if (!o->firmware && !has_any && !o->manifest && !o->events)
		return complain_usage(&o->say, "expected --firmware, --kernel, "
					       "--manifest or --events");
	return CLI_OK;
}

/* Options that are a file's name or a text, and where they go. */
static const char **text_option(struct measure_options *o, int c)
{
	switch (c) {
	case 'f':
		return &o->firmware;
	case 'k':
		return &o->kernel;
	case 'i':
		return &o->initrd;
	case 'c':
		return &o->cmdline;
	case 'M':
		return &o->manifest;
	case 'e':
		return &o->events;
	case 'g':
		return &o->acpi_log;
	case 'p':
		return &o->policy;
	case 'L':
		return &o->input[FIRMWARE_ACPI_LOADER];
	case 'R':
		return &o->input[FIRMWARE_ACPI_RSDP];
	case 'T':
		return &o->input[FIRMWARE_ACPI_TABLES];
	case 'A':
		return &o->input[FIRMWARE_AUTHORITY];
	default:
		return NULL;
	}
}

/* The others, with a value of their own; what is wrong with it, or NULL. */
static const char *value_option(struct measure_options *o, int c)
{
	struct span value = span_str(optarg ? optarg : "");

	switch (c) {
	case 'm':
		return text_u64(&o->memory_mib, value, MEMORY_MIB_MAX)
			       ? NULL
			       : "--memory: expected MiB, such as 2048";
	case 'n':
		return text_u64(&o->cpus, value, CPUS_MAX) && o->cpus
			       ? NULL
			       : "--cpus: expected 1 to 4096";
	case 'l':
		return firmware_layout_find(&o->layout, optarg)
			       ? NULL
			       : "--firmware-layout: expected ovmf, "
				 "ovmf-separator0 or ovmf-202505";
	case 'I':
		o->has_instance_id = text_hex_decode(
			o->instance_id, sizeof(o->instance_id), value);
		return o->has_instance_id
			       ? NULL
			       : "--instance-id: expected 40 hex digits";
	default:
		return "unknown option";
	}
}

int cli_measure(int argc, char **argv)
{
	static const struct option options[] = {
		{ "firmware", required_argument, NULL, 'f' },
		{ "firmware-layout", required_argument, NULL, 'l' },
		{ "two-pass", no_argument, NULL, '2' },
		{ "unpatched", no_argument, NULL, 'u' },
		{ "acpi-loader", required_argument, NULL, 'L' },
		{ "acpi-rsdp", required_argument, NULL, 'R' },
		{ "acpi-tables", required_argument, NULL, 'T' },
		{ "acpi-log", required_argument, NULL, 'g' },
		{ "variable-authority", required_argument, NULL, 'A' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "memory", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'n' },
		{ "manifest", required_argument, NULL, 'M' },
		{ "instance-id", required_argument, NULL, 'I' },
		{ "events", required_argument, NULL, 'e' },
		{ "policy", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct measure_options o = {
		.say = complainer_of("measure", argc, argv),
	};
	const char **text, *why;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		text = text_option(&o, c);
		if (c == 'h') {
			fputs(measure_help, stdout);
			return CLI_OK;
		}
		if (c == '?')
			return complain_usage(&o.say, "wrong arguments");
		if (text) {
			*text = optarg;
		} else if (c == 'j') {
			o.is_json = true;
		} else if (c == '2') {
			o.is_two_pass = true;
		} else if (c == 'u') {
			o.is_unpatched = true;
		} else {
			why = value_option(&o, c);
			if (why)
				return complain_usage(&o.say, "%s", why);
		}
	}
	if (optind != argc)
		return complain_usage(&o.say, "%s: unexpected", argv[optind]);
	if (o.policy && (o.is_json || !prediction_is_name(o.policy)))
		return complain_usage(&o.say,
				      "--policy: expected a name of letters, "
				      "digits, -, _ and ., and no --json");
	o.say.is_json = o.is_json;
	return check(&o) ? CLI_USAGE : measure(&o);
}
