/* output.c - one buffer, and write(2); output.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "output.h"

static char waiting[1 << 16];
static size_t length;

/* Whether all of it was written. */
static int write_all(int descriptor, const char *bytes, size_t count)
{
    while (count) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && !try_again(descriptor, POLLOUT))
            return 0;
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
    return 1;
}

static void give_up(void)
{
    int reason = errno;
    length = 0;
    complain("cannot write the results: %s", strerror(reason));
    _exit(1);
}

void output_flush(void)
{
    size_t count = length;
    length = 0;
    if (!write_all(STDOUT_FILENO, waiting, count))
        give_up();
}

void output_add(const char *bytes, size_t count)
{
    if (count > sizeof waiting - length)
        output_flush();
    if (count > sizeof waiting) {
        if (!write_all(STDOUT_FILENO, bytes, count))
            give_up();
        return;
    }
    memcpy(waiting + length, bytes, count);
    length += count;
}

void output_say(const char *words)
{
    output_add(words, strlen(words));
}

void output_end(void)
{
    output_flush();
    if (close(STDOUT_FILENO))
        give_up();
}

void complain(const char *format, ...)
{
    char line[512] = "mexe: ";
    size_t room = sizeof line - strlen(line) - 1, start = strlen(line);
    va_list values;
    output_flush();
    va_start(values, format);
    int count = vsnprintf(line + start, room, format, values);
    va_end(values);
    size_t end = count < 0 ? start : start + ((size_t)count < room ? (size_t)count : room - 1);
    line[end++] = '\n';
    (void)!write(STDERR_FILENO, line, end);
}
