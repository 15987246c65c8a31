/* phases/find_main.c - where main is, from the program's file. */
#include "host.h"
#include "code/startup.h"
#include "borders.h"

#include <stddef.h>

static bool code_of_program(void *context, uint64_t address, struct code *out)
{
    const struct module *m = context;
    struct elf_bytes bytes = elf_stored(&m->elf, address - m->bias);
    if (bytes.at == NULL || !elf_is_loaded(&m->elf, address - m->bias, PF_X))
        return false;
    *out = (struct code){address, bytes.at, bytes.size};
    return true;
}

struct at_offset {
    uint64_t offset, value;
    bool found;
};

static bool find_relative(void *context, const struct elf_relocation *relocation)
{
    struct at_offset *wanted = context;
    if (relocation->offset != wanted->offset || relocation->type != R_X86_64_RELATIVE)
        return true;
    wanted->value = (uint64_t)relocation->addend;
    wanted->found = true;
    return false;
}

/* What the loader will store there, or what the file has. */
static bool word_of_program(void *context, uint64_t address, uint64_t *value)
{
    const struct module *m = context;
    struct at_offset wanted = {.offset = address - m->bias};
    elf_each_relocation(&m->elf, find_relative, &wanted);
    *value = wanted.value + m->bias;
    return wanted.found || elf_word(&m->elf, address - m->bias, value);
}

struct module *border_program(const struct process *p)
{
    for (size_t i = 0; i < p->module_count; i++) {
        struct module *m = p->modules[i];
        uint64_t entry = p->entry;
        if (m->has_elf && entry >= m->start && entry < m->end)
            return m;
    }
    return NULL;
}

static void announce_main(struct host *h, const struct process *p, const char *how)
{
    json_begin(&h->json, "main");
    json_number(&h->json, "address", p->main);
    if (p->user_main)
        json_number(&h->json, "user_main", p->user_main);
    else
        json_null(&h->json, "user_main");
    json_text(&h->json, "how", how);
    json_number(&h->json, "image", p->image);
    spool_json(&h->spool, &h->json);
}

void border_know_main(struct host *h, struct process *p, struct module *program, uint64_t main)
{
    struct elf_symbol symbol;
    struct code_source source = {code_of_program, word_of_program, program};
    const char *how = MAIN_BY_ARGUMENT;
    if (found_function(program->found, &program->elf, "main", &symbol)) {
        main = symbol.value + program->bias;
        how = MAIN_BY_SYMBOL;
    } else if (main == 0 && find_main(&source, p->entry, &main) != MAIN_FOUND) {
        main = 0;
    }
    if (main == 0)
        return;
    p->main = main;
    announce_main(h, p, how);
    if (found_rust(program->found, &program->elf) && find_user_main(&source, main, &p->user_main))
        announce_main(h, p, MAIN_BY_LANG_START);
}
