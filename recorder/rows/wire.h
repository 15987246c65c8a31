/* rows/wire.h - messages from and to the Python that started this program (exports/maker.py): a head
 * and a payload each, little-endian. Whatever goes wrong is said to it, and ends the program.
 */
#ifndef BRKPOINT_ROWS_WIRE_H
#define BRKPOINT_ROWS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "contract_rows.h"

/* What is left of a payload that is being read. */
struct cursor {
    const uint8_t *at, *end;
};

/* The next message, which must be of this kind; its payload is there until the next one is read. */
struct cursor wire_take(enum rows_message kind);

/* The next message of any kind. */
enum rows_message wire_next(struct cursor *payload);

void wire_say(enum rows_message kind, const void *payload, size_t length);

/* The trace is damaged: one line. */
_Noreturn void wire_damaged(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something else went wrong: an errno. EPROTO: a payload that is not as agreed. */
_Noreturn void wire_failed(int error);

const uint8_t *take_bytes(struct cursor *from, uint64_t length);
uint64_t take_number(struct cursor *from);

/* So many numbers of 4 bytes; they are the caller's. */
uint32_t *take_u32s(struct cursor *from, uint64_t count);

/* Bytes with their length in front. */
struct text {
    const uint8_t *bytes;
    uint64_t length;
};
struct text take_text(struct cursor *from);

/* A copy that stays. */
struct text take_kept(struct cursor *from);

/* Memory for `count` times `size` bytes, zeros; or the program ends. */
void *must_have(uint64_t count, size_t size);

#endif
