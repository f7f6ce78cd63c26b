//! A configuration is loaded from given arguments, variables and files, never from the process.

mod errors;
mod forms;
mod old;
mod shipped;
mod sources;

use std::io;
use std::path::Path;

use p2pfaas_core::policy::Registry;

use super::{Asked, ConfigErrors, Loaded};

/// Loads with these arguments, variables, and files with their text.
fn load(
    arguments: &[&str],
    variables: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Result<Asked, ConfigErrors> {
    let arguments = std::iter::once(&"p2pfaas-node").chain(arguments).map(Into::into);
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let read_file = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        let text = file.map(|(_, text)| (*text).to_string());
        text.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    };
    super::load(arguments, variables, &read_file, &Registry::builtin())
}

fn node(arguments: &[&str], variables: &[(&str, &str)], files: &[(&str, &str)]) -> Loaded {
    match load(arguments, variables, files) {
        Ok(Asked::Node(loaded)) => *loaded,
        Ok(asked) => panic!("{asked:?}"),
        Err(errors) => panic!("{errors}"),
    }
}

/// With only a TOML file.
fn toml(text: &str) -> Loaded {
    node(&["--config", "node.toml"], &[], &[("node.toml", text)])
}

/// The problems, one a line.
fn problems(arguments: &[&str], variables: &[(&str, &str)], files: &[(&str, &str)]) -> Vec<String> {
    let errors = load(arguments, variables, files).expect_err("wrong");
    errors.0.iter().map(ToString::to_string).collect()
}

fn toml_problems(text: &str) -> Vec<String> {
    problems(&["--config", "node.toml"], &[], &[("node.toml", text)])
}
