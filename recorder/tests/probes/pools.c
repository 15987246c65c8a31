/* pools.c - an allocator whose names and arguments are its own; `--also` says what they are. */
#include <stddef.h>

struct pool {
    char bytes[1 << 16];
    size_t used;
};

void *pool_alloc(struct pool *pool, int tag, int flags, size_t size)
{
    pool->used += (size + 15) & ~(size_t)15;
    return tag + flags ? pool->bytes + pool->used - ((size + 15) & ~(size_t)15) : NULL;
}

int pool_new(size_t size, struct pool *pool, void **out)
{
    *out = pool_alloc(pool, 1, 0, size);
    return *out ? 0 : 12;
}

static void pool_free(struct pool *pool, void *block)
{
    pool->used -= block == NULL;
}

int main(void)
{
    static struct pool pool;
    void *one = pool_alloc(&pool, 1, 2, 2003), *two = NULL;
    int code = pool_new(997, &pool, &two);
    pool_free(&pool, one);
    pool_free(&pool, two);
    return code;
}
