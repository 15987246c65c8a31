//! Words, counted.
use std::collections::HashMap;

mod text;

fn main() {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in text::words(4001) {
        *counts.entry(word).or_default() += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort();
    println!("{} {:?}", rows.len(), rows.first());
}
