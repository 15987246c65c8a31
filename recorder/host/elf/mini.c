/* elf/mini.c - .gnu_debugdata: a packed ELF file with symbols alone, as Fedora's programs have it (gdb's
 * manual, "MiniDebugInfo"). liblzma unpacks it where it is there, as gdb's own; without it such a
 * program is one without symbols. */
#include "elf.h"
#include "tables.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "contract.h"

#define LZMA_OK 0 /* lzma/base.h, lzma_ret */
#define LZMA_BUF_ERROR 10

/* lzma/container.h */
typedef int decode_fn(uint64_t *most, uint32_t flags, const void *allocator, const uint8_t *in,
                      size_t *in_at, size_t in_size, uint8_t *out, size_t *out_at, size_t out_size);

static decode_fn *decoder(void)
{
    static decode_fn *found;
    void *library = found ? NULL : dlopen("liblzma.so.5", RTLD_NOW);
    if (library != NULL)
        *(void **)&found = dlsym(library, "lzma_stream_buffer_decode");
    return found;
}

/* All of it in `*size` bytes of malloc; NULL where it is damaged or too large. */
static uint8_t *unpack(decode_fn *decode, struct elf_bytes packed, size_t *size)
{
    uint64_t room = 8 * (uint64_t)packed.size + 4096;
    for (int result = LZMA_BUF_ERROR; result == LZMA_BUF_ERROR; room *= 4) {
        uint64_t most = MAX_UNPACKED;
        size_t in_at = 0;
        room = room < MAX_UNPACKED ? room : MAX_UNPACKED;
        uint8_t *out = malloc(room);
        *size = 0;
        if (out == NULL)
            return NULL;
        result = decode(&most, 0, NULL, packed.at, &in_at, packed.size, out, size, room);
        if (result == LZMA_OK)
            return out;
        free(out);
        if (room == MAX_UNPACKED)
            return NULL;
    }
    return NULL;
}

uint8_t *elf_unpack(const struct elf *elf, size_t *size)
{
    struct elf_bytes packed = elf_bytes_named(elf, ".gnu_debugdata");
    decode_fn *decode = packed.at ? decoder() : NULL;
    return decode ? unpack(decode, packed, size) : NULL;
}
