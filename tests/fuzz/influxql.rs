//! MessagePack as anyone could send it.

#![cfg_attr(feature = "libfuzzer", no_main)]

promises::target!(|bytes| promises::check(promises::Format::InfluxQl, bytes));
