//! Fixed: working memory that lies at an address known when compiling.
//!
//! An engine that checks each access against the memory's size can leave the check out where the
//! address is a constant, so kernels keep their tables here rather than on the stack. A WebAssembly
//! instance has one thread; native test threads each get memory of their own.

/// Declares a function that returns the address of a static value, which starts as given.
macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident: $type:ty = $initial:expr) => {
        $(#[$doc])*
        #[inline(always)]
        fn $name() -> *mut $type {
            #[cfg(target_arch = "wasm32")]
            {
                static mut VALUE: $type = $initial;
                &raw mut VALUE
            }
            #[cfg(not(target_arch = "wasm32"))]
            {
                use core::cell::UnsafeCell;
                std::thread_local!(static VALUE: UnsafeCell<$type> = const { UnsafeCell::new($initial) });
                VALUE.with(UnsafeCell::get)
            }
        }
    };
}

pub(crate) use fixed;
