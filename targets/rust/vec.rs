// vec.rs - a Vec of 50 M numbers, and their sum.
//
// Idea:     Vec::push doubles: one malloc, then realloc from 64 bytes to 512 MiB.
// Do:       make run-vec
// Expect:   if symbols unwindable: phase main user malloc 2 free 1 ; if symbols: phase exit user none ;
//           if symbols unwindable not few: phase main user realloc 24 ; realloc(64) 1 ; exit 0 ;
//           if symbols unwindable few: phase main user realloc 17 ; if few: by realloc mremap 4 ;
//           if not few: by realloc mremap 11 ; if not few: realloc(536870912) 1 ;
//           if few: realloc(4194304) 1 ; if symbols: purpose "stdout's buffer" 1
// Look for: the pointer that stays up to 131072 bytes; println!'s buffer, the second malloc.
fn main() {
    let few = option_env!("FEW").is_some(); // its builds in other ways
    let size = if few { 512 * 1024 } else { 50 * 1024 * 1024 }; // 8 (bytes in usize) * 50M ~ 420MB
    let mut x: Vec<usize> = Vec::new();

    for i in 0..size {
        x.push(i);
    }

    println!("{:?}", x.iter().sum::<usize>());
}
