//! How a check is run: by libFuzzer, or once for each file on the command line.

use std::env;
use std::fs;

/// Makes a program of a check: a target where libFuzzer is, else one that checks files, so that a
/// finding can be looked at with any debugger.
#[macro_export]
macro_rules! target {
    ($check:expr) => {
        #[cfg(feature = "libfuzzer")]
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            let check: fn(&[u8]) = $check;
            check(bytes);
        });

        #[cfg(not(feature = "libfuzzer"))]
        fn main() {
            $crate::check_files($check);
        }
    };
}

/// Checks the files that the command line names.
///
/// # Panics
/// If a check does, or there is no such file.
pub fn check_files(check: fn(&[u8])) {
    for path in env::args_os().skip(1) {
        let bytes = fs::read(&path);
        check(&bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
}
