//! `p2pfaas record` and `p2pfaas trace`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;

use super::{failed, print, wrong};
use crate::cli::{InfoArgs, RecordArgs, TraceArgs, TraceCommand};
use crate::progress::style;
use crate::recorded::{self, Wanted};
use crate::trace_info::{self, Asked};

pub(super) fn record(args: &RecordArgs) -> ExitCode {
    let wanted = Wanted { policy: args.policy.clone(), seed: args.seed, skip_bad: false };
    let mut reading = Reading::on_stderr(&args.results);
    let written = recorded::record(&args.results, &wanted, args.out.as_deref(), |all| reading.job(all));
    reading.finish();
    match written {
        Err(error) if error.is_input() => wrong(&error),
        Err(error) => failed(&error),
        Ok(written) => {
            let (first_s, last_s) = written.span_s;
            print(&format!(
                "{}: policy {}, seed {}, jobs {} ({} with their service times), nodes {}, task types {}, from \
                 second {first_s:.3} to {last_s:.3}\n",
                written.path.display(),
                written.policy,
                written.seed,
                written.jobs,
                written.with_service,
                written.nodes,
                written.task_types,
            ));
            ExitCode::SUCCESS
        }
    }
}

pub(super) fn trace(args: &TraceArgs) -> ExitCode {
    match &args.command {
        TraceCommand::Info(args) => info(args),
    }
}

fn info(args: &InfoArgs) -> ExitCode {
    let asked = Asked {
        format: args.format,
        durations: args.durations.clone(),
        memory: args.memory.clone(),
        policy: args.policy.clone(),
        seed: args.seed,
        skip_bad: args.skip_bad,
    };
    let mut reading = Reading::on_stderr(&args.file);
    let info = trace_info::look(&args.file, &asked, &mut |all| reading.job(all));
    reading.finish();
    match info {
        Err(error) => wrong(&error),
        Ok(info) => {
            // Nothing in it can fail: all keys are texts, and numbers that are not finite become null.
            let json = || serde_json::to_string_pretty(&info).unwrap_or_default() + "\n";
            print(&if args.json { json() } else { trace_info::render(&info) });
            ExitCode::SUCCESS
        }
    }
}

/// How the reading of a file goes on; nothing where it is done at once, or where there is no terminal.
struct Reading {
    bar: ProgressBar,
    jobs: u64,
}

impl Reading {
    /// Jobs between two looks at the terminal.
    const STEP: u64 = 1 << 14;

    fn on_stderr(path: &Path) -> Reading {
        let bar = ProgressBar::no_length().with_message(path.display().to_string());
        bar.set_style(style("checking {msg}, {elapsed}"));
        bar.enable_steady_tick(Duration::from_secs(1));
        Reading { bar, jobs: 0 }
    }

    /// A job more, of so many.
    fn job(&mut self, all: u64) {
        self.jobs += 1;
        if self.jobs == Self::STEP {
            self.bar.set_length(all);
            self.bar.set_style(style("{bar:28} {percent:>3} % of {len} jobs  {msg}  ({eta} left)"));
        }
        if self.jobs.is_multiple_of(Self::STEP) {
            self.bar.set_position(self.jobs);
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
