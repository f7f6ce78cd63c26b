//! Records of choices, for training and judging agents: from our own jobs file, from the database of the
//! reference client, or from CSV.
//!
//! | format | told by | streams | order |
//! |---|---|---|---|
//! | `jobs.parquet`, or a results folder with one | its first bytes | policy/seed/node | `learning_eid`, else phase and job |
//! | the reference client's SQLite file, table `jobs` | its first bytes | node | `req_id` |
//! | CSV with the columns `eid,state,action,reward[,epsilon][,probability][,stream]` | its ending, `.csv` | `stream` | `eid` |
//!
//! Rows without a choice (no state or no action) are counted and left out. A choice without a reward stays:
//! it tells what followed what. Anything else that is wrong is an error with file, row and column.

mod choices;
mod csv;
mod parquet;
mod sqlite;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use p2pfaas_learner::offline::{Dataset, MAX_ENTRIES, OfflineError};

use choices::Choices;
pub(crate) use csv::values;

/// The first action that means another peer at each node.
const FIRST_PEER_ACTION: u32 = 3;

/// Choices that are read at most, over all files.
pub const MAX_ROWS: usize = MAX_ENTRIES;

/// What was read.
#[derive(Debug)]
pub struct Trace {
    /// The choices.
    pub dataset: Dataset,
    /// Rows without a choice.
    pub skipped: u64,
    /// What one should know of how they were read.
    pub notes: Vec<String>,
    /// What makes an agent worse that is trained or judged by it.
    pub warnings: Vec<String>,
}

impl Trace {
    /// Tells notes and warnings on standard error.
    pub fn tell(&self) {
        self.notes.iter().for_each(|note| eprintln!("note: {note}"));
        self.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A file that cannot be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder without jobs.
    #[error("{0} has no jobs.parquet; give a results folder of `p2pfaas run`, or a file")]
    Folder(PathBuf),
    /// No format that is known.
    #[error(
        "{0} is neither a Parquet file nor an SQLite database, and its name does not end in .csv; see \
         `p2pfaas train --help` for what can be read"
    )]
    Unknown(PathBuf),
    /// A damaged file, or one of another make.
    #[error("{path} cannot be read as {format}: {what}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Not a file of choices.
    #[error("{path} has no column {missing:?}; its columns are: {found}")]
    Column {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
        /// What there is.
        found: String,
    },
    /// A value that cannot be.
    #[error("{path}, row {row}, column {column:?}: {what}")]
    Cell {
        /// The file.
        path: PathBuf,
        /// Its row, from 1; in CSV its line.
        row: u64,
        /// The column.
        column: &'static str,
        /// What is wrong.
        what: String,
    },
    /// More than memory is granted for.
    #[error("there are more than {MAX_ROWS} choices; give fewer files, or a part of the streams with --only")]
    TooMany,
    /// Nothing to learn from.
    #[error("there is no choice of a learner in {files}{}; {skipped} rows have no state or no action", within(.only))]
    Empty {
        /// The files.
        files: String,
        /// Rows without a choice.
        skipped: u64,
        /// The streams that were asked for.
        only: Option<String>,
    },
    /// Choices that do not go together.
    #[error("{error}{hint}")]
    Dataset {
        /// Why not.
        error: OfflineError,
        /// What to do.
        hint: &'static str,
    },
}

fn within(only: &Option<String>) -> String {
    only.as_ref().map_or_else(String::new, |only| format!(", in streams with {only:?} in their names"))
}

/// Reads records. With several files, streams have the file's name before their own. With `only`, streams
/// without this text in their names are left out.
///
/// # Errors
/// What cannot be read, with its place.
pub fn load(files: &[PathBuf], only: Option<&str>) -> Result<Trace, TraceError> {
    let mut choices = Choices::new(only);
    for path in files {
        let path = &jobs_of(path)?;
        choices.begin(path, files.len() > 1);
        match format(path)? {
            Format::Parquet => parquet::read(path, &mut choices)?,
            Format::Sqlite => sqlite::read(path, &mut choices)?,
            Format::Csv => csv::read(path, &mut choices)?,
        }
    }
    let nodes = choices.nodes();
    let (recorded, skipped, notes) = choices.into_parts();
    if recorded.is_empty() {
        let files = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(TraceError::Empty { files, skipped, only: only.map(str::to_string) });
    }
    let dataset = Dataset::new(recorded).map_err(|error| {
        let hint = match error {
            OfflineError::BadEntry { .. } => "; --only TEXT takes a part of the streams",
            _ => "",
        };
        TraceError::Dataset { error, hint }
    })?;
    let warnings = mixed_peers(&dataset, nodes).into_iter().collect();
    Ok(Trace { dataset, skipped, notes, warnings })
}

/// A warning, if choices of peers are there from several nodes.
fn mixed_peers(dataset: &Dataset, nodes: usize) -> Option<String> {
    let to_peers = dataset.entries().filter(|choice| choice.entry.action >= FIRST_PEER_ACTION).count();
    let example = &dataset.streams().first()?.name;
    (nodes > 1 && to_peers > 0).then(|| {
        format!(
            "the choices are of {nodes} nodes, and {to_peers} of them give a job to a certain peer (actions from \
             {FIRST_PEER_ACTION}), which is another one at each node: what is learned of one misleads at another. \
             --only POLICY/SEED/NODE takes one node, as in --only {example:?}"
        )
    })
}

enum Format {
    Parquet,
    Sqlite,
    Csv,
}

/// The jobs of a results folder; a file stands for itself.
fn jobs_of(path: &Path) -> Result<PathBuf, TraceError> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let jobs = path.join("jobs.parquet");
    if jobs.is_file() { Ok(jobs) } else { Err(TraceError::Folder(path.into())) }
}

fn format(path: &Path) -> Result<Format, TraceError> {
    let io = |source| TraceError::Io { path: path.into(), source };
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(io)?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match (&head[..], ending.to_ascii_lowercase().as_str()) {
        (head, _) if head.starts_with(b"PAR1") => Ok(Format::Parquet),
        (head, _) if head.starts_with(b"SQLite format 3\0") => Ok(Format::Sqlite),
        (_, "csv") => Ok(Format::Csv),
        _ => Err(TraceError::Unknown(path.into())),
    }
}
