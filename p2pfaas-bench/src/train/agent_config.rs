//! An agent's parameters from a file and from the command line.

use std::fs;
use std::path::{Path, PathBuf};

use p2pfaas_learner::{AgentConfig, ConfigError, ConfigWarning, RuleKind, ValueKind};
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
    let of_file = file.map(read).transpose()?.unwrap_or_default();
    let of_line: Map<String, Value> = set.iter().cloned().collect();
    let value = of_line.get("value").or(of_file.get("value"));
    let rule = match value.and_then(Value::as_str) {
        Some(value) if value == ValueKind::Network.name() => RuleKind::DoubleQ,
        _ => RuleKind::DifferentialQ,
    };
    let mut config = AgentConfig { rule, ..AgentConfig::default() };
    let mut warnings = config.set(&of_file).map_err(|error| AgentFileError::Parameter {
        path: file.map(Path::to_path_buf).unwrap_or_default(),
        error,
    })?;
    warnings.extend(config.set(&of_line).map_err(AgentFileError::Set)?);
    let given = of_file.keys().chain(of_line.keys()).cloned().collect();
    Ok((config, given, warnings))
}

/// The parameters of a file: all of it, or its table `[agent]`.
fn read(path: &Path) -> Result<Map<String, Value>, AgentFileError> {
    let text = fs::read_to_string(path).map_err(|reason| AgentFileError::Io { path: path.into(), reason })?;
    let file = |what: String| AgentFileError::File { path: path.into(), what };
    let parameters = toml::from_str(&text).map_err(|error| file(error.to_string()))?;
    AgentConfig::parameters_of(parameters).map_err(|error| file(error.to_string()))
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
    fn without_a_rule_there_is_one_that_learns_from_records_and_goes_with_the_values() {
        assert_eq!(of("", &[]).unwrap().0.rule, RuleKind::DifferentialQ);
        assert_eq!(of("value = \"network\"", &[]).unwrap().0.rule, RuleKind::DoubleQ);
        assert_eq!(
            of("rule = \"q-learning\"", &[("value", "network".into())]).unwrap().0.rule,
            RuleKind::QLearning
        );
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
