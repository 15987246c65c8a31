/* killed_in_exec.c - N children that exec and are killed at a random moment of that: N US. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    srand(7);
    for (int left = atoi(words[1]); left > 0; left--) {
        pid_t child = fork();
        if (child == 0) {
            execl("/bin/sleep", "sleep", "1009", (char *)NULL);
            _exit(3);
        }
        struct timespec until = {0, rand() % atoi(words[2]) * 1000L};
        nanosleep(&until, NULL);
        int status = 0;
        kill(child, SIGKILL);
        if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
            return 1;
    }
    return 0;
}
