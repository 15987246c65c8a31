/* modules.c - the files mapped as code in the target, kept up with /proc/PID/maps. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const role_names[] = {"library", "executable", "loader", "vdso"};
#define DELETED " (deleted)"

static bool is_deleted_form(const char *seen, const char *known)
{
    size_t length = strlen(known);
    return strncmp(seen, known, length) == 0 && strcmp(seen + length, DELETED) == 0;
}

static struct module *find(struct process *p, const struct code_file *file)
{
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        if (m->start == file->start && (strcmp(m->path, file->first->path) == 0 ||
                                        is_deleted_form(file->first->path, m->path)))
            return m;
    }
    return NULL;
}

struct module *module_around(struct host *h, uint64_t address)
{
    for (size_t i = 0; i < h->process->module_count; i++) {
        struct module *m = h->process->modules[i];
        if (address >= m->start && address < m->end)
            return m;
    }
    return NULL;
}

static void read_vdso(struct host *h, struct module *m)
{
    size_t size = m->end - m->start;
    void *copy = malloc(size); /* lives as long as the module's view of it */
    if (copy != NULL && tracee_read(&h->process->tracee, m->start, copy, size))
        m->has_elf = elf_open_memory(&m->elf, copy, size) == 0;
}

/* Whether it begins as what is mapped does, its build id most often included. */
static bool is_same(struct host *h, const struct module *m, const struct mapping *first)
{
    uint8_t mapped[1024];
    uint64_t left = m->elf.size - first->offset;
    size_t size = left < sizeof mapped ? left : sizeof mapped;
    const uint8_t *bytes =
        first->offset < m->elf.size ? elf_at(&m->elf, first->offset, size) : NULL;
    return bytes != NULL && (first->writable || /* the program may have changed it */
                             (tracee_read(&h->process->tracee, m->start, mapped, size) &&
                              memcmp(mapped, bytes, size) == 0));
}

static bool open_file(struct host *h, struct module *m, const struct mapping *first,
                      const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    m->has_elf = fd >= 0 && elf_open_fd(&m->elf, fd, m->path) == 0;
    if (fd >= 0)
        close(fd);
    if (m->has_elf && !is_same(h, m, first)) {
        elf_close(&m->elf);
        m->has_elf = false;
    }
    return m->has_elf;
}

/* The file itself; or the one of that path that the target sees, in a container or changed root; or
 * what /proc still knows of it: made with memfd_create, or deleted. */
static void read_file(struct host *h, struct module *m, const struct mapping *first)
{
    char path[4200];
    int pid = h->process->tracee.pid;
    if (m->path[0] != '/') {
        read_vdso(h, m);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, m->path);
    if (open_file(h, m, first, m->path) || open_file(h, m, first, path) ||
        h->process->executable == NULL || strcmp(m->path, h->process->executable) != 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    open_file(h, m, first, path);
}

/* A dynamic loader announces changes of its list, and needs no loader itself. */
static bool is_loader_file(const struct module *m)
{
    struct elf_symbol symbol;
    return m->has_elf && elf_interp(&m->elf) == NULL && m->elf.type == ET_DYN &&
           !elf_is_pie(&m->elf) && elf_function(&m->elf, "_dl_debug_state", &symbol);
}

static enum role role_of(const struct host *h, const struct module *m)
{
    const struct process *p = h->process;
    bool own = p->executable != NULL && strcmp(m->path, p->executable) == 0;
    if (strcmp(m->path, "[vdso]") == 0)
        return ROLE_VDSO;
    if (p->base != 0 && m->start == p->base)
        return ROLE_LOADER;
    if (p->base == 0 && own && is_loader_file(m))
        return ROLE_LOADER;
    return own ? ROLE_EXECUTABLE : ROLE_LIBRARY;
}

static void announce(struct host *h, const struct module *m)
{
    char build_id[ELF_BUILD_ID_ROOM] = "";
    if (m->has_elf)
        elf_build_id(&m->elf, build_id);
    json_begin(&h->json, "module");
    json_number(&h->json, "id", m->id);
    json_text(&h->json, "path", m->path);
    json_number(&h->json, "base", m->bias);
    json_number(&h->json, "start", m->start);
    json_number(&h->json, "end", m->end);
    json_text(&h->json, "build_id", build_id);
    json_text(&h->json, "role", role_names[m->role]);
    json_number(&h->json, "image", h->process->image);
    json_number(&h->json, "loaded_ns", h->last_ns);
    spool_json(&h->spool, &h->json);
    history_module(h->history, pid_of(h), m->id, m->start, m->end);
}

static void add(struct host *h, const struct code_file *file)
{
    struct process *p = h->process;
    if (p->module_count == MAX_MODULES) {
        if (!p->is_overfull)
            say_lost(h, 1, "more files of code than the recorder can follow");
        p->is_overfull = true;
        return;
    }
    struct module *m = malloc(sizeof *m);
    if (m == NULL)
        return;
    p->modules[p->module_count++] = m;
    *m = (struct module){.id = h->next_module++,
                         .path = strdup(file->first->path),
                         .start = file->start,
                         .end = file->end,
                         .bias = file->start - file->first->offset,
                         .seen = true};
    read_file(h, m, file->first);
    if (m->has_elf)
        m->bias = m->start - elf_lowest_vaddr(&m->elf);
    m->role = role_of(h, m);
    announce(h, m);
}

static void release(struct module *m)
{
    if (m->shared > 0) {
        m->shared--;
        return;
    }
    if (m->has_elf) {
        const void *copy = m->role == ROLE_VDSO ? m->elf.data : NULL;
        elf_close(&m->elf);
        free((void *)copy);
    }
    frames_free(&m->frames);
    free(m->path);
    free(m);
}

static void drop_unseen(struct host *h)
{
    struct process *p = h->process;
    size_t kept = 0;
    for (size_t i = 0; i < p->module_count; i++) {
        if (p->modules[i]->seen) {
            p->modules[kept++] = p->modules[i];
            continue;
        }
        if (p->modules[i]->shared == 0) { /* else another process has it still */
            json_begin(&h->json, "unmodule");
            json_number(&h->json, "id", p->modules[i]->id);
            json_number(&h->json, "t_ns", h->last_ns);
            spool_json(&h->spool, &h->json);
        }
        history_unmodule(h->history, pid_of(h), p->modules[i]->id);
        release(p->modules[i]);
    }
    p->module_count = kept;
}

static void look(struct host *h)
{
    struct process *p = h->process;
    struct maps maps;
    bool is_read = maps_read(&maps, p->tracee.pid);
    struct code_file *files = is_read ? calloc(maps.count + 1, sizeof *files) : NULL;
    if (files == NULL) {
        maps_free(&maps);
        return;
    }
    /* All of them: one that is followed and missing from the list would be taken for gone. */
    size_t count = maps_code_files(&maps, files, maps.count);
    for (size_t i = 0; i < p->module_count; i++)
        p->modules[i]->seen = false;
    for (size_t i = 0; i < count; i++) {
        struct module *m = find(p, &files[i]);
        if (m != NULL)
            m->seen = true;
        else
            add(h, &files[i]);
    }
    drop_unseen(h);
    free(files);
    maps_free(&maps);
}

void modules_read(struct host *h)
{
    look(h);
    for (size_t i = 0; i < h->process->module_count; i++) {
        struct module *m = h->process->modules[i];
        if (!m->read)
            tables_add(h, m);
        m->read = true;
    }
}

void modules_plan(struct host *h)
{
    modules_read(h);
    for (size_t i = 0; i < h->process->module_count; i++) {
        struct module *m = h->process->modules[i];
        if (m->hooked)
            continue;
        m->hooked = true;
        hooks_plant(h, m);
        borders_watch(h, m);
    }
}

void modules_update(struct host *h)
{
    modules_plan(h);
    if (h->process->module_count > 0)
        tables_publish(h);
}

void modules_forget(struct host *h)
{
    for (size_t i = 0; i < h->process->module_count; i++)
        release(h->process->modules[i]);
    h->process->module_count = 0;
}
