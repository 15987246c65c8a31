// vec.rs - a Vec of 50 M numbers, and their sum.
//
// Idea:     Vec::push doubles: one malloc, then realloc from 64 bytes to 512 MiB.
// Do:       make run-vec
// Expect:   if symbols unwindable: phase main user malloc 2 realloc 24 free 1 ;
//           if symbols: phase exit user none ; if symbols: purpose "stdout's buffer" 1 ;
//           realloc(64) 1 realloc(536870912) 1 ; by realloc mremap 11 ; exit 0
// Look for: the pointer that stays up to 131072 bytes; println!'s buffer, the second malloc.
fn main() {
    let size = 50 * 1024 * 1024; // 8 (bytes in usize) * 50M ~ 420MB
    let mut x: Vec<usize> = Vec::new();

    for i in 0..size {
        x.push(i);
    }

    println!("{:?}", x.iter().sum::<usize>());
}
