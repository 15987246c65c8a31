/* elf/symbols.c - the symbol tables of an ELF file. */
#include "elf.h"
#include "tables.h"

#include <string.h>

#define HIDDEN 0x8000 /* of a version: glibc's VERSYM_HIDDEN */

static uint32_t word_at(struct elf_bytes from, uint64_t at, bool *held)
{
    uint32_t word = 0;
    *held = from.size >= 4 && at <= from.size - 4;
    if (*held)
        memcpy(&word, from.at + at, 4);
    return word;
}

/* One more than the last symbol of the last chain: the lowest bit of its hash marks its end. */
static size_t count_by_gnu_hash(struct elf_bytes table)
{
    bool held = table.size >= 16;
    uint32_t head[4] = {0}; /* buckets, first symbol, words of the filter, shift */
    if (held)
        memcpy(head, table.at, sizeof head);
    uint64_t buckets = 16 + 8 * (uint64_t)head[2], last = 0;
    for (uint64_t i = 0; held && i < head[0]; i++) {
        uint32_t first = word_at(table, buckets + 4 * i, &held);
        last = first > last ? first : last;
    }
    if (!held || last < head[1])
        return held ? head[1] : 0;
    uint64_t chain = buckets + 4 * (uint64_t)head[0] + 4 * (last - head[1]);
    for (; !(word_at(table, chain, &held) & 1) && held; chain += 4)
        last++;
    return held ? last + 1 : 0;
}

/* Without section headers only the hash tables tell how many dynamic symbols there are. */
static size_t count_by_hash(const struct elf *elf)
{
    uint64_t where;
    bool held;
    if (elf_dynamic(elf, DT_HASH, &where))
        return word_at(elf_stored(elf, where), 4, &held);
    if (elf_dynamic(elf, DT_GNU_HASH, &where))
        return count_by_gnu_hash(elf_stored(elf, where));
    return 0;
}

static bool table_by_section(const struct elf *elf, const char *name, struct elf_table *table)
{
    Elf64_Shdr section, names;
    if (!elf_section_named(elf, name, &section) || !elf_section(elf, section.sh_link, &names))
        return false;
    table->rows = elf_section_bytes(elf, &section);
    table->names = elf_section_bytes(elf, &names);
    table->count = table->rows.size / sizeof(Elf64_Sym);
    return true;
}

static void dynamic_table(const struct elf *elf, struct elf_table *table)
{
    uint64_t rows, names, size, versions;
    if (table_by_section(elf, ".dynsym", table)) {
        table->versions = elf_bytes_named(elf, ".gnu.version");
        return;
    }
    if (!elf_dynamic(elf, DT_SYMTAB, &rows) || !elf_dynamic(elf, DT_STRTAB, &names) ||
        !elf_dynamic(elf, DT_STRSZ, &size))
        return;
    table->rows = elf_stored(elf, rows);
    table->names = elf_stored(elf, names);
    if (table->names.size > size)
        table->names.size = size;
    table->count = count_by_hash(elf);
    if (table->count > table->rows.size / sizeof(Elf64_Sym))
        table->count = table->rows.size / sizeof(Elf64_Sym);
    if (elf_dynamic(elf, DT_VERSYM, &versions))
        table->versions = elf_stored(elf, versions);
}

void elf_find_tables(struct elf *elf)
{
    dynamic_table(elf, &elf->dynsym);
    table_by_section(elf, ".symtab", &elf->symtab);
}

static bool is_hidden(const struct elf_table *table, size_t index)
{
    uint16_t version;
    if (index >= table->versions.size / sizeof version)
        return false;
    memcpy(&version, table->versions.at + index * sizeof version, sizeof version);
    return version & HIDDEN;
}

static void read_row(const struct elf *elf, const struct elf_table *table, size_t index,
                     struct elf_symbol *symbol, uint64_t *name)
{
    Elf64_Sym row;
    memcpy(&row, table->rows.at + index * sizeof row, sizeof row);
    *name = row.st_name;
    symbol->value = row.st_value;
    symbol->size = row.st_size;
    symbol->kind = ELF64_ST_TYPE(row.st_info);
    symbol->bind = ELF64_ST_BIND(row.st_info);
    symbol->defined = row.st_shndx != SHN_UNDEF;
    symbol->dynamic = table == &elf->dynsym;
    symbol->hidden = is_hidden(table, index);
}

bool elf_next_symbol(const struct elf *elf, struct elf_symbol_walk *walk, struct elf_symbol *symbol)
{
    const struct elf_table *table = walk->in_symtab ? &elf->symtab : &elf->dynsym;
    if (walk->index >= table->count || walk->spent > 8 * table->names.size + (1 << 20)) {
        if (walk->in_symtab)
            return false;
        *walk = (struct elf_symbol_walk){.in_symtab = true};
        return elf_next_symbol(elf, walk, symbol);
    }
    uint64_t name;
    read_row(elf, table, walk->index++, symbol, &name);
    symbol->name = elf_text(table->names, name);
    walk->spent += strlen(symbol->name);
    return true;
}

bool elf_is_code(const struct elf *elf, const struct elf_symbol *symbol)
{
    if (!symbol->defined)
        return false;
    if (symbol->kind == STT_FUNC || symbol->kind == STT_GNU_IFUNC)
        return true;
    return symbol->kind == STT_NOTYPE && elf_is_loaded(elf, symbol->value, PF_X);
}

/* Lower is better: the default version, a typed symbol, a shared one, one of .dynsym. */
static int preference(const struct elf_symbol *symbol)
{
    return symbol->hidden << 3 | (symbol->kind == STT_NOTYPE) << 2 |
           (symbol->bind == STB_LOCAL) << 1 | !symbol->dynamic;
}

/* Keep the list sorted by preference, earlier symbols first among equals. */
static void insert(struct elf_named *list, size_t held, const struct elf_symbol *symbol)
{
    size_t at = held;
    while (at > 0 && preference(symbol) < preference(&list->symbols[at - 1]))
        at--;
    if (at >= ELF_SAME_NAME)
        return;
    size_t last = held < ELF_SAME_NAME ? held : ELF_SAME_NAME - 1;
    memmove(&list->symbols[at + 1], &list->symbols[at], (last - at) * sizeof *symbol);
    list->symbols[at] = *symbol;
}

static void add(struct elf_named *list, const struct elf_symbol *symbol)
{
    size_t held = list->count < ELF_SAME_NAME ? list->count : ELF_SAME_NAME;
    for (size_t i = 0; i < held; i++) {
        if (list->symbols[i].value != symbol->value)
            continue;
        if (preference(symbol) >= preference(&list->symbols[i]))
            return;
        memmove(&list->symbols[i], &list->symbols[i + 1], (held - i - 1) * sizeof *symbol);
        insert(list, held - 1, symbol);
        return;
    }
    insert(list, held, symbol);
    list->count++;
}

#define STARTS 1024

/* Whether a name that is wanted begins with such four bytes: nearly no other symbol's name does. */
static unsigned start_of(const void *text)
{
    uint32_t first;
    memcpy(&first, text, sizeof first);
    return first * 2654435761u >> 22;
}

static void functions_in(const struct elf *elf, const struct elf_table *table,
                         const char *const *names, size_t count, struct elf_named *found)
{
    bool wanted[STARTS] = {false}, all = false;
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) < 4)
            all = true;
        else
            wanted[start_of(names[i])] = true;
    for (size_t index = 0; index < table->count; index++) {
        struct elf_symbol symbol;
        uint64_t name;
        read_row(elf, table, index, &symbol, &name);
        if (name >= table->names.size || !symbol.defined)
            continue;
        const uint8_t *text = table->names.at + name;
        if (!all && (table->names.size - name < 4 || !wanted[start_of(text)]))
            continue;
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(names[i]) + 1;
            if (*text != (uint8_t)names[i][0] || size > table->names.size - name ||
                memcmp(text, names[i], size))
                continue;
            symbol.name = names[i];
            if (elf_is_code(elf, &symbol))
                add(&found[i], &symbol);
        }
    }
}

void elf_functions_named(const struct elf *elf, const char *const *names, size_t count,
                         struct elf_named *found)
{
    for (size_t i = 0; i < count; i++)
        found[i].count = 0;
    functions_in(elf, &elf->dynsym, names, count, found);
    functions_in(elf, &elf->symtab, names, count, found);
}

bool elf_function(const struct elf *elf, const char *name, struct elf_symbol *symbol)
{
    struct elf_named found;
    elf_functions_named(elf, &name, 1, &found);
    if (found.count)
        *symbol = found.symbols[0];
    return found.count != 0;
}
