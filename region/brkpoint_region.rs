//! brkpoint_region.h for Rust: `mod brkpoint_region;`, and link with the static library:
//! `rustc -L native=DIR ...`, or `println!("cargo:rustc-link-search=native=DIR")` in a build.rs.
//!
//!     let _region = brkpoint_region!("parse");

use std::marker::PhantomData;
use std::os::raw::c_char;

#[link(name = "brkpoint_region", kind = "static")]
extern "C" {
    pub fn brkpoint_region_begin(name: *const c_char);
    pub fn brkpoint_region_end();
}

/// The region of a scope, however that is left. It is the thread's own.
#[must_use]
pub struct Region(PhantomData<*const ()>);

impl Region {
    /// `name`: text that ends with a zero byte; use `brkpoint_region!`.
    pub fn begin(name: &'static str) -> Region {
        assert!(name.ends_with('\0'));
        unsafe { brkpoint_region_begin(name.as_ptr() as *const c_char) };
        Region(PhantomData)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unsafe { brkpoint_region_end() };
    }
}

#[macro_export]
macro_rules! brkpoint_region {
    ($name:literal) => {
        $crate::brkpoint_region::Region::begin(concat!($name, "\0"))
    };
}
