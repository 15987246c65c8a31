/* flat_json.h - reads the members of a JSON object that are numbers or short texts. */
#ifndef BRKPOINT_FLAT_JSON_H
#define BRKPOINT_FLAT_JSON_H

#include <stddef.h>
#include <stdint.h>

struct member {
    char name[32];
    int is_number, is_text; /* number: an integer from 0 to 2^64 - 1; neither: something else */
    uint64_t number;
    char text[256]; /* longer ones are cut off */
};

struct flat_json {
    const char *at, *end;
    int is_begun, is_broken;
};

/* The next member of the object; 0: there is none. What is broken ends it. */
int flat_json_next(struct flat_json *json, struct member *member);

#endif
