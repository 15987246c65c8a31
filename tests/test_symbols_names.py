"""Readable names: what is cut, and what must stay."""

import random

import pytest

from alloctrace.symbols.names import MAX_NAME, is_mangled, plain, readable

CASES = [
    ("main", "main"),
    ("__libc_start_main", "__libc_start_main"),
    ("main(int, char**)", "main"),
    (
        "std::vector<int, std::allocator<int> >::push_back(int const&)",
        "std::vector<int>::push_back",
    ),
    ("std::vector<int, std::allocator<int>>::push_back(int&&)", "std::vector<int>::push_back"),
    (
        "std::vector<std::vector<int, std::allocator<int> >, "
        "std::allocator<std::vector<int, std::allocator<int> > > >::~vector()",
        "std::vector<std::vector<int>>::~vector",
    ),
    ("std::allocator<int>::allocate(unsigned long, void const*)", "std::allocator<int>::allocate"),
    (
        "std::map<int, int, Less, Pool<int> >::size() const",
        "std::map<int, int, Less, Pool<int>>::size",
    ),
    (
        "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
        "::_M_create(unsigned long&, unsigned long)",
        "std::string::_M_create",
    ),
    ("(anonymous namespace)::pool::pool()", "(anonymous namespace)::pool::pool"),
    ("Functor::operator()(int) const", "Functor::operator()"),
    ("operator new(unsigned long)", "operator new"),
    ("operator new[](unsigned long, std::nothrow_t const&)", "operator new[]"),
    ("operator delete(void*)", "operator delete"),
    ("operator<< <C<char> >(std::ostream&, char const*)", "operator<< <C<char>>"),
    ("S::operator->() const", "S::operator->"),
    ("S::operator<(S const&) const", "S::operator<"),
    ("S::operator bool() const", "S::operator bool"),
    ("outer(int)::{lambda(int)#1}::operator()(int) const", "outer::{lambda(int)#1}::operator()"),
    ("alloc::raw_vec::RawVec<T,A>::grow_one", "alloc::raw_vec::RawVec<T,A>::grow_one"),
    ("alloc::vec::Vec<(u8, u8)>::push", "alloc::vec::Vec<(u8, u8)>::push"),
    ("<alloc::vec::Vec<T> as core::ops::Drop>::drop",) * 2,
    ("core::ops::function::FnOnce::call_once<fn() -> i32, ()>",) * 2,
    ("std::rt::lang_start::{{closure}}", "std::rt::lang_start::{{closure}}"),
    ("app::work::h0123456789abcdef", "app::work"),
    ("app::work::habc", "app::work::habc"),
    ("__GI___mmap64", "__mmap64"),
    ("grow.part.0", "grow"),
    ("grow.constprop.0.isra.0", "grow"),
    ("grow.cold", "grow"),
    ("grow.other", "grow.other"),
    ("foo(int) [clone .part.0]", "foo"),
]


@pytest.mark.parametrize("name, wanted", CASES)
def test_readable(name, wanted):
    assert readable(name) == wanted


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("int* std::fill_n<int*, long>(int*, long)", "std::fill_n<int*, long>"),
        ("void run<int>(int)", "run<int>"),
        ("operator new(unsigned long)", "operator new"),
    ],
)
def test_return_types_of_demangled_templates(name, wanted):
    assert readable(name, has_return_type=True) == wanted


def test_any_text_is_taken():
    rng = random.Random(7)
    pieces = [
        "<",
        ">",
        "(",
        ")",
        "operator",
        "->",
        "::",
        " ",
        ", std::allocator<",
        "a",
        "{",
        "\x1b",
    ]
    for _ in range(3000):
        name = "".join(rng.choice(pieces) for _ in range(rng.randrange(40)))
        assert isinstance(readable(name, True), str)
    assert len(readable("(" * 100000)) <= MAX_NAME
    assert len(plain("a" * 100000)) == MAX_NAME


def test_mangled_names_are_told_apart():
    assert is_mangled("_ZN3app4workEv") and is_mangled("_RNvC3app4main")
    assert not is_mangled("main") and not is_mangled("_start")
