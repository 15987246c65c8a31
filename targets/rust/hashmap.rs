// hashmap.rs - a HashMap that grows.
//
// Idea:     a HashMap cannot grow in place: a new table, every key hashed again, the old one freed.
// Do:       make run-hashmap
// Expect:   user malloc 6 realloc 0 free 6 ; leaked user 0 0 ; exit 0
// Look for: six tables for 101 keys, each about double the last; no realloc.
use std::collections::HashMap;

#[inline(never)]
fn fill() -> usize {
    let mut map: HashMap<u64, u64> = HashMap::new();

    for key in 0..101 {
        map.insert(key, key * key);
    }
    map.len()
}

fn main() {
    std::process::exit(if fill() == 101 { 0 } else { 1 });
}
