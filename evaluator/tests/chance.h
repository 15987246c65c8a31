/* chance.h - numbers by chance, the same ones for the same seed. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

/* splitmix64, by Sebastiano Vigna: public domain. */
static inline uint64_t chance64(uint64_t *seed)
{
    uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* From 0 to less than LIMIT. */
static inline unsigned chance(uint64_t *seed, unsigned limit)
{
    return (unsigned)(((chance64(seed) >> 32) * limit) >> 32);
}

#endif
