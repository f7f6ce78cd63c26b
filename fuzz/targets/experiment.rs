#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p2pfaas_bench::fuzz::experiment(bytes));
