// vec_reserved.rs - the Vec of vec.rs, with its room asked for at once.
//
// Idea:     Vec::with_capacity: one malloc of 400 MiB, no realloc, no mremap.
// Do:       make run-vec_reserved
// Expect:   if symbols unwindable: phase main user malloc 2 realloc 0 free 1 ;
//           if symbols: phase exit user none ; mremap 0 ; exit 0 ;
//           if not few: malloc(419430400) 1 ; if few: malloc(4194304) 1
// Look for: one mmap, beside the mmap and eleven mremap of vec.rs.
fn main() {
    let few = option_env!("FEW").is_some(); // its builds in other ways
    let size = if few { 512 * 1024 } else { 50 * 1024 * 1024 };
    let mut x: Vec<usize> = Vec::with_capacity(size);

    for i in 0..size {
        x.push(i);
    }

    println!("{:?}", x.iter().sum::<usize>());
}
