// boxed.rs - one value in a Box, one in a Vec.
//
// Idea:     Box::new and Vec::push end in the same function of libc.
// Do:       make run-boxed
// Expect:   if symbols: user malloc 2 free 2 ; malloc(8072) 1 ; exit 0
// Look for: the way down in a debug build: make session-push-to-malloc.
fn main() {
    let boxed = in_a_box();
    let pushed = in_a_vec();
    assert_eq!(boxed[1] + pushed[0], 1016);
}

#[inline(never)]
fn in_a_box() -> Box<[u64; 1009]> {
    Box::new([7; 1009]) // of zeros an optimised build would make a calloc
}

#[inline(never)]
fn in_a_vec() -> Vec<u64> {
    let mut pushed = Vec::new();
    pushed.push(1009);
    pushed
}
