/* flat_json.c - a reader for the engine's own records: lenient, and safe with anything else. */
#include "flat_json.h"

#include <ctype.h>
#include <string.h>

static int peek(struct flat_json *json)
{
    while (json->at < json->end && isspace((unsigned char)*json->at))
        json->at++;
    return json->at < json->end ? (unsigned char)*json->at : -1;
}

static int take(struct flat_json *json, int wanted)
{
    if (peek(json) != wanted)
        return 0;
    json->at++;
    return 1;
}

static unsigned hex4(struct flat_json *json)
{
    unsigned value = 0;
    for (int digit = 0; digit < 4 && json->at < json->end; digit++) {
        int c = tolower((unsigned char)*json->at++);
        value = value * 16 + (unsigned)(isdigit(c)             ? c - '0'
                                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                               : 0);
    }
    return value;
}

/* The character after a backslash, as a byte; what is not ASCII becomes '?'. */
static char escaped(struct flat_json *json)
{
    static const char names[] = "nrtbf", values[] = "\n\r\t\b\f";
    char c = *json->at++;
    const char *found = memchr(names, c, sizeof names - 1);
    if (c == 'u') {
        unsigned value = hex4(json);
        return value < 128 ? (char)value : '?';
    }
    return found ? values[found - names] : c;
}

/* A string, cut to `room`; 0: there is none. */
static int text(struct flat_json *json, char *to, size_t room)
{
    size_t used = 0;
    if (!take(json, '"'))
        return 0;
    while (json->at < json->end && *json->at != '"') {
        char c = *json->at++;
        if (c == '\\' && json->at < json->end)
            c = escaped(json);
        if (used + 1 < room)
            to[used++] = c;
    }
    to[used] = 0;
    if (json->at == json->end)
        return 0;
    json->at++;
    return 1;
}

static void number(struct flat_json *json, struct member *member)
{
    int is_good = 1;
    for (; json->at < json->end && strchr("+-.eE0123456789", *json->at) && *json->at; json->at++) {
        uint64_t digit = (uint64_t)(*json->at - '0');
        if (digit > 9 || member->number > (UINT64_MAX - digit) / 10)
            is_good = 0;
        else
            member->number = member->number * 10 + digit;
    }
    member->is_number = is_good;
}

/* Pass over a list, an object or a word. */
static void skip(struct flat_json *json)
{
    int depth = 0;
    char rest[2];
    do {
        int c = peek(json);
        if (c == '"') {
            if (!text(json, rest, sizeof rest))
                json->at = json->end;
            continue;
        }
        if (c == -1 || (!depth && (c == ',' || c == '}')))
            return;
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        json->at++;
    } while (json->at < json->end);
}

int flat_json_next(struct flat_json *json, struct member *member)
{
    memset(member, 0, sizeof *member);
    if (!take(json, json->is_begun ? ',' : '{') || !text(json, member->name, sizeof member->name) ||
        !take(json, ':'))
        return 0;
    json->is_begun = 1;
    int c = peek(json);
    if (c == '"')
        member->is_text = text(json, member->text, sizeof member->text);
    else if (isdigit(c) || c == '-')
        number(json, member);
    else
        skip(json);
    return 1;
}
