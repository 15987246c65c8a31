use std::collections::BTreeMap;
use std::hint::black_box;

#[inline(never)]
fn short_string() {
    black_box(String::from("a cat"));
}

#[inline(never)]
fn borrowed_string() {
    black_box("a cat");
}

#[inline(never)]
fn three_in_a_map() {
    black_box(BTreeMap::from([(1, 30), (2, 40), (3, 50)]));
}

#[inline(never)]
fn one_box() {
    black_box(Box::new(7));
}

#[inline(never)]
fn plain_closure() {
    let number = black_box(7);
    let add = black_box(move || number + 1);
    black_box(add());
}

#[inline(never)]
fn boxed_closure() {
    let number = black_box(7);
    let add: Box<dyn Fn() -> i32> = black_box(Box::new(move || number + 1));
    black_box(add());
}

#[inline(never)]
fn one_error() {
    let _ = black_box("7x").parse::<i32>();
}

fn main() {
    short_string();
    borrowed_string();
    three_in_a_map();
    one_box();
    plain_closure();
    boxed_closure();
    one_error();
}
