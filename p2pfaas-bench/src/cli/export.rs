//! `p2pfaas export`.

use std::path::PathBuf;

use clap::Args;

use crate::exports::Format;

pub(super) const EXPORT_HELP: &str = "\
Makes files for other programs of a results folder, from its jobs.parquet and learning.csv.

  reference-db  SQLite with the tables jobs, timings and values_strings of the reference client, for its plot \
scripts: one file a run (LABEL-seedN.db), with all jobs, also those of training and warm-up
  tensorboard   learning curves: one folder a run, tags charts/episodic_return (the rewards of a second), \
charts/SPS (decisions a second), charts/epsilon, losses/td_loss and others
  hlog          HdrHistogram interval logs of the latencies of served jobs, in microseconds: one file a policy, \
one tag a seed
  oha           a load summary in the JSON shape of oha: one file a policy";

pub(super) const EXPORT_MORE: &str = "\
What a client of the reference knows and our records do not is filled in: payload_name is type-N, requests_rate the \
rate that was counted, and peers are named node-N.

Exit codes: 0 done, 1 a file cannot be written, 2 the results cannot be read.

Examples:
  p2pfaas export results/monday
  p2pfaas export results/monday --to tensorboard && tensorboard --logdir results/monday/exports/tensorboard
  p2pfaas export results/monday --to reference-db --to hlog --out /tmp/plots";

/// Arguments of `p2pfaas export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The results folder
    pub results: PathBuf,
    /// What to make; may be given several times [default: all]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub to: Vec<Format>,
    /// Where to put it [default: exports in the results folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl ExportArgs {
    /// What is asked for.
    pub fn formats(&self) -> &[Format] {
        if self.to.is_empty() { &Format::ALL } else { &self.to }
    }
}
