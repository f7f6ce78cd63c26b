#![no_main]

use p2pfaas_core::log::{Entry, Header};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let _ = lines.next().map(serde_json::from_slice::<Header>);
    lines.for_each(|line| drop(serde_json::from_slice::<Entry>(line)));
});
