//! Any answers to a plan of purpose `batch`: the first bytes say what becomes of each step, the
//! rest is what the source says.

#![cfg_attr(feature = "libfuzzer", no_main)]

promises::target!(promises::check_batch);
