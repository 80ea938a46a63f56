#include "cli/measure.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "measure/linux.h"

static const char measure_help[] =
	"usage: postern measure --kernel FILE --initrd FILE --cmdline TEXT\n"
	"                       --memory MIB [--json]\n"
	"\n"
	"Predicts registers RTMR1 and RTMR2 of a TDX guest that QEMU boots "
	"directly.\n"
	"\n"
	"  --kernel FILE   the bzImage, as given to -kernel\n"
	"  --initrd FILE   as given to -initrd\n"
	"  --cmdline TEXT  as given to -append\n"
	"  --memory MIB    as given to -m, in MiB\n"
	"  --json          for machines\n"
	"\n"
	"MRTD and RTMR0 depend on the firmware and the machine's ACPI tables "
	"and are not\n"
	"predicted.  Exit status: 0 predicted, 1 no such boot, 2 input or "
	"arguments\n"
	"unusable.\n";

enum {
	MIB = 1024 * 1024,
	KERNEL_MAX = 256 * MIB,
	INITRD_MAX = 1024 * MIB,
	MEMORY_MIB_MAX = 64 * MIB, /* 64 TiB */
};

struct measure_options {
	const char *kernel, *initrd, *cmdline;
	uint64_t memory_mib;
	bool is_json;
};

static int load(struct buf *out, const char *path, size_t max)
{
	enum rc rc;

	buf_init(out, max);
	rc = file_read(out, path);
	if (!rc)
		return CLI_OK;
	fprintf(stderr, "postern measure: %s: %s\n", path,
		rc == RC_SYS ? strerror(errno) : "too large");
	return CLI_USAGE;
}

static int refuse(const struct measure_options *o, enum rc rc)
{
	const char *why = "its boot protocol or sections are not supported";

	if (rc == RC_MALFORMED)
		why = "not a bzImage with an EFI stub";
	else if (rc == RC_LIMIT)
		why = "the initrd does not fit into that memory";
	fprintf(stderr, "postern measure: %s: %s\n", o->kernel, why);
	return CLI_REFUSED;
}

static void print(const struct sha384 rtmr[2], bool is_json)
{
	char hex[2][97] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		struct wr w = wr_over(hex[i], 96);

		text_hex(&w, SPAN_ARRAY(rtmr[i].b));
	}
	printf(is_json ? "{\n  \"rtmr1\": \"%s\",\n  \"rtmr2\": \"%s\"\n}\n"
		       : "rtmr1 %s\nrtmr2 %s\n",
	       hex[0], hex[1]);
}

static int measure(const struct measure_options *o)
{
	AUTO(buf_fini)
	struct buf kernel = { 0 };
	AUTO(buf_fini)
	struct buf initrd = { 0 };
	struct sha384 digest, rtmr[2];
	struct linux_boot b;
	enum rc rc;

	if (load(&kernel, o->kernel, KERNEL_MAX) ||
	    load(&initrd, o->initrd, INITRD_MAX))
		return CLI_USAGE;
	b = (struct linux_boot){
		.kernel = buf_span(&kernel),
		.initrd = buf_span(&initrd),
		.cmdline = span_str(o->cmdline),
		.memory = o->memory_mib * MIB,
	};
	rc = linux_kernel(&digest, &b);
	if (rc)
		return refuse(o, rc);
	if (linux_rtmr2(&rtmr[1], &b))
		return cli_usage("measure", "--cmdline: expected printable "
					    "ASCII; --initrd: not empty");
	linux_rtmr1(&rtmr[0], &digest);
	print(rtmr, o->is_json);
	return CLI_OK;
}

int cli_measure(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "memory", required_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct measure_options o = { 0 };
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(measure_help, stdout);
			return CLI_OK;
		}
		if (c == 'k')
			o.kernel = optarg;
		else if (c == 'i')
			o.initrd = optarg;
		else if (c == 'c')
			o.cmdline = optarg;
		else if (c == 'j')
			o.is_json = true;
		else if (c != 'm')
			return CLI_USAGE;
		else if (!text_u64(&o.memory_mib, span_str(optarg),
				   MEMORY_MIB_MAX))
			return cli_usage("measure",
					 "--memory: expected MiB, such as "
					 "2048");
	}
	if (optind != argc || !o.kernel || !o.initrd || !o.cmdline ||
	    !o.memory_mib)
		return cli_usage("measure", "expected --kernel, --initrd, "
					    "--cmdline and --memory");
	return measure(&o);
}
