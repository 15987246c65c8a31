/* threads.c - blocks of several threads, all freed: clean under every sanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *work(void *argument)
{
    int seed = *(int *)argument, sum = 0;
    for (int i = 0; i < 211; i++) {
        char *text = calloc(1, 17 + (size_t)(i * seed % 1009));
        if (text) {
            memset(text, seed, 17);
            sum += text[16];
        }
        free(text);
    }
    *(int *)argument = sum;
    return NULL;
}

int main(void)
{
    pthread_t threads[3];
    int numbers[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, work, &numbers[i]))
            return 2;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
    return 0;
}
