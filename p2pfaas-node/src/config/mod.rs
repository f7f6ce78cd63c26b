//! Where a node's settings come from: flags, the environment, a TOML file, the reference's files.
//!
//! Every key stands once, in `keys`. A source gives texts and where they stand; each text is
//! checked by its key, also where a source before has given another value; what belongs together
//! is checked at the end. All that is wrong is told at once.

mod check;
mod command_line;
mod draft;
mod environment;
mod errors;
mod file;
mod functions;
mod given;
mod keys;
mod learner;
mod old_files;
mod policy;
mod security;
mod suggest;
#[cfg(test)]
mod tests;
mod value;

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Registry;

pub use errors::{ConfigErrors, Problem};
pub use functions::FunctionSpec;

use command_line::CommandLine;
use draft::Draft;
use given::Layer;

use crate::settings::Settings;

/// What a command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// A node.
    Node(Box<Loaded>),
    /// Whether the node that listens here is well.
    Health(SocketAddr),
    /// Only this text: help or version.
    Text(String),
}

/// A complete configuration.
#[derive(Debug)]
pub struct Loaded {
    /// The node's settings.
    pub settings: Settings,
    /// Its functions as they were configured; [`Settings::functions`] run them.
    pub functions: Vec<FunctionSpec>,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Threads that serve requests.
    pub threads: usize,
    /// What has no effect, or may not be what was meant.
    pub warnings: Vec<String>,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// In the syntax of `tracing`'s filters.
    pub filter: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    fn name(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

/// How files are read.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Reads a configuration. The first argument is the program; the variables are those of the
/// environment.
///
/// # Errors
/// All that is wrong, in the order of the sources.
pub fn load(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    read_file: ReadFile<'_>,
    registry: &Registry,
) -> Result<Asked, ConfigErrors> {
    let mut loading =
        Loading { draft: Draft::default(), problems: Vec::new(), warnings: Vec::new(), registry };
    let mut asks_health = false;
    match command_line::read(arguments, registry) {
        CommandLine::Run(flags) => loading.add(flags),
        CommandLine::AskHealth(flags) => {
            asks_health = true;
            loading.add(flags);
        }
        CommandLine::Print(text) => return Ok(Asked::Text(text)),
    }
    let variables: Vec<_> = variables.into_iter().collect();
    loading.add(environment::read(variables.iter().cloned()));
    if let Some(path) = loading.draft.config.clone() {
        match read_file(&path) {
            Ok(text) => loading.add(file::read(&path, &text)),
            Err(error) => loading.problems.push(unreadable("config", &loading.draft, &path, &error)),
        }
    }
    loading.add_old_files(read_file);
    let Loading { draft, mut problems, warnings, .. } = loading;
    let loaded = check::complete(draft, read_file, &variables, &mut problems, warnings);
    if !problems.is_empty() {
        Err(ConfigErrors(problems))
    } else if asks_health {
        Ok(Asked::Health(loaded.settings.listen))
    } else {
        Ok(Asked::Node(Box::new(loaded)))
    }
}

struct Loading<'a> {
    draft: Draft,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    registry: &'a Registry,
}

impl Loading<'_> {
    /// Adds the next source; what the sources before it have given stays.
    fn add(&mut self, layer: Layer) {
        let mut problems = layer.problems.into_iter().peekable();
        for (index, (key, given)) in layer.values.iter().enumerate() {
            while let Some((_, problem)) = problems.next_if(|(before, _)| *before <= index) {
                self.problems.push(problem);
            }
            self.problems.extend(self.draft.apply(key, given, self.registry));
        }
        self.problems.extend(problems.map(|(_, problem)| problem));
        self.warnings.extend(layer.warnings);
    }

    fn add_old_files(&mut self, read_file: ReadFile<'_>) {
        match self.draft.settings.data.clone() {
            Some(folder) => {
                if let Some(layer) = old_files::read(&folder, read_file) {
                    self.add(layer);
                }
            }
            // A drop-in for the reference, that nobody has told where its data is.
            None if !self.draft.origins.contains_key("data") => {
                let folder = PathBuf::from(old_files::FOLDER);
                let denied = Cell::new(false);
                let read_if_allowed = |path: &Path| {
                    read_file(path).map_err(|error| match error.kind() {
                        io::ErrorKind::PermissionDenied => {
                            denied.set(true);
                            io::ErrorKind::NotFound.into()
                        }
                        _ => error,
                    })
                };
                let layer = old_files::read(&folder, &read_if_allowed);
                // It may be anybody's folder, and then this is no error.
                if denied.get() {
                    let why = "cannot be searched for files of the reference; --data names the data folder";
                    self.warnings.push(format!("{} {why}", old_files::FOLDER));
                }
                if let Some(layer) = layer {
                    self.warnings.push(format!(
                        "{} has files of the reference, and so is the data folder; --data names another",
                        old_files::FOLDER
                    ));
                    self.draft.settings.data = Some(folder);
                    self.add(layer);
                }
            }
            None => {}
        }
    }
}

/// A file named by a key that cannot be read.
fn unreadable(key: &str, draft: &Draft, path: &Path, error: &io::Error) -> Problem {
    Problem {
        key: key.into(),
        origin: draft.origin(key).into(),
        expected: "a file that can be read".into(),
        found: format!("{}: {error}", path.display()),
    }
}
