// vec_fn.rs - the Vec of vec.rs in a function of its own.
//
// Idea:     #[inline(never)] keeps actual_code a function that a breakpoint can find.
// Do:       make run-vec_fn
// Expect:   if symbols unwindable: phase main user malloc 2 realloc 24 free 1 ;
//           if symbols: phase exit user none ; if symbols: purpose "stdout's buffer" 1 ;
//           realloc(64) 1 realloc(536870912) 1 ; by realloc mremap 11 ; exit 0
// Look for: actual_code in every stack of the user's: two malloc inside it, none after.
fn main() {
    actual_code();
}

#[inline(never)]
fn actual_code() {
    let size = 50 * 1024 * 1024;
    let mut x: Vec<usize> = Vec::new();

    for i in 0..size {
        x.push(i);
    }

    println!("{:?}", x.iter().sum::<usize>());
}
