/* modules.c - the files mapped as code in the target, kept up with /proc/PID/maps. */
#include "code_files.h"
#include "host.h"

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

static void close_file(struct host *h, struct module *m)
{
    const void *copy = m->role == ROLE_VDSO ? m->elf.data : NULL;
    if (m->view != NULL)
        views_close(&h->views, m->view, &m->elf);
    else if (m->has_elf)
        elf_close(&m->elf);
    free((void *)copy);
    m->view = NULL;
    m->has_elf = false;
}

static bool open_file(struct host *h, struct module *m, const struct mapping *first,
                      const char *path)
{
    m->view = views_open(&h->views, path, &m->elf);
    m->has_elf = m->view != NULL;
    m->elf.path = m->path;
    if (m->has_elf && !is_same(h, m, first))
        close_file(h, m);
    return m->has_elf;
}

/* The file itself; or the one of that path that the target sees, in a container or changed root; or
 * what /proc still knows of it: made with memfd_create, or deleted. The last is for the privileged. */
static void read_file(struct host *h, struct module *m, const struct mapping *first)
{
    char path[4200];
    const char *executable = h->process->executable;
    int pid = h->process->tracee.pid;
    if (m->path[0] != '/') {
        read_vdso(h, m);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, m->path);
    if (open_file(h, m, first, m->path) || open_file(h, m, first, path))
        return;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (executable != NULL && strcmp(m->path, executable) == 0 && open_file(h, m, first, path))
        return;
    snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", pid, first->start, first->end);
    open_file(h, m, first, path);
}

/* Its bias; a file that does not lie there as its headers say names nothing. */
static void place(struct module *m, const struct code_file *file)
{
    if (!m->has_elf || code_file_bias(file, &m->elf, &m->bias))
        return;
    elf_close(&m->elf);
    m->has_elf = false;
    m->bias = file->start - file->first->offset;
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
    if (p->base != 0 && (m->start == p->base || m->bias == p->base))
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

/* A thing that runs may have changed its code, a file without position-independent code is changed
 * by the loader, and the file of that path may be another by now. */
static bool may_differ(const struct host *h, const struct module *m, const struct mapping *first)
{
    uint64_t value;
    return h->deferred != NULL || first->inode != m->elf.inode || first->writable ||
           elf_dynamic(&m->elf, DT_TEXTREL, &value) ||
           (elf_dynamic(&m->elf, DT_FLAGS, &value) && value & DF_TEXTREL);
}

static bool is_same_code(struct host *h, const struct module *m, const Elf64_Phdr *segment)
{
    static uint8_t there[1 << 16];
    struct elf_bytes held = elf_stored(&m->elf, segment->p_vaddr);
    for (size_t at = 0; at < held.size; at += sizeof there) {
        size_t size = held.size - at < sizeof there ? held.size - at : sizeof there;
        if (!tracee_read(&h->process->tracee, m->bias + segment->p_vaddr + at, there, size) ||
            memcmp(there, held.at + at, size) != 0)
            return false;
    }
    return true;
}

static bool has_own_code(struct host *h, const struct module *m, const struct mapping *first)
{
    Elf64_Phdr segment;
    if (m->role == ROLE_VDSO || !may_differ(h, m, first))
        return false;
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && segment.p_flags & PF_X && !is_same_code(h, m, &segment))
            return true;
    return false;
}

static void find(struct host *h, struct module *m, const struct mapping *first)
{
    static const uint32_t starts[] = {[ROLE_EXECUTABLE] = 1, [ROLE_LOADER] = 2, [ROLE_VDSO] = 0};
    if (!m->has_elf)
        return;
    m->has_own_code = has_own_code(h, m, first);
    m->found = findings_of(&h->known, &m->elf, starts[m->role], !m->has_own_code);
    if (m->found == NULL)
        close_file(h, m);
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
                         .bias = file->has_bias ? file->bias : file->start - file->first->offset,
                         .seen = true};
    read_file(h, m, file->first);
    place(m, file);
    m->role = role_of(h, m);
    find(h, m, file->first);
    announce(h, m);
}

static void release(struct host *h, struct module *m)
{
    if (m->shared > 0) {
        m->shared--;
        return;
    }
    close_file(h, m);
    findings_leave(&h->known, m->found);
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
        json_begin(&h->json, "unmodule");
        json_number(&h->json, "id", p->modules[i]->id);
        json_number(&h->json, "t_ns", h->last_ns);
        spool_json(&h->spool, &h->json);
        history_unmodule(h->history, pid_of(h), p->modules[i]->id);
        release(h, p->modules[i]);
    }
    p->module_count = kept;
}

static bool read_memory(const void *context, uint64_t address, void *bytes, size_t size)
{
    return tracee_read(context, address, bytes, size);
}

static void look(struct host *h, const struct maps *maps)
{
    struct process *p = h->process;
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
            add(h, &files[i]);
    }
    drop_unseen(h);
    free(files);
}

static void plan(struct host *h, const struct maps *maps)
{
    look(h, maps);
    for (size_t i = 0; i < h->process->module_count; i++) {
        struct module *m = h->process->modules[i];
        if (!m->read)
            tables_add(h, m);
        m->read = true;
    }
    for (size_t i = 0; i < h->process->module_count; i++) {
        struct module *m = h->process->modules[i];
        if (m->hooked)
            continue;
        m->hooked = true;
        hooks_plant(h, m);
        borders_watch(h, m);
    }
}

void modules_plan(struct host *h)
{
    struct maps maps;
    if (maps_read(&maps, h->process->tracee.pid))
        plan(h, &maps);
    maps_free(&maps);
}

bool modules_are_known(struct host *h)
{
    struct maps maps;
    bool are = true;
    struct code_file *files = NULL;
    if (maps_read(&maps, h->process->tracee.pid))
        files = calloc(maps.count + 1, sizeof *files);
    size_t count =
        files ? code_files(&maps, read_memory, &h->process->tracee, files, maps.count) : 0;
    for (size_t i = 0; i < count; i++)
        are &= known(h->process, &files[i]) != NULL;
    free(files);
    maps_free(&maps);
    return are;
}

void modules_update(struct host *h)
{
    struct maps maps;
    if (maps_read(&maps, h->process->tracee.pid)) {
        plan(h, &maps);
        if (h->process->module_count > 0)
            tables_publish(h, &maps);
    }
    maps_free(&maps);
}

void modules_forget(struct host *h)
{
    for (size_t i = 0; i < h->process->module_count; i++)
        release(h, h->process->modules[i]);
    h->process->module_count = 0;
}
