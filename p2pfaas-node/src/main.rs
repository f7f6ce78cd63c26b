//! The `p2pfaas-node` command with the policies that come with it.

fn main() -> std::process::ExitCode {
    p2pfaas_node::run(p2pfaas_core::policy::Registry::builtin())
}
