//! The `p2pfaas` command with one more policy, from a crate of its own: `examples/sticky-peer`.
//!
//! ```text
//! cargo run --release -p p2pfaas-bench --example own_policy -- policies
//! cargo run --release -p p2pfaas-bench --example own_policy -- run experiments/own-policy.toml
//! ```

use p2pfaas_core::policy::Registry;

fn main() -> std::process::ExitCode {
    let mut registry = Registry::builtin();
    sticky_peer::register(&mut registry);
    p2pfaas_bench::run_command(registry)
}
