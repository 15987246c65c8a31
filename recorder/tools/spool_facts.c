/* spool_facts.c - the members of an information record, by name. */
#include "spool_facts.h"

#include <stdio.h>
#include <string.h>
#include "flat_json.h"

static void keep(struct facts *facts, const struct member *member)
{
    struct {
        const char *name;
        uint64_t *number;
        char *text;
        size_t room;
    } known[] = {
        {"type", NULL, facts->type, sizeof facts->type},
        {"name", NULL, facts->name, sizeof facts->name},
        {"impl", NULL, facts->impl, sizeof facts->impl},
        {"phase", NULL, facts->phase, sizeof facts->phase},
        {"arguments", NULL, facts->arguments, sizeof facts->arguments},
        {"returns", NULL, facts->returns, sizeof facts->returns},
        {"id", &facts->id, NULL, 0},
        {"index", &facts->index, NULL, 0},
        {"pid", &facts->pid, NULL, 0},
        {"started_ns", &facts->started, NULL, 0},
        {"start", &facts->start, NULL, 0},
        {"end", &facts->end, NULL, 0},
        {"brk", &facts->brk, NULL, 0},
        {"tid", &facts->tid, NULL, 0},
        {"value", &facts->value, NULL, 0},
        {"t_ns", &facts->t_ns, NULL, 0},
    };
    for (size_t at = 0; at < sizeof known / sizeof *known; at++) {
        if (strcmp(member->name, known[at].name))
            continue;
        if (known[at].number && member->is_number)
            *known[at].number = member->number;
        if (known[at].text && member->is_text)
            snprintf(known[at].text, known[at].room, "%s", member->text);
        facts->has_started |= known[at].number == &facts->started && member->is_number;
        facts->has_impl |= known[at].text == facts->impl && member->is_text;
        facts->has_arguments |= known[at].text == facts->arguments && member->is_text;
    }
}

void facts_read(struct facts *facts, const char *json, size_t length)
{
    struct flat_json object = {.at = json, .end = json + length};
    struct member member;
    while (flat_json_next(&object, &member))
        keep(facts, &member);
}
