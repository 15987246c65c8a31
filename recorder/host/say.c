/* say.c - sentences for the report (say.h). */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static void say(struct host *h, const char *type, const char *kind, const char *format,
                va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, arguments);
    json_begin(&h->json, type);
    if (kind)
        json_text(&h->json, "kind", kind);
    json_text(&h->json, "text", text);
    spool_json(&h->spool, &h->json);
}

void say_note(struct host *h, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(h, "note", NULL, format, arguments);
    va_end(arguments);
}

void say_unseen(struct host *h, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(h, "unseen", kind, format, arguments);
    va_end(arguments);
}

void say_lost(struct host *h, uint64_t count, const char *reason)
{
    h->lost += count;
    json_begin(&h->json, "lost");
    json_number(&h->json, "count", count);
    json_text(&h->json, "reason", reason);
    spool_json(&h->spool, &h->json);
}

void say_unfollowed(struct host *h, const struct process *p, const char *program,
                    const char *reason)
{
    json_begin(&h->json, "unfollowed");
    json_number(&h->json, "pid", pid_of(p));
    json_text(&h->json, "program", program);
    json_text(&h->json, "reason", reason);
    json_number(&h->json, "t_ns", h->last_ns);
    spool_json(&h->spool, &h->json);
}
