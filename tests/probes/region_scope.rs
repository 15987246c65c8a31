//! region_scope.rs - the same in Rust.
#[path = "../../region/brkpoint_region.rs"]
mod brkpoint_region;

fn take(size: usize) {
    std::hint::black_box(Vec::<u8>::with_capacity(size));
}

fn leave() {
    let _region = brkpoint_region!("inner");
    take(4102);
    if std::hint::black_box(true) {
        return;
    }
    take(999);
}

fn main() {
    leave();
    take(4100);
    let _region = brkpoint_region!("outer");
    take(4101);
}
