//! `p2pfaas replay`, and simulations beside what was measured.

use std::path::Path;
use std::process::ExitCode;

use p2pfaas_core::policy::Registry;

use super::{failed, print, with_signals, wrong};
use crate::beside::{self, Beside, Measured, MeasuredError};
use crate::cli::ReplayArgs;
use crate::experiment::{Experiment, Known, Place, as_run};
use crate::interrupt;
use crate::recorded::JobTimes;
use crate::replay::{Plan, replay_log};
use crate::results::{Folder, Provenance, WriteError};
use crate::simulate::{self, Options, SimProgress, SimulateError, VirtualTime};

pub(super) fn run(args: &ReplayArgs, registry: &Registry) -> ExitCode {
    match args.path.is_dir() {
        true => folder(args, registry),
        false => event_log(&args.path, registry),
    }
}

fn event_log(path: &Path, registry: &Registry) -> ExitCode {
    match replay_log(path, registry) {
        Ok(replayed) => {
            print(&format!("{replayed}\n"));
            ExitCode::SUCCESS
        }
        Err(error) if error.is_difference() => failed(&error),
        Err(error) => wrong(&error),
    }
}

fn folder(args: &ReplayArgs, registry: &Registry) -> ExitCode {
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let plan = match Plan::new(&args.path, &known) {
        Ok(plan) => plan,
        Err(error) => return input(&error),
    };
    let times = match plan.measured.job_times() {
        Ok(times) => times,
        Err(error) => return input(&error),
    };
    let engine = plan.engine(VirtualTime::with_times(registry.clone(), times));
    let options = Options { threads: args.threads, jobs: args.jobs };
    let experiment = &plan.experiment;
    let made = |out: &Path| {
        let folder = Folder::create(Some(out), experiment)?;
        // Policies that could not be replayed stand in the file all the same.
        let written = Experiment { seeds: experiment.seeds.clone(), ..plan.measured.experiment.clone() };
        let file = as_run(&written, Place::SimRecorded, registry);
        folder.write_experiment(&file, &Provenance::here(format!("replay {}", args.path.display())))?;
        Ok::<_, WriteError>(folder)
    };
    let out = args.out.as_deref().map(made).transpose();
    let out = match out {
        Ok(out) => out,
        Err(error) if error.is_input() => return wrong(&error),
        Err(error) => return failed(&error),
    };
    let replayed = with_signals(|cancel| {
        let progress = SimProgress::on_stderr(experiment);
        let mut summary = match &out {
            Some(out) => simulate::run(experiment, &engine, out, options, cancel, &progress)?,
            None => simulate::measure(experiment, &engine, args.threads, cancel, &progress)?,
        };
        summary.beside = Some(Beside::of(&plan.measured, &summary, plan.notes.clone()));
        if let Some(out) = &out {
            beside::write(out, &summary)?;
            eprintln!("results in {}", out.path().display());
        }
        Ok::<_, SimulateError>(summary)
    });
    match replayed {
        Err(error) => failed(&error),
        Ok(Err(error)) => failed(&error),
        Ok(Ok(summary)) => {
            let table = || summary.beside.as_ref().map_or_else(String::new, beside::table);
            print(&if args.json { summary.to_json() } else { table() });
            match summary.interrupted {
                true => ExitCode::from(interrupt::EXIT_CODE),
                false => ExitCode::SUCCESS,
            }
        }
    }
}

/// What stands beside a simulation.
pub(super) struct There {
    pub measured: Measured,
    pub times: JobTimes,
    pub notes: Vec<String>,
}

/// What was measured of an experiment, which gets its service times.
pub(super) fn there(
    folder: &Path,
    experiment: &mut Experiment,
    registry: &Registry,
) -> Result<There, ExitCode> {
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let there = Measured::open(folder, &known).and_then(|measured| {
        measured.is_of(experiment, registry)?;
        let notes = measured.give_times(experiment)?;
        let times = measured.job_times()?;
        Ok(There { measured, times, notes })
    });
    there.map_err(|error| input(&error))
}

/// What is wrong with an experiment file has its own form.
fn input(error: &MeasuredError) -> ExitCode {
    if let MeasuredError::Experiment(problems) = error {
        eprintln!("{problems}");
        return ExitCode::from(2);
    }
    wrong(error)
}
