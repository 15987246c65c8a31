use std::hint::black_box;

fn main() {
    let mut list: Vec<i32> = Vec::new();
    for number in 0..100000 {
        list.push(black_box(number));
    }
    black_box(&list);
}
