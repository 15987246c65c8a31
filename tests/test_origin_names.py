"""One spelling of a function for the rule tables, whoever demangled it."""

import pytest

from alloctrace.symbols.function_names import plain
from alloctrace.symbols.mangled_names import path

SPELLINGS = [
    ("__GI___libc_malloc", "__libc_malloc"),
    ("_IO_new_fopen", "fopen"),
    ("malloc@@GLIBC_2.2.5", "malloc"),
    ("do_lookup_x.constprop.0.cold", "do_lookup_x"),
    ("std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector::push_back"),
    ("void std::x<int>::y<int>(int) const &", "std::x::y"),
    ("std::ostream& std::operator<< <char>(std::ostream&, char const*)", "std::operator"),
    ("operator new(unsigned long)", "operator new"),
    ("operator delete[](void*)", "operator delete[]"),
    ("std::__cxx11::basic_string<char>::_M_create(unsigned long&)", "std::string::_M_create"),
    ("(anonymous namespace)::pool::pool()", "{anonymous}::pool::pool"),
    ("std::function<void ()>::operator()() const", "std::function::operator()"),
    ("<alloc[fdfd2bd8633a6659]::raw_vec::RawVecInner>::grow", "alloc::raw_vec::RawVecInner::grow"),
    ("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "alloc::vec::Vec::drop"),
    ("<i32 as alloc::string::SpecToString>::spec", "alloc::string::SpecToString::spec"),
    ("<myprog::S as core::ops::Drop>::drop", "myprog::S::drop"),
    ("alloc::alloc::{impl#1}::allocate", "alloc::alloc::allocate"),
    ("std::rt::lang_start::{{closure}}::h0123456789abcdef", "std::rt::lang_start::{closure}"),
    ("core::ptr::drop_in_place<fn(u8) -> u8>", "core::ptr::drop_in_place"),
]

MANGLED = [
    ("_Znwm", "operator new"),
    ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector::push_back"),
    ("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcm", None),
    ("_ZN1SC1Ev", "S::S"),
    ("_ZN1SD1Ev", "S::~S"),
    ("_ZN12_GLOBAL__N_14pool4poolEv", "{anonymous}::pool::pool"),
    ("_ZN5alloc7raw_vec11finish_grow17h0123456789abcdefE", "alloc::raw_vec::finish_grow"),
]


@pytest.mark.parametrize("name, expected", SPELLINGS)
def test_plain(name, expected):
    assert plain(name) == expected


@pytest.mark.parametrize("name, expected", MANGLED)
def test_path_of_a_mangled_name(name, expected):
    expected = expected or "std::__cxx11::basic_string::_M_append"
    assert path(name) == expected


@pytest.mark.parametrize("name", ["malloc", "_Z", "_ZN", "_ZN99x", "_ZNI", "_ZN3fooI", "", "_Z0"])
def test_what_is_not_understood_is_none(name):
    assert path(name) is None


def test_no_name_stays_none():
    assert plain(None) is None


def test_a_user_type_is_not_taken_for_the_library():
    assert not plain("<myprog::Vec as core::fmt::Debug>::fmt").startswith("core::")
