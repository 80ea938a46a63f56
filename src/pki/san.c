#include "pki/san.h"

#include "base/mem.h"

enum {
	DNS_NAME_MAX = 253,
	IPV4_LEN = 4,
	IPV6_LEN = 16,
};

static void auto_general(GENERAL_NAME **name)
{
	GENERAL_NAME_free(*name);
}

static bool has_length(const struct request_name *name)
{
	size_t n = name->value.n;

	if (name->kind == REQUEST_DNS)
		return n >= 1 && n <= DNS_NAME_MAX;
	return n == IPV4_LEN || n == IPV6_LEN;
}

static GENERAL_NAME *general_of(const struct request_name *name)
{
	const bool is_dns = name->kind == REQUEST_DNS;
	AUTO(auto_general)
	GENERAL_NAME *out = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(
		is_dns ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	mem_need(out);
	mem_need(value);
	GENERAL_NAME_set0_value(out, is_dns ? GEN_DNS : GEN_IPADD, value);
	if (ASN1_STRING_set(value, name->value.p, (int)name->value.n) != 1)
		return NULL;
	return STEAL(out);
}

GENERAL_NAMES *san_of(const struct request_name *names, size_t count)
{
	AUTO(san_auto)
	GENERAL_NAMES *out = mem_need(GENERAL_NAMES_new());

	for (size_t i = 0; i < count; i++) {
		GENERAL_NAME *name;

		if (!has_length(&names[i]))
			return NULL;
		name = mem_need(general_of(&names[i]));
		if (sk_GENERAL_NAME_push(out, name) <= 0) {
			GENERAL_NAME_free(name);
			return NULL;
		}
	}
	return STEAL(out);
}

void san_auto(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}
