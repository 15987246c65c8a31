//! The crate mexe behind the interface of peers.h.

/// # Safety
/// `text` points at `length` bytes, `result` at room for a number.
#[no_mangle]
pub unsafe extern "C" fn original_eval(text: *const u8, length: usize, result: *mut f64) -> bool {
    let bytes = std::slice::from_raw_parts(text, length);
    let value = std::str::from_utf8(bytes).ok().and_then(|text| mexe::eval(text).ok());
    if let Some(number) = value {
        *result = number;
    }
    value.is_some()
}
