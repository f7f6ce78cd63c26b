//! The runs of an experiment that are over, kept while the others go on. After Ctrl-C, a kill or a loss of power
//! the experiment can go on with those that are missing.
//!
//! A results folder has a folder `runs` until all runs are over. In it are, of each run that is over, its jobs
//! (`0007.parquet`) and what was counted of it (`0007.run`). Both appear as a whole or not at all; a run whose
//! `.run` is there is over. Runs are numbered policy by policy, and within a policy seed by seed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::curve::Curve;
use crate::experiment::Experiment;
use crate::results::{COMMIT, Folder, JobsFile, JobsFileError, WriteError};
use crate::series::RunSeries;
use crate::summary::RunMeasured;

const RUNS: &str = "runs";
const MANIFEST: &str = "experiment.json";
const LOCK: &str = "lock";

/// What came of one policy under one seed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub measured: RunMeasured,
    pub curve: Option<Curve>,
    /// What charts are drawn of.
    pub series: Option<RunSeries>,
}

/// What the runs of a folder are runs of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version and commit of the program.
    version: String,
    /// The experiment's name.
    experiment: String,
    /// Where it runs, and with which options.
    how: String,
    /// The policies, marks beside them included.
    policies: Vec<String>,
    /// The seeds.
    seeds: Vec<u64>,
    /// The experiment file.
    source: String,
}

impl Manifest {
    /// Of an experiment; `how` tells where it runs and with which options.
    pub fn of(experiment: &Experiment, how: String) -> Manifest {
        Manifest {
            version: format!("{} ({COMMIT})", env!("CARGO_PKG_VERSION")),
            experiment: experiment.name.clone(),
            how,
            policies: experiment.policies.iter().map(|policy| policy.label.clone()).collect(),
            seeds: experiment.seeds.clone(),
            source: experiment.source.clone(),
        }
    }

    /// In what the runs that are there differ from those that are wanted.
    fn difference(&self, wanted: &Manifest) -> Option<String> {
        let differs = |what: &str, here: &str, wanted: &str| {
            (here != wanted).then(|| format!("its {what} is {here}, and not {wanted}"))
        };
        let seeds = |seeds: &[u64]| format!("{seeds:?}");
        differs("program version", &self.version, &wanted.version)
            .or_else(|| differs("experiment", &self.experiment, &wanted.experiment))
            .or_else(|| (self.source != wanted.source).then(|| "the experiment file has changed".into()))
            .or_else(|| differs("command", &self.how, &wanted.how))
            .or_else(|| differs("list of seeds", &seeds(&self.seeds), &seeds(&wanted.seeds)))
            .or_else(|| differs("list of policies", &self.policies.join(", "), &wanted.policies.join(", ")))
    }
}

/// Why a folder cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// There is nothing to go on with.
    #[error(
        "{0} has no interrupted run; expected the folder of `p2pfaas run` that was ended before it was over"
    )]
    Nothing(String),
    /// Something else was run there.
    #[error("{folder} has runs of something else: {difference}; expected the same command, or a new folder")]
    Other {
        /// The folder.
        folder: String,
        /// In what it differs.
        difference: String,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ResumeError {
    /// Whether the command was wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            ResumeError::Write(error) => error.is_input(),
            _ => true,
        }
    }
}

/// Makes the folder of an experiment so that it can be gone on with, or goes on with one that was interrupted:
/// that in `resume`, or in `out` if there is one.
///
/// # Errors
/// There is nothing to go on with, or something else, or the folder has results already.
pub fn open(
    out: Option<&Path>,
    resume: Option<&Path>,
    experiment: &Experiment,
    wanted: &Manifest,
) -> Result<Folder, ResumeError> {
    let begun = |folder: &Path| folder.join(RUNS).join(MANIFEST).is_file();
    if let Some(path) = resume.or_else(|| out.filter(|out| begun(out))) {
        let folder = path.display().to_string();
        let there = fs::read(path.join(RUNS).join(MANIFEST)).ok();
        let there = there.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
        let Some(there) = there else { return Err(ResumeError::Nothing(folder)) };
        return match there.difference(wanted) {
            Some(difference) => Err(ResumeError::Other { folder, difference }),
            None => {
                let folder = Folder::open(path);
                // Whether somebody works there; it is taken again by whoever runs.
                Kept::of(&folder)?;
                Ok(folder)
            }
        };
    }
    let folder = Folder::create(out, experiment)?;
    let kept = Kept::of(&folder)?;
    // Nothing in it can fail: all of it is texts and numbers.
    let text = serde_json::to_string_pretty(wanted).unwrap_or_default();
    kept.replace(MANIFEST, text.as_bytes())?;
    Ok(folder)
}

/// The folder of the runs that are over.
#[derive(Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
    /// Held as long as somebody works here.
    _lock: File,
}

impl Kept {
    /// Makes it if it is not there, and takes away what was half written when it was ended by force. Refused
    /// while somebody else works here.
    pub fn of(folder: &Folder) -> Result<Kept, WriteError> {
        let folder = folder.path().join(RUNS);
        let failed = |source| WriteError { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        // Where a file system knows no locks, nobody can be kept out.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            let reason = "another run goes on there; expected another folder, or to wait until it is over";
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, reason)));
        }
        let kept = Kept { folder, _lock: lock };
        kept.remove_drafts()?;
        Ok(kept)
    }

    /// A run, if it is over. One that cannot be read is run once more.
    pub fn get(&self, run: usize) -> Option<Ran> {
        postcard::from_bytes(&fs::read(self.counts(run)).ok()?).ok()
    }

    /// Where the jobs of a run are written while it goes on.
    pub fn draft(&self, run: usize) -> PathBuf {
        self.folder.join(format!(".{run:04}.parquet"))
    }

    /// Keeps a run that is over, with its jobs if there are any.
    pub fn keep(&self, run: usize, ran: &Ran) -> Result<(), WriteError> {
        let (draft, jobs) = (self.draft(run), self.jobs(run));
        if draft.is_file() {
            let synced = File::open(&draft).and_then(|file| file.sync_all());
            let moved = synced.and_then(|()| fs::rename(&draft, &jobs));
            moved.map_err(|source| WriteError { path: jobs, source })?;
        }
        let path = self.counts(run);
        let bytes =
            postcard::to_stdvec(ran).map_err(|error| WriteError { path, source: io::Error::other(error) })?;
        self.replace(&counts(run), &bytes)
    }

    /// Makes one file of the jobs of all runs, those that were ended before they were over included.
    pub fn join(&self, folder: &Folder, experiment: &str, runs: usize) -> Result<(), JobsFileError> {
        let there = |run: usize| [self.draft(run), self.jobs(run)].into_iter().find(|path| path.is_file());
        let parts: Vec<_> = (0..runs).filter_map(there).collect();
        let draft = self.folder.join(".jobs.parquet");
        JobsFile::join(&draft, experiment, &parts)?;
        Ok(fs::rename(&draft, folder.jobs())?)
    }

    /// Takes away what is not needed any more: all of it, if all runs are over, else only the jobs of those
    /// that are not.
    pub fn tidy(&self, runs: usize) -> Result<(), WriteError> {
        let all = (0..runs).all(|run| self.counts(run).is_file());
        match all {
            true => fs::remove_dir_all(&self.folder).map_err(|source| self.failed(source)),
            false => self.remove_drafts(),
        }
    }

    fn remove_drafts(&self) -> Result<(), WriteError> {
        for entry in fs::read_dir(&self.folder).map_err(|source| self.failed(source))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                fs::remove_file(entry.path()).map_err(|source| self.failed(source))?;
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError { path: self.folder.clone(), source }
    }

    fn jobs(&self, run: usize) -> PathBuf {
        self.folder.join(format!("{run:04}.parquet"))
    }

    fn counts(&self, run: usize) -> PathBuf {
        self.folder.join(counts(run))
    }

    /// As a whole, and down to the disk: a name that is there must not be that of half a file.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let (draft, path) = (self.folder.join(format!(".{name}")), self.folder.join(name));
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let moved = written.and_then(|()| fs::rename(&draft, &path));
        moved.map_err(|source| WriteError { path, source })
    }
}

fn counts(run: usize) -> String {
    format!("{run:04}.run")
}

/// How many runs are over in a folder, for people; `None` if there are none, or if all are.
pub fn over(folder: &Folder, experiment: &Experiment) -> Option<String> {
    let runs = experiment.policies.len() * experiment.seeds.len();
    let kept = folder.path().join(RUNS);
    let over = (0..runs).filter(|run| kept.join(counts(*run)).is_file()).count();
    (over > 0).then(|| format!("{over} of {runs} runs are over"))
}
