/* input.h - standard input line by line, and files as a whole. */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    const char *bytes;
    size_t length;
};

/* Memory for what is read: one small area for good, a mapping while a line is longer. Start with
 * all zeros. */
struct input {
    char *bytes;
    size_t room, start, end,
        seen; /* what is unread is from start to end; no line end before seen */
    bool is_over;
    int failure; /* errno, where reading failed */
};

/* The next line of what DESCRIPTOR gives, without its line feed; valid until the next call. False
 * at the end, and where reading failed. */
bool input_line(struct input *input, int descriptor, struct text *line);

/* All of the file NAME: mapped, or read where it cannot be mapped (a pipe). False: errno. */
bool input_file(const char *name, struct text *text);

#endif
