/* modules.c - the files mapped as code in the target, kept up with /proc/PID/maps. */
#include "code_files.h"
#include "files.h"
#include "modules.h"
#include "say.h"

#include <errno.h>
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

static struct module *known(struct process *p, const struct code_file *file)
{
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        if (m->start == file->start && (strcmp(m->path, file->first->path) == 0 ||
                                        is_deleted_form(file->first->path, m->path)))
            return m;
    }
    return NULL;
}

struct module *module_around(const struct process *p, uint64_t address)
{
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        if (address >= m->start && address < m->end)
            return m;
    }
    return NULL;
}

/* Its bias; a file that does not lie there as its headers say names nothing. */
static void place(struct host *h, struct module *m, const struct code_file *file)
{
    if (!m->has_elf || code_file_bias(file, &m->elf, &m->bias))
        return;
    module_close(h, m);
    m->bias = file->start - file->first->offset;
}

/* A dynamic loader announces changes of its list, and needs no loader itself. */
static bool is_loader_file(const struct module *m)
{
    struct elf_symbol symbol;
    return m->has_elf && elf_interp(&m->elf) == NULL && m->elf.type == ET_DYN &&
           !elf_is_pie(&m->elf) && elf_function(&m->elf, "_dl_debug_state", &symbol);
}

static enum role role_of(const struct process *p, const struct module *m)
{
    bool own = p->executable != NULL && strcmp(m->path, p->executable) == 0;
    if (strcmp(m->path, "[vdso]") == 0)
        return ROLE_VDSO;
    if (p->base != 0 && (m->start == p->base || m->bias == p->base))
        return ROLE_LOADER;
    if (p->base == 0 && own && is_loader_file(m))
        return ROLE_LOADER;
    return own ? ROLE_EXECUTABLE : ROLE_LIBRARY;
}

static void announce(struct host *h, const struct process *p, const struct module *m)
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
    if (m->has_elf && build_id[0] == 0) /* nothing else tells it from another one of its name */
        json_number(&h->json, "mtime_ns", m->elf.mtime_ns);
    json_text(&h->json, "role", role_names[m->role]);
    json_number(&h->json, "image", p->image);
    json_number(&h->json, "loaded_ns", h->last_ns);
    spool_json(&h->spool, &h->json);
    history_module(h->history, pid_of(p), m->id, m->start, m->end);
}

static void find(struct host *h, const struct process *p, struct module *m,
                 const struct mapping *first)
{
    static const uint32_t starts[] = {[ROLE_EXECUTABLE] = 1, [ROLE_LOADER] = 2, [ROLE_VDSO] = 0};
    if (!m->has_elf)
        return;
    m->has_own_code = module_has_own_code(p, m, first);
    m->found = findings_of(&h->known, &m->elf, starts[m->role], !m->has_own_code);
    if (m->found == NULL)
        module_close(h, m);
}

static void add(struct host *h, struct process *p, const struct code_file *file)
{
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
                         .bias = file->has_bias ? file->bias : file->start - file->first->offset,
                         .seen = true};
    module_open(h, p, m, file->first);
    place(h, m, file);
    m->role = role_of(p, m);
    find(h, p, m, file->first);
    announce(h, p, m);
}

static unsigned holders(const struct host *h, const struct module *m)
{
    unsigned count = 0;
    for (size_t i = 0; i < h->process_count; i++)
        for (size_t k = 0; k < h->processes[i]->module_count; k++)
            count += h->processes[i]->modules[k] == m;
    return count;
}

static void release(struct host *h, struct module *m)
{
    must(holders(h, m) == m->shared + 1,
         "a file of code is shared by those who have it in their list");
    if (m->shared > 0) {
        m->shared--;
        return;
    }
    module_close(h, m);
    findings_leave(&h->known, m->found);
    free(m->path);
    free(m);
}

static void drop_unseen(struct host *h, struct process *p)
{
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
        history_unmodule(h->history, pid_of(p), p->modules[i]->id);
        release(h, p->modules[i]);
    }
    p->module_count = kept;
}

static bool read_memory(const void *context, uint64_t address, void *bytes, size_t size)
{
    return tracee_read(context, address, bytes, size);
}

void modules_look(struct host *h, struct process *p, const struct maps *maps)
{
    struct code_file *files = calloc(maps->count + 1, sizeof *files);
    if (files == NULL)
        return;
    /* All of them: one that is followed and missing from the list would be taken for gone. */
    size_t count = code_files(maps, read_memory, &p->tracee, files, maps->count);
    for (size_t i = 0; i < p->module_count; i++)
        p->modules[i]->seen = false;
    for (size_t i = 0; i < count; i++) {
        struct module *m = known(p, &files[i]);
        if (m != NULL)
            m->seen = true;
        else
            add(h, p, &files[i]);
    }
    drop_unseen(h, p);
    free(files);
}

bool modules_are_known(struct process *p)
{
    struct maps maps;
    bool are = true;
    struct code_file *files = NULL;
    if (maps_read(&maps, p->tracee.pid))
        files = calloc(maps.count + 1, sizeof *files);
    size_t count = files ? code_files(&maps, read_memory, &p->tracee, files, maps.count) : 0;
    for (size_t i = 0; i < count; i++)
        are &= known(p, &files[i]) != NULL;
    free(files);
    maps_free(&maps);
    return are;
}

void modules_forget(struct host *h, struct process *p)
{
    for (size_t i = 0; i < p->module_count; i++)
        release(h, p->modules[i]);
    p->module_count = 0;
}
