// string.rs - a String that grows by one letter.
//
// Idea:     a String is a Vec of bytes: it starts with 8 and doubles.
// Do:       make run-string
// Expect:   user malloc(8) 1 realloc 7 realloc(1024) 1 free 1 ; leaked user 0 0 ; exit 0
// Look for: seven realloc for 997 letters.

#[inline(never)]
fn fill(letter: char) -> usize {
    let mut text = String::new();

    for _ in 0..997 {
        text.push(letter);
    }
    text.len()
}

fn main() {
    let letter = if std::process::id() == 0 { 'x' } else { 'y' }; // nothing rustc could know
    std::process::exit(if fill(letter) == 997 { 0 } else { 1 });
}
