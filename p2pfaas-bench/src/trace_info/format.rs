//! Formats, and how they are told.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use p2pfaas_sim::arrivals::TraceError;
use serde::Serialize;

/// Of a file, so many bytes tell its format.
const HEAD: u64 = 4096;

/// The format of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A results folder, its jobs.parquet, or what `p2pfaas record` has written
    Recorded,
    /// Calls a minute and function
    #[value(name = "azure-2019")]
    #[serde(rename = "azure-2019")]
    Azure2019,
    /// What its functions take
    #[value(name = "azure-2019-durations")]
    #[serde(rename = "azure-2019-durations")]
    Azure2019Durations,
    /// What its apps allocate
    #[value(name = "azure-2019-memory")]
    #[serde(rename = "azure-2019-memory")]
    Azure2019Memory,
    /// Single calls
    #[value(name = "azure-2021")]
    #[serde(rename = "azure-2021")]
    Azure2021,
    /// Rates by stages, in JSON
    K6,
    /// The shape of a day
    Profile,
}

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Recorded => "recorded",
            Format::Azure2019 => "azure-2019",
            Format::Azure2019Durations => "azure-2019-durations",
            Format::Azure2019Memory => "azure-2019-memory",
            Format::Azure2021 => "azure-2021",
            Format::K6 => "k6",
            Format::Profile => "profile",
        }
    }

    /// The format of a file or folder, by how it begins.
    ///
    /// # Errors
    /// It cannot be read, or is none of these.
    pub fn guess(path: &Path) -> Result<Format, TraceError> {
        if path.is_dir() {
            return Ok(Format::Recorded);
        }
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        read.map_err(|error| TraceError::unreadable(path, error))?;
        if head.starts_with(b"PAR1") {
            return Ok(Format::Recorded);
        }
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let first = text.lines().next().unwrap_or_default();
        let columns: Vec<&str> = first.split(',').map(str::trim).collect();
        let has = |name: &str| columns.contains(&name);
        match &columns[..] {
            _ if text.starts_with('{') => Ok(Format::K6),
            _ if has("at_s") => Ok(Format::Recorded),
            _ if has("func") && has("end_timestamp") => Ok(Format::Azure2021),
            _ if has("percentile_Average_0") => Ok(Format::Azure2019Durations),
            _ if has("AverageAllocatedMb") => Ok(Format::Azure2019Memory),
            _ if has("HashFunction") && has("Trigger") => Ok(Format::Azure2019),
            [index, value] if index.parse::<u64>().is_ok() && value.parse::<f64>().is_ok() => {
                Ok(Format::Profile)
            }
            _ => {
                let names = Format::value_variants().iter().map(|format| format.name()).collect::<Vec<_>>();
                let reason = format!("is of no format that is known; --format takes {}", names.join(", "));
                Err(TraceError::File { path: path.into(), reason })
            }
        }
    }
}
