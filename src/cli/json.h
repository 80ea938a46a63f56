/*
 * json: the commands' words for jansson: setting members in the forms that all
 * of them print alike, and printing.
 *
 * jansson's only failure here is want of memory, which aborts as base/mem does.
 */
#ifndef POSTERN_CLI_JSON_H
#define POSTERN_CLI_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/span.h"

/* Take the value. */
void jset(json_t *object, const char *key, json_t *value);
void jadd(json_t *array, json_t *value);

/* UTF-8, such as our own words and names; null for what is not. */
void jset_text(json_t *object, const char *key, const char *text);
/* null for "", too. */
void jset_text_if_any(json_t *object, const char *key, const char *text);
/* Lower-case digits. */
void jset_hex(json_t *object, const char *key, struct span bytes);
/* 16 of them. */
void jset_bits(json_t *object, const char *key, uint64_t bits);
/* "2026-03-01T00:00:00Z"; null for 0, which stands for none. */
void jset_time(json_t *object, const char *key, int64_t at);

/* The text of a member, borrowed; "" where it is no text. */
const char *jtext(const json_t *object, const char *key);
/* The member is there and true. */
bool jtrue(const json_t *object, const char *key);

/* Indented, and a line end. */
void jprint(FILE *to, const json_t *value);
/* Owned; NULL when the file is no regular one, larger than 4 MiB or no JSON. */
json_t *jload(const char *path);
/* For AUTO(). */
void jfree(json_t **value);

#endif
