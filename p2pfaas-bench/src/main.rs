//! The `p2pfaas` command with the policies that come with it.

fn main() -> std::process::ExitCode {
    p2pfaas_bench::run_command(p2pfaas_core::policy::Registry::builtin())
}
