/* detour_storm.c - runs a program with every function and every system call of it detoured.
 *
 *   detour_storm REPORT PROGRAM ARGUMENT…
 *
 * The program must behave and end as ever; what was planted and what was passed goes to the file REPORT as
 * `name value` lines. In front of each system call the number that was read out of the code is
 * compared with the one in the register.
 */
#define _GNU_SOURCE
#include "functions_of.h"
#include "host/code/branches.h"
#include "host/code/syscall_detour.h"
#include "stopped_child.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { MAPPINGS = 512, IDS = 1 << 17, EXPECT_ANY = -1 };

/* Shared with the program. */
struct shared {
    uint64_t entered, before, after, wrong_number;
    int32_t expected[IDS]; /* number of the system call of this id */
};

/* The thunks: planted at the start of each module's code area. */
__asm__(".pushsection .rodata\n"
        ".globl storm_thunks, storm_before, storm_after, storm_shared, storm_thunks_end\n"
        "storm_thunks:\n" /* an entry */
        "  pushfq; push %rax; mov storm_shared(%rip), %rax; lock incq (%rax)\n"
        "  pop %rax; popfq; ret\n"
        "storm_before:\n" /* id: 8(%rsp), behind three pushes 32(%rsp) */
        "  pushfq; push %rbx; push %rcx; mov storm_shared(%rip), %rbx; lock incq 8(%rbx)\n"
        "  mov 32(%rsp), %ecx; mov 32(%rbx,%rcx,4), %ecx; cmp $-1, %ecx; je 1f\n"
        "  cmp %eax, %ecx; je 1f; lock incq 24(%rbx); 1:\n"
        "  pop %rcx; pop %rbx; popfq; ret\n"
        "storm_after:\n"
        "  pushfq; push %rax; mov storm_shared(%rip), %rax; lock incq 16(%rax)\n"
        "  pop %rax; popfq; ret\n"
        "storm_shared: .quad 0\n"
        "storm_thunks_end:\n"
        ".popsection\n");
extern const uint8_t storm_thunks[], storm_before[], storm_after[], storm_shared[],
    storm_thunks_end[];

/* One module of the program, and the area for its detours. */
struct module {
    const struct child *child;
    struct elf *elf;
    uint64_t bias, area, used;
    size_t area_size;
    struct labels taken; /* vaddrs that are overwritten or were moved */
};

static struct {
    struct shared *shared;
    uint64_t shared_in_child, ids;
    uint64_t entries, entries_refused, sites, sites_refused;
} storm;

static bool is_taken(struct module *m, const struct moved *moved)
{
    uint64_t low = moved->patch, high = low + moved->displaced;
    if (labels_between(&m->taken, low, high))
        return true;
    for (; low < high; low++)
        labels_add(&m->taken, low);
    return false;
}

/* Writes the jump, and the detour, which begins with `hook` bytes. */
static bool plant(struct module *m, const struct moved *moved, const struct emitter *hook)
{
    uint8_t jump[JUMP_BYTES];
    uint64_t at = m->area + m->used;
    struct moved placed = *moved;
    placed.patch += m->bias;
    if (is_taken(m, moved) || !detour_jump(&placed, at, jump))
        return false;
    if (hook)
        poke(m->child, at, hook->bytes, hook->length);
    poke(m->child, moved->copy, moved->bytes, moved->length);
    poke(m->child, placed.patch, jump, sizeof jump);
    m->used += (hook ? hook->length : 0) + moved->length;
    return true;
}

/* -- entries */

static void plant_entry(struct module *m, struct function f)
{
    uint8_t bytes[HOOK_CALL_BYTES];
    struct emitter hook;
    struct moved moved;
    uint64_t at = m->area + m->used;
    f.code.address += m->bias;
    emit_begin(&hook, at, bytes, sizeof bytes);
    emit_hook_call(&hook, m->area, 0);
    if (m->used + 1024 > m->area_size ||
        detour_entry(&f, JUMP_BYTES, at + hook.length, &moved) != MOVED) {
        storm.entries_refused++;
        return;
    }
    moved.patch -= m->bias;
    if (plant(m, &moved, &hook))
        storm.entries++;
}

/* The functions of the text, and for each the bytes that nothing may jump into. */
static size_t ranges_of(const struct module *m, const struct functions *all,
                        const struct code *text, struct range *ranges, size_t *index)
{
    size_t count = 0;
    for (size_t n = 0; n < all->count; n++) {
        uint64_t at = all->list[n].address;
        struct function f = function_of(m->elf, all, n);
        struct moved moved;
        if (at < text->address || at >= text->address + text->length)
            continue;
        if (detour_entry(&f, JUMP_BYTES, at, &moved) != MOVED)
            continue;
        if (count && ranges[count - 1].high > moved.patch)
            continue;
        ranges[count] = moved_range(&moved);
        index[count++] = n;
    }
    return count;
}

static void plant_entries(struct module *m, const struct functions *all, const struct code *text)
{
    struct range *ranges = calloc(all->count + 1, sizeof *ranges);
    size_t *index = calloc(all->count + 1, sizeof *index);
    size_t count = ranges_of(m, all, text, ranges, index);
    find_branches_into(text, ranges, count);
    for (size_t n = 0; n < count; n++) {
        if (ranges[n].branched_into)
            storm.entries_refused++;
        else
            plant_entry(m, function_of(m->elf, all, index[n]));
    }
    free(ranges);
    free(index);
}

/* -- system calls */

static bool child_goes_on_behind(int number)
{
    return number == SYS_clone || number == SYS_vfork || number == SYS_clone3 || number == SYS_fork;
}

static void plant_site(struct module *m, const struct code *text, struct syscall_site site)
{
    struct syscall_hooks hooks = {m->area + (storm_before - storm_thunks),
                                  m->area + (storm_after - storm_thunks), storm.ids};
    struct code code = {text->address + m->bias, text->bytes, text->length};
    struct moved moved;
    if (child_goes_on_behind(site.number))
        hooks.after = 0;
    site.address += m->bias, site.start += m->bias;
    if (m->used + 1024 > m->area_size || storm.ids == IDS ||
        syscall_detour(&code, &site, &hooks, m->area + m->used, &moved) != MOVED) {
        storm.sites_refused++;
        return;
    }
    moved.patch -= m->bias;
    if (!plant(m, &moved, NULL))
        return;
    storm.sites++;
    storm.shared->expected[storm.ids++] = site.number;
}

static void plant_sites(struct module *m, const struct functions *all, const struct code *text)
{
    struct extent *extents = calloc(all->count + 1, sizeof *extents);
    struct text whole = {*text, extents, all->count};
    struct syscall_sites sites;
    for (size_t n = 0; n < all->count; n++)
        extents[n] = (struct extent){all->list[n].address, all->list[n].size};
    if (!syscall_sites_find(&whole, &sites))
        fail("no memory");
    for (size_t n = 0; n < sites.count; n++)
        plant_site(m, text, sites.list[n]);
    syscall_sites_free(&sites);
    free(extents);
}

/* -- modules */

static bool is_free(const struct mapping *maps, size_t count, uint64_t low, uint64_t high)
{
    for (size_t n = 0; n < count; n++)
        if (low < maps[n].end && maps[n].start < high)
            return false;
    return true;
}

static uint64_t map_near(struct module *m, uint64_t address)
{
    static struct mapping maps[MAPPINGS];
    size_t count = child_mappings(m->child, maps, MAPPINGS), step = 0x100000;
    uint64_t low = address > 0x60000000 ? address - 0x60000000 : step;
    for (uint64_t at = (low + step) & ~(step - 1); at < address + 0x60000000; at += step)
        if (is_free(maps, count, at, at + m->area_size))
            return child_syscall(m->child, SYS_mmap, at, m->area_size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return -1;
}

static void plant_thunks(struct module *m)
{
    size_t length = storm_thunks_end - storm_thunks;
    poke(m->child, m->area, storm_thunks, length);
    poke(m->child, m->area + (storm_shared - storm_thunks), &storm.shared_in_child, 8);
    m->used = (length + 63) & ~(size_t)63;
}

static void plant_module(const struct child *child, const struct mapping *mapping)
{
    struct elf elf;
    struct code text;
    unsigned index = 0;
    if (elf_open(&elf, mapping->path) != 0 || !next_text(&elf, &index, &text))
        return;
    struct functions all = functions_of(&elf);
    struct module m = {.child = child, .elf = &elf};
    m.bias = mapping->start - (text.address & ~(uint64_t)0xFFF);
    m.area_size = (text.length * 4 + 0x10000) & ~(uint64_t)0xFFF;
    m.area = map_near(&m, mapping->start);
    if ((int64_t)m.area < 0 || !labels_begin(&m.taken, text.address, text.address + text.length))
        fail("no place for detours");
    plant_thunks(&m);
    plant_sites(&m, &all, &text);
    plant_entries(&m, &all, &text);
    child_syscall(child, SYS_mprotect, m.area, m.area_size, PROT_READ | PROT_EXEC, 0, 0, 0);
    labels_free(&m.taken);
    free(all.list);
    elf_close(&elf);
}

static void plant_all(const struct child *child)
{
    static struct mapping maps[MAPPINGS];
    size_t count = child_mappings(child, maps, MAPPINGS);
    for (size_t n = 0; n < count; n++)
        if (maps[n].executable && maps[n].path[0] == '/')
            plant_module(child, &maps[n]);
}

static void report(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        fail(path);
    fprintf(file, "entries %lu\nentries_refused %lu\nsites %lu\nsites_refused %lu\n", storm.entries,
            storm.entries_refused, storm.sites, storm.sites_refused);
    fprintf(file, "entered %lu\nbefore %lu\nafter %lu\nwrong_number %lu\n", storm.shared->entered,
            storm.shared->before, storm.shared->after, storm.shared->wrong_number);
    fclose(file);
}

int main(int argc, char **argv)
{
    int status, fd = memfd_create("storm", MFD_CLOEXEC);
    if (argc < 3 || fd < 0 || ftruncate(fd, sizeof(struct shared)) != 0)
        return 99;
    storm.shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct child child = start_child(argv + 2, fd);
    storm.shared_in_child = child_syscall(&child, SYS_mmap, 0, sizeof(struct shared),
                                          PROT_READ | PROT_WRITE, MAP_SHARED, 99, 0);
    child_syscall(&child, SYS_close, 99, 0, 0, 0, 0, 0);
    plant_all(&child);
    ptrace(PTRACE_DETACH, child.pid, 0, 0);
    waitpid(child.pid, &status, 0);
    report(argv[1]);
    if (WIFSIGNALED(status))
        raise(WTERMSIG(status));
    return WEXITSTATUS(status);
}
