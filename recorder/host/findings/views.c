/* views.c - files that stay open for the next process that maps them (views.h). */
#include "views.h"
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MOST_IDLE 256

struct view {
    struct elf elf; /* its `path` is of its first user, and not used */
    unsigned users;
    bool may_share;
    uint64_t used_at;
};

/* The same file with the same content: not where it may be written to within one tick of its time. */
static bool is_settled(const struct elf *elf)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return elf->ctime_ns < time && time - elf->ctime_ns > ELF_SETTLED_NS;
}

static bool is_same(const struct elf *elf, const struct stat *status)
{
    struct elf now;
    elf_identify(&now, status);
    return now.identity == elf->identity && now.inode == elf->inode && now.size == elf->size &&
           now.mtime_ns == elf->mtime_ns && now.ctime_ns == elf->ctime_ns;
}

static struct view *find(struct views *views, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return NULL;
    for (size_t i = 0; i < views->count; i++)
        if (views->list[i]->may_share && is_same(&views->list[i]->elf, &status))
            return views->list[i];
    return NULL;
}

static void drop(struct views *views, size_t index)
{
    elf_close(&views->list[index]->elf);
    free(views->list[index]);
    views->list[index] = views->list[--views->count];
}

static void make_room(struct views *views)
{
    size_t idle = 0, oldest = views->count;
    for (size_t i = 0; i < views->count; i++) {
        if (views->list[i]->users > 0)
            continue;
        idle++;
        if (oldest == views->count || views->list[i]->used_at < views->list[oldest]->used_at)
            oldest = i;
    }
    if (idle > MOST_IDLE)
        drop(views, oldest);
}

static struct view *open_new(struct views *views, const char *path, struct elf *elf)
{
    struct view **list =
        with_room_for_one(views->list, views->count, &views->room, 64, sizeof *list);
    struct view *view = list ? calloc(1, sizeof *view) : NULL;
    if (list != NULL)
        views->list = list;
    if (view == NULL || elf_open(&view->elf, path) != 0) {
        *elf = (struct elf){.error = view ? view->elf.error : "no memory"};
        free(view);
        return NULL;
    }
    view->may_share = is_settled(&view->elf);
    return views->list[views->count++] = view;
}

struct view *views_open(struct views *views, const char *path, struct elf *elf)
{
    struct view *view = find(views, path);
    if (view == NULL)
        view = open_new(views, path, elf);
    if (view == NULL)
        return NULL;
    view->users++;
    view->used_at = ++views->clock;
    *elf = view->elf;
    elf->mapped = false; /* the view is unmapped and freed, not the copy */
    elf->unpacked = NULL;
    elf->path = path;
    return view;
}

void views_close(struct views *views, struct view *view, struct elf *elf)
{
    elf_close(elf);
    view->users--;
    for (size_t i = 0; !view->may_share && i < views->count; i++)
        if (views->list[i] == view) {
            drop(views, i);
            return;
        }
    make_room(views);
}
