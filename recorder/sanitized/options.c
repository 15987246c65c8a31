/* options.c - what a recorder of `make recorder-sanitized` tells its sanitizers: its standard error
 * is brkpoint's to read, and its environment brkpoint's to give. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* What it has at its end it leaves to the kernel: that is no leak. */
const char *__asan_default_options(void)
{
    return "log_path=" SANITIZED_LOG ":detect_leaks=0:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
    return "log_path=" SANITIZED_LOG ":print_stacktrace=1";
}
