//! How a training goes on, on standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget};
use p2pfaas_learner::offline::{CurveRow, Happened};

use crate::progress::{BAR, style};

/// A bar over all epochs; without a terminal, a line an epoch.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    plain: bool,
    epochs: u32,
}

impl Progress {
    pub fn on_stderr(epochs: u32, entries: usize) -> Progress {
        let plain = !std::io::stderr().is_terminal();
        let all = u64::from(epochs) * entries as u64;
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
        bar.set_style(style(BAR));
        Progress { bar, plain, epochs }
    }

    pub fn tell(&self, happened: Happened<'_>) {
        match happened {
            Happened::Taken(taken) => self.bar.set_position(taken),
            Happened::Judged(row) => {
                let line = line(row, self.epochs);
                if self.plain {
                    eprintln!("{line}");
                } else {
                    self.bar.set_message(line);
                }
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn line(row: &CurveRow, epochs: u32) -> String {
    let value = row.evaluation.doubly_robust.map_or_else(|| "-".into(), |one| format!("{:.4}", one.value));
    let error = row.td_error.map_or_else(|| "-".into(), |error| format!("{error:.4}"));
    let epoch = (row.epoch * 100.0).round() / 100.0;
    format!("epoch {epoch}/{epochs}: held out {value} a job (doubly robust), TD error {error}")
}
