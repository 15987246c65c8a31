// empty.rs - the smallest Rust program.
//
// Idea:     all that is allocated here belongs to the loader and to Rust's runtime.
// Do:       make run-empty
// Expect:   user none ; exit 0 ; loader brk 1 mmap 5+ ; brk 3 ; if symbols not lto: runtime malloc 3+ ;
//           if symbols: purpose "FILE object of fopen" 1
// Look for: the runtime reading /proc/self/maps to learn where its stack ends.
fn main() {}
