#include <stdlib.h>

#define TEXT "10+20-5+7-2+8"

int main(void)
{
    const char *at = TEXT;
    long sum = 0;

    while (*at) {
        char sign = *at == '-' ? '-' : '+';
        at += *at == '-' || *at == '+';
        long number = strtol(at, (char **)&at, 10);
        sum += sign == '-' ? -number : number;
    }
    return sum == 38 ? 0 : 1;
}
