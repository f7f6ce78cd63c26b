//! The folder of a sweep. A point appears in it as a whole or not at all, so that a sweep that was ended
//! at any moment, even by force, can go on.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::picture::{self, Part};
use super::plan::Plan;
use super::table;
use crate::experiment::{Product, VaryError};
use crate::results::WriteError;
use crate::simulate::ON;
use crate::summary::Summary;

const MANIFEST: &str = "sweep.toml";
const EXPERIMENT: &str = "experiment.toml";
const POINTS: &str = "points";
const SUMMARY: &str = "summary.json";
const ROWS: &str = "rows.csv";
/// What a folder has that is no sweep's.
const OF_A_RUN: [&str; 3] = [SUMMARY, "jobs.parquet", "runs"];
/// What a point consists of.
pub(super) const POINT_FILES: [&str; 3] = [EXPERIMENT, SUMMARY, ROWS];

/// What a folder is the folder of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the program that ran it.
    pub version: String,
    /// The experiment's name.
    pub experiment: String,
    /// Where it ran.
    pub on: String,
    /// Number of points.
    pub points: usize,
    /// What is varied.
    pub vary: Vec<String>,
}

impl Manifest {
    /// What belongs to a plan.
    pub fn of(plan: &Plan) -> Manifest {
        Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            experiment: plan.name.clone(),
            on: ON.into(),
            points: plan.points.len(),
            vary: plan.product.0.iter().map(|vary| vary.text.clone()).collect(),
        }
    }
}

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// What could not be read.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Another sweep is in it.
    #[error(
        "{folder} holds other results: {difference}; expected a new folder, or what the sweep there was started with"
    )]
    Other {
        /// The folder.
        folder: String,
        /// In what it differs.
        difference: String,
    },
}

impl StoreError {
    /// Whether the command was wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        !matches!(self, StoreError::Write(_))
    }
}

/// The folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    manifest: Manifest,
    product: Product,
}

impl Store {
    /// Makes a folder for a sweep, or goes on with one that was begun.
    ///
    /// # Errors
    /// It cannot be made, or is the folder of another sweep.
    pub fn open(folder: &Path, manifest: Manifest, source: &str) -> Result<Store, StoreError> {
        let store = Store::new(folder, manifest)?;
        if folder.join(MANIFEST).exists() {
            let there = Store::read(folder)?;
            if let Some(difference) = there.difference(&store.manifest, source)? {
                return Err(StoreError::Other { folder: folder.display().to_string(), difference });
            }
            return Ok(store);
        }
        if folder.join(POINTS).exists() {
            let reason = format!("there are points and no {MANIFEST}");
            return Err(StoreError::Read { path: folder.into(), reason });
        }
        if let Some(name) = OF_A_RUN.iter().find(|name| folder.join(name).exists()) {
            let difference = format!("{name} is that of `p2pfaas run`");
            return Err(StoreError::Other { folder: folder.display().to_string(), difference });
        }
        make(folder)?;
        replace(&folder.join(EXPERIMENT), source)?;
        let manifest = toml::to_string(&store.manifest)
            .map_err(|error| unwritten(&folder.join(MANIFEST), io::Error::other(error)))?;
        let head =
            "# Written by `p2pfaas sweep`. The same command with this folder goes on where it ended.\n";
        // The last thing: with it, the folder is one of a sweep.
        replace(&folder.join(MANIFEST), &format!("{head}{manifest}"))?;
        Ok(store)
    }

    /// A folder that there is.
    ///
    /// # Errors
    /// It is not the folder of a sweep.
    pub fn read(folder: &Path) -> Result<Store, StoreError> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path);
        let manifest = text.map_err(|error| error.to_string()).and_then(|text| {
            toml::from_str(&text).map_err(|error: toml::de::Error| error.message().to_string())
        });
        match manifest {
            Ok(manifest) => Store::new(folder, manifest),
            Err(reason) => Err(StoreError::Read { path, reason }),
        }
    }

    fn new(folder: &Path, manifest: Manifest) -> Result<Store, StoreError> {
        let varies = manifest.vary.iter().map(|text| text.parse()).collect::<Result<Vec<_>, VaryError>>();
        let read = |reason: String| StoreError::Read { path: folder.join(MANIFEST), reason };
        let product = Product(varies.map_err(|error| read(error.to_string()))?);
        match product.count() == manifest.points {
            true => Ok(Store { folder: folder.into(), manifest, product }),
            false => Err(read(format!("{} points, and not {}", product.count(), manifest.points))),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What is in it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The experiment file that it was made from.
    ///
    /// # Errors
    /// It is not there.
    pub fn source(&self) -> Result<String, StoreError> {
        let path = self.folder.join(EXPERIMENT);
        fs::read_to_string(&path).map_err(|error| StoreError::Read { path, reason: error.to_string() })
    }

    /// In what it differs from another sweep, if it does.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn difference(&self, other: &Manifest, source: &str) -> Result<Option<String>, StoreError> {
        let here = &self.manifest;
        let differs = |what: &str, here: &str, there: &str| format!("its {what} is {here} and not {there}");
        let list = |vary: &[String]| format!("[{}]", vary.join(" "));
        Ok(if here.version != other.version {
            Some(differs("program version", &here.version, &other.version))
        } else if here.vary != other.vary {
            Some(differs("--vary", &list(&here.vary), &list(&other.vary)))
        } else if here.experiment != other.experiment {
            Some(differs("experiment", &here.experiment, &other.experiment))
        } else if self.source()? != source {
            Some("the experiment file has changed".into())
        } else {
            (here != other).then(|| format!("{MANIFEST} has been changed"))
        })
    }

    /// The folder of a point.
    pub fn point(&self, point: usize) -> PathBuf {
        self.folder.join(POINTS).join(self.number(point))
    }

    /// Numbers have the same length, so that they stand in order.
    fn number(&self, point: usize) -> String {
        let last = self.manifest.points.saturating_sub(1);
        format!("{point:0width$}", width = last.to_string().len().max(4))
    }

    /// Whether a point is finished.
    pub fn has(&self, point: usize) -> bool {
        let folder = self.point(point);
        POINT_FILES.iter().all(|name| folder.join(name).is_file())
    }

    /// The points that are finished.
    pub fn finished(&self) -> BTreeSet<usize> {
        (0..self.manifest.points).filter(|point| self.has(*point)).collect()
    }

    /// Keeps a point. One that is there already stays as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, point: usize, source: &str, summary: &Summary) -> Result<(), WriteError> {
        let rows = table::rows(&self.product, point, summary);
        self.put(point, [source.as_bytes(), summary.to_json().as_bytes(), rows.as_bytes()])
    }

    /// The files of a point, in the order of [`POINT_FILES`].
    pub(super) fn files(&self, point: usize) -> Result<[Vec<u8>; 3], StoreError> {
        let read = |name: &str| {
            let path = self.point(point).join(name);
            fs::read(&path).map_err(|error| StoreError::Read { path, reason: error.to_string() })
        };
        let [experiment, summary, rows] = POINT_FILES;
        Ok([read(experiment)?, read(summary)?, read(rows)?])
    }

    /// Under another name first: what has the right name is whole.
    pub(super) fn put<T: AsRef<[u8]>>(&self, point: usize, files: [T; 3]) -> Result<(), WriteError> {
        let whole = self.point(point);
        let draft = self.folder.join(POINTS).join(format!(".{}-{}", self.number(point), std::process::id()));
        make(&draft)?;
        for (name, bytes) in POINT_FILES.iter().zip(&files) {
            write(&draft.join(name), bytes.as_ref())?;
        }
        if whole.exists() && !self.has(point) {
            // Somebody has taken something out of it.
            fs::remove_dir_all(&whole).map_err(|error| unwritten(&whole, error))?;
        }
        match fs::rename(&draft, &whole) {
            // Another process was faster, and a point is the same whoever makes it.
            Err(_) if self.has(point) => fs::remove_dir_all(&draft).map_err(|error| unwritten(&draft, error)),
            outcome => outcome.map_err(|error| unwritten(&whole, error)),
        }
    }

    /// Takes away what was half written when a sweep was ended by force.
    pub fn tidy(&self, points: impl Iterator<Item = usize>) {
        let mine: BTreeSet<_> = points.map(|point| self.number(point)).collect();
        for entry in fs::read_dir(self.folder.join(POINTS)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let draft = name.to_str().and_then(|name| name.strip_prefix('.')?.split_once('-'));
            if draft.is_some_and(|(number, _)| mine.contains(number)) {
                // Nobody reads it; if it stays, it only takes room.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Writes `sweep.csv` and `sweep.svg` from all points that are finished, and says which they are.
    ///
    /// # Errors
    /// They cannot be written, or a point not be read.
    pub fn assemble(&self) -> Result<BTreeSet<usize>, StoreError> {
        loop {
            let finished = self.finished();
            let mut csv = table::header(&self.product);
            let mut parts = Vec::new();
            for point in &finished {
                let [_, summary, rows] = self.files(*point)?;
                csv.push_str(&String::from_utf8_lossy(&rows));
                let read = Part::read(*point, &summary);
                let path = || self.point(*point).join(SUMMARY);
                parts.push(read.map_err(|reason| StoreError::Read { path: path(), reason })?);
            }
            replace(&self.folder.join("sweep.csv"), &csv)?;
            let picture = self.folder.join("sweep.svg");
            let drawn = picture::render(&self.manifest.experiment, &self.product, &parts);
            if let Some(drawn) = drawn.map_err(|error| unwritten(&picture, io::Error::other(error)))? {
                replace(&picture, &drawn)?;
            }
            // Another shard may have finished points in this folder meanwhile, and must not be overwritten
            // with less.
            if self.finished() == finished {
                return Ok(finished);
            }
        }
    }
}

fn make(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))
}

/// Down to the disk: a name that is there after a loss of power must not be that of an empty file.
fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| unwritten(path, error))
}

/// As a whole.
fn replace(path: &Path, text: &str) -> Result<(), WriteError> {
    // Processes on several machines may write here, and have the same number.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}-{}-{now}.draft", std::process::id()));
    write(&draft, text.as_bytes())?;
    fs::rename(&draft, path).map_err(|error| unwritten(path, error))
}

fn unwritten(path: &Path, source: io::Error) -> WriteError {
    WriteError { path: path.into(), source }
}
