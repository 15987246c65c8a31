/* main.c - the command mexe: expressions in, numbers out. docs/man/mexe.1 is its manual. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "mexe.h"
#include "shortest.h"
#include "output.h"

#define VERSION "0.2.0"
#define FAILED 1
#define USAGE 2

static const char help[] =
    "usage: mexe [--] EXPRESSION...\n"
    "       mexe -f FILE\n"
    "       mexe < LINES\n"
    "Evaluate arithmetic: numbers, + - * /, parentheses and minus signs. Each result is a line.\n"
    "\n"
    "  EXPRESSION   as one argument: mexe '2 * (3 + 4.5)'; without one, each line of standard\n"
    "               input is an expression, and a blank line gives a blank line\n"
    "  --           the end of the options, so that what follows may begin with a minus: mexe -- "
    "-1\n"
    "  -f FILE      the whole FILE is one expression\n"
    "  -h, --help   print this\n"
    "  --version    print the version\n"
    "\n"
    "What is no expression gives the word `error`, and its column and what is wrong on standard\n"
    "error. Exit status: 0, 1 if anything failed, 2 for wrong usage.\n";

/* Prints the result of TEXT, or what is wrong with it: in line number LINE, or in no line (0). */
static int answer(struct text text, unsigned long long line)
{
    char number[SHORTEST_ROOM + 1];
    double value;
    struct mexe_error error;
    if (mexe_eval(text.bytes, text.length, &value, &error) == MEXE_OK) {
        size_t length = shortest_write(value, number);
        number[length] = '\n';
        output_add(number, length + 1);
        return 0;
    }
    output_say("error\n");
    if (line)
        complain("line %llu, column %zu: %s", line, error.position + 1,
                 mexe_sentence(error.status));
    else
        complain("column %zu: %s", error.position + 1, mexe_sentence(error.status));
    return FAILED;
}

static bool is_blank(struct text text)
{
    while (text.length && memchr(" \t\r", text.bytes[text.length - 1], 3))
        text.length--;
    return text.length == 0;
}

static int answer_arguments(char **arguments)
{
    int status = 0;
    for (; *arguments; arguments++)
        status |= answer((struct text){*arguments, strlen(*arguments)}, 0);
    return status;
}

static int answer_lines(void)
{
    struct input input = {0};
    struct text line;
    int status = 0;
    for (unsigned long long number = 1; input_line(&input, STDIN_FILENO, &line); number++) {
        if (is_blank(line))
            output_say("\n");
        else
            status |= answer(line, number);
    }
    if (!input.failure)
        return status;
    complain("cannot read standard input: %s", strerror(input.failure));
    return FAILED;
}

static int answer_file(const char *name)
{
    struct text text;
    if (input_file(name, &text))
        return answer(text, 0);
    complain("cannot read %s: %s", name, strerror(errno));
    return FAILED;
}

static int wrong_usage(const char *what, const char *word)
{
    complain("%s%s (see: mexe --help; an expression that begins with a minus: mexe -- -1)", what,
             word);
    return USAGE;
}

static int run(char **words)
{
    const char *first = *words;
    if (!first)
        return answer_lines();
    if (first[0] != '-' || !strcmp(first, "--")) {
        words += first[0] == '-';
        return *words ? answer_arguments(words) : wrong_usage("no expression behind ", "--");
    }
    if (!strcmp(first, "--help") || !strcmp(first, "-h"))
        return output_say(help), 0;
    if (!strcmp(first, "--version"))
        return output_say("mexe " VERSION "\n"), 0;
    if (strncmp(first, "-f", 2))
        return wrong_usage("there is no option ", first);
    const char *name = first[2] ? first + 2 : *++words;
    if (!name || words[1])
        return wrong_usage("-f takes one file", "");
    return answer_file(name);
}

int main(int argc, char **argv)
{
    int status = run(argv + (argc > 0));
    output_end();
    return status;
}
