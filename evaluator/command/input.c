/* input.c - reading with no more memory than a line needs; input.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "again.h"
#include "input.h"
#include "output.h"

static char small_area[1 << 16];

/* Twice the room, and what is unread at its beginning. */
static bool grow(struct input *input)
{
    size_t room = 2 * input->room;
    char *bytes;
    if (input->bytes != small_area) {
        bytes = mremap(input->bytes, input->room, room, MREMAP_MAYMOVE);
    } else {
        bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes != MAP_FAILED)
            memcpy(bytes, input->bytes, input->end);
    }
    if (bytes == MAP_FAILED)
        return false;
    input->bytes = bytes;
    input->room = room;
    return true;
}

/* Moves what is unread to the beginning, and back to the small area where it fits. */
static void tidy(struct input *input)
{
    size_t unread = input->end - input->start;
    char *old = input->bytes, *bytes = unread < sizeof small_area ? small_area : old;
    if (unread)
        memmove(bytes, old + input->start, unread);
    if (old && bytes != old)
        munmap(old, input->room);
    if (bytes == small_area)
        input->room = sizeof small_area;
    input->bytes = bytes;
    input->seen -= input->start;
    input->end = unread;
    input->start = 0;
}

static ssize_t read_some(int descriptor, char *bytes, size_t room)
{
    ssize_t count;
    output_flush(); /* whoever waits for an answer before the next question gets it */
    do
        count = read(descriptor, bytes, room < sizeof small_area ? room : sizeof small_area);
    while (count < 0 && try_again(descriptor, POLLIN));
    return count;
}

/* Reads more. False at the end, and where that fails. */
static bool fill(struct input *input, int descriptor)
{
    ssize_t count = -1;
    if (input->is_over || input->failure)
        return false;
    if (!input->bytes || input->start)
        tidy(input);
    if (input->end < input->room || grow(input))
        count = read_some(descriptor, input->bytes + input->end, input->room - input->end);
    if (count < 0) {
        input->failure = errno;
        return false;
    }
    input->is_over = count == 0;
    input->end += (size_t)count;
    return count > 0;
}

static void take(const struct input *input, size_t length, struct text *line)
{
    line->bytes = input->bytes + input->start;
    line->length = length;
}

/* The first line end that was not looked for yet, or NULL. */
static const char *find_end(struct input *input)
{
    const char *end = NULL;
    if (input->seen < input->end)
        end = memchr(input->bytes + input->seen, '\n', input->end - input->seen);
    input->seen = end ? (size_t)(end + 1 - input->bytes) : input->end;
    return end;
}

bool input_line(struct input *input, int descriptor, struct text *line)
{
    const char *end;
    while (!(end = find_end(input)) && fill(input, descriptor))
        ;
    if (input->failure || input->start == input->end)
        return false;
    take(input, input->seen - input->start - (end != NULL), line);
    input->start = input->seen;
    return true;
}

/* All that can be read, for what cannot be mapped. */
static bool read_all(int descriptor, struct text *text)
{
    static struct input input;
    while (fill(&input, descriptor))
        ;
    take(&input, input.end, text);
    errno = input.failure;
    return !input.failure;
}

static bool map(int descriptor, size_t size, struct text *text)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED)
        return false;
    madvise(bytes, size, MADV_SEQUENTIAL);
    text->bytes = bytes;
    text->length = size;
    return true;
}

bool input_file(const char *name, struct text *text)
{
    struct stat about;
    int descriptor = open(name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &about))
        return false;
    if (S_ISREG(about.st_mode) && about.st_size > 0)
        return map(descriptor, (size_t)about.st_size, text);
    return read_all(descriptor, text);
}
