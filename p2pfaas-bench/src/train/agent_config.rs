//! An agent's parameters from a file and from the command line.

use std::fs;
use std::path::{Path, PathBuf};

use p2pfaas_learner::{AgentConfig, ConfigError, ConfigWarning, RuleKind};
use serde_json::{Map, Value};

/// Parameters that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AgentFileError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: std::io::Error,
    },
    /// It is not TOML, or not of our kind.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A parameter of the file is wrong.
    #[error("{path}: {error}")]
    Parameter {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ConfigError,
    },
    /// A parameter of the command line is wrong.
    #[error("--set: {0}")]
    Set(ConfigError),
}

/// The agent's parameters: defaults, then those of the file, then those of `--set`; the names of the
/// parameters that were given; and warnings. The default rule is one that learns from anybody's record.
///
/// # Errors
/// The file cannot be read, or a parameter is unknown or cannot be.
pub fn agent_config(
    file: Option<&Path>,
    set: &[(String, Value)],
) -> Result<(AgentConfig, Vec<String>, Vec<ConfigWarning>), AgentFileError> {
    let mut config = AgentConfig { rule: RuleKind::DifferentialQ, ..AgentConfig::default() };
    let (mut given, mut warnings) = (Vec::new(), Vec::new());
    if let Some(path) = file {
        let parameters = read(path)?;
        given.extend(parameters.keys().cloned());
        let more = config
            .set(&parameters)
            .map_err(|error| AgentFileError::Parameter { path: path.into(), error })?;
        warnings.extend(more);
    }
    let parameters: Map<String, Value> = set.iter().cloned().collect();
    given.extend(parameters.keys().cloned());
    warnings.extend(config.set(&parameters).map_err(AgentFileError::Set)?);
    Ok((config, given, warnings))
}

/// The parameters of a file: all of it, or its table `[agent]`.
fn read(path: &Path) -> Result<Map<String, Value>, AgentFileError> {
    let text = fs::read_to_string(path).map_err(|reason| AgentFileError::Io { path: path.into(), reason })?;
    let file = |what: String| AgentFileError::File { path: path.into(), what };
    let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| file(error.to_string()))?;
    let table = match table.remove("agent") {
        None => table,
        Some(toml::Value::Table(_)) if !table.is_empty() => {
            let others = table.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(file(format!("beside [agent] there may be nothing; found {others}")));
        }
        Some(toml::Value::Table(agent)) => agent,
        Some(_) => return Err(file("`agent` must be a table: [agent]".into())),
    };
    match serde_json::to_value(table) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        _ => Err(file("it cannot be read as parameters".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, set: &[(&str, Value)]) -> Result<(AgentConfig, Vec<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(&path, text).unwrap();
        let set: Vec<_> = set.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        match agent_config(Some(&path), &set) {
            Ok((config, given, _)) => Ok((config, given)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_command_line_is_stronger_than_the_file_and_the_file_than_the_defaults() {
        for text in ["alpha = 0.5\ngamma = 0.5\n", "[agent]\nalpha = 0.5\ngamma = 0.5\n"] {
            let (config, given) = of(text, &[("gamma", 0.75.into())]).unwrap();
            assert_eq!((config.alpha, config.gamma), (0.5, 0.75));
            assert_eq!(config.rule, RuleKind::DifferentialQ);
            assert!(given.contains(&"alpha".to_string()) && !given.contains(&"beta".to_string()));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, part) in [
            ("alhpa = 0.5", "alhpa"),
            ("alpha = \"much\"", "much"),
            ("alpha = ", "agent.toml"),
            ("gamma = 1\n[agent]\nalpha = 1", "found gamma"),
            ("agent = 1", "must be a table"),
        ] {
            let error = of(text, &[]).unwrap_err();
            assert!(error.contains(part) && error.contains("agent.toml"), "{error}");
        }
        let error = of("", &[("alhpa", 1.into())]).unwrap_err();
        assert!(error.starts_with("--set: ") && error.contains("alhpa"), "{error}");
    }
}
