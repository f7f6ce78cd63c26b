#![no_main]

use std::sync::Once;

static HOOK: Once = Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // That of the fuzzer ends the process also where the reader survives a panic of the Parquet library; one that comes
    // out of the reader ends it without a hook.
    HOOK.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    p2pfaas_bench::fuzz::trace(bytes);
});
