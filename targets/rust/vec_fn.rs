// vec_fn.rs - the Vec of vec.rs in a function of its own.
//
// Idea:     #[inline(never)] keeps actual_code a function that a breakpoint can find.
// Do:       make run-vec_fn
// Expect:   if symbols unwindable: phase main user malloc 2 free 1 ; if symbols: phase exit user none ;
//           if symbols unwindable not few: phase main user realloc 24 ; realloc(64) 1 ; exit 0 ;
//           if symbols unwindable few: phase main user realloc 17 ; if few: by realloc mremap 4 ;
//           if not few: by realloc mremap 11 ; if not few: realloc(536870912) 1 ;
//           if few: realloc(4194304) 1 ; if symbols: purpose "stdout's buffer" 1
// Look for: actual_code in every stack of the user's: two malloc inside it, none after.
fn main() {
    actual_code();
}

#[inline(never)]
fn actual_code() {
    let few = option_env!("FEW").is_some(); // its builds in other ways
    let size = if few { 512 * 1024 } else { 50 * 1024 * 1024 };
    let mut x: Vec<usize> = Vec::new();

    for i in 0..size {
        x.push(i);
    }

    println!("{:?}", x.iter().sum::<usize>());
}
