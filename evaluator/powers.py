#!/usr/bin/python3
"""Writes powers.h: the 128 leading bits of 5^q, rounded down, for mexe_round_product.

A test runs this again and compares.
"""

MAX = 64  # MEXE_POWER_MAX of core.h


def leading_bits(q):
    """The whole number T of 128 bits with T <= 5^q * 2^s < T + 1, for the s that makes it so."""
    if q >= 0:
        power = 5**q
        excess = power.bit_length() - 128
        return power >> excess if excess > 0 else power << -excess
    divisor = 5**-q
    return (1 << (divisor.bit_length() + 127)) // divisor


def main():
    print("/* powers.h - made by powers.py: the 128 leading bits of 5^q, from q = -%d on. */" % MAX)
    print("/* clang-format off */")
    print("static const uint64_t powers[2 * MEXE_POWER_MAX + 1][2] = {")
    for q in range(-MAX, MAX + 1):
        bits = leading_bits(q)
        assert bits.bit_length() == 128
        print("    {0x%016x, 0x%016x}," % (bits >> 64, bits & (1 << 64) - 1))
    print("};")


if __name__ == "__main__":
    main()
