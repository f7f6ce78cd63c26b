//! Tells the program of which commit it is made: results say it.

use std::process::Command;

fn main() {
    // Each commit is a line more in the log of HEAD; a changed source makes a clean checkout a changed one.
    for path in ["../.git/logs/HEAD", "../Cargo.lock", "src"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for name in ["core", "learner", "node", "sim"] {
        println!("cargo::rerun-if-changed=../p2pfaas-{name}/src");
    }
    println!("cargo::rerun-if-env-changed=P2PFAAS_COMMIT");
    // Whoever builds without the history, as in a container, may say it.
    let told = std::env::var("P2PFAAS_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = told.or_else(from_git).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=P2PFAAS_COMMIT={commit}");
}

/// Twelve digits, with `-dirty` behind them where something has changed since.
fn from_git() -> Option<String> {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(described.stdout).ok()?.trim().to_string())
}
