pub fn words(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|i| format!("w{}", i * 7919 % 101))
}
