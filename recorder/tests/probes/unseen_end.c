/* unseen_end.c - a program, or its child ("child"), that exits by a system call in code made at run
 * time. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void exit_unseen(void)
{
    /* mov $SYS_exit_group, %eax; mov $7, %edi; syscall */
    static const unsigned char code[] = {0xb8, 231, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05};
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *place = mmap(NULL, sizeof code, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        exit(77);
    memcpy(place, code, sizeof code);
    ((void (*)(void))place)();
}

int main(int count, char **words)
{
    int status = 0;
    (void)words;
    if (count == 1 || fork() == 0)
        exit_unseen();
    wait(&status);
    return WEXITSTATUS(status);
}
