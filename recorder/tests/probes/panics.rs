// panics.rs - panics that are caught, through frames that own memory.
struct Counted(#[allow(dead_code)] Vec<u8>);
static mut DESTROYED : usize = 0;
impl Drop for Counted
{
    fn drop(&mut self)
    {
        unsafe
        {
            DESTROYED += 1
        }
    }
}
fn deep(depth : usize)
{
    let _here = Counted(vec ![0u8; 1009]);
    if depth
        == 0
        {
            panic !("at the bottom");
        }
    deep(depth - 1);
}
fn main()
{
    std::panic::set_hook(Box::new (| _ | {}));
    let caught = (0..31).filter(| i | std::panic::catch_unwind(|| deep(i % 7)).is_err()).count();
    println !("caught {} destroyed {}", caught, unsafe{DESTROYED});
}
