//! The `p2pfaas-learner` command.

fn main() -> std::process::ExitCode {
    p2pfaas_learner::service::command::run()
}
