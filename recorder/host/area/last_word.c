/* last_word.c - what the kernel does when we have died (last_word.h). */
#include "last_word.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/futex.h, struct robust_list_head; each entry is the address of the next. The list leads
 * through the target's memory: if that damages it, its own threads are not told. */
static struct {
    void *first;
    long to_word; /* from an entry to its futex */
    void *pending;
} list;

void last_word_prepare(struct host *h)
{
    void *next = &list;
    list.first = next;
    for (unsigned i = 0; i < h->family_top; i++) {
        struct area_head *area = h->families[i].used ? h->families[i].area : NULL;
        if (area == NULL)
            continue;
        area->host_list = (uint64_t)next;
        next = &area->host_list;
        if (area->host == 0)
            area->host = (uint32_t)syscall(SYS_gettid);
    }
    list.to_word =
        (long)offsetof(struct area_head, host) - (long)offsetof(struct area_head, host_list);
    list.first = next;
    syscall(SYS_set_robust_list, &list, sizeof list);
}
