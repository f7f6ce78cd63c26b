//! What the commands do.

mod faults;
mod fleet;
mod replay;
mod suite;
mod sweep;
mod tools;
mod trace;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use p2pfaas_core::policy::Registry;
use p2pfaas_learner::checkpoint::Summary;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::beside::{self, Beside};
use crate::cli::{Cli, Command, ExportArgs, On, RunArgs, TrainArgs};
use crate::experiment::{Experiment, Known, Place, as_run};
use crate::exports::{self, ExportError};
use crate::progress::Progress;
use crate::results::{COLUMNS_TEXT, Folder, Provenance};
use crate::simulate::{self, SimProgress, SimulateError, VirtualTime, references};
use crate::{evaluate, interrupt, kept, offered, policies, run, table, theory, train};

/// Runs the `p2pfaas` command with these policies. The whole of `main` in a program that brings
/// policies of its own:
///
/// ```no_run
/// use p2pfaas_core::policy::Registry;
///
/// fn main() -> std::process::ExitCode {
///     let registry = Registry::builtin();
///     // registry.register::<MyPolicy>();
///     p2pfaas_bench::run_command(registry)
/// }
/// ```
pub fn run_command(registry: Registry) -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // Fails only if the program has set up another one, which is then used.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    match cli.command {
        Command::Policies => {
            print(&policies::describe(&registry));
            ExitCode::SUCCESS
        }
        Command::Columns => {
            print(COLUMNS_TEXT);
            ExitCode::SUCCESS
        }
        Command::Run(args) => match args.place() {
            Err(error) => wrong(&error),
            Ok(On::Here(Place::Local)) => run_file(&args, registry),
            Ok(On::Here(place)) => simulate_file(&args, place, registry),
            Ok(On::Fleet(hosts)) => fleet::run(&args, &hosts, &registry),
        },
        Command::Check(args) => tools::check_files(&args, &registry),
        Command::Schema => tools::print_schema(&registry),
        Command::Completions(args) => tools::completions(&args),
        Command::Man(args) => tools::man(&args),
        Command::Replay(args) => replay::run(&args, &registry),
        Command::Sweep(args) => sweep::run(&args, &registry, &VirtualTime::new(registry.clone())),
        Command::Suite(args) => suite::run(&args, &registry, &VirtualTime::new(registry.clone())),
        Command::Merge(args) => sweep::merge(&args),
        Command::Export(args) => export_files(&args),
        Command::Record(args) => trace::record(&args),
        Command::Trace(args) => trace::trace(&args),
        Command::Train(args) => train_agent(&args),
        Command::Evaluate(args) => answer(evaluate::run(&args)),
        Command::Agent(args) => answer(Summary::load(&args.file).map(|summary| evaluate::describe(&summary))),
        Command::Theory(args) => answer(theory::run(&args)),
        Command::Faults(args) => faults::run(&args, &registry),
    }
}

/// The experiment of a file, read for the place where it is to run; `Err` when it is wrong, which has been told.
fn experiment(args: &RunArgs, place: Place, registry: &Registry) -> Result<Experiment, ExitCode> {
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    match Experiment::load(&args.file, place, &known) {
        Ok(mut experiment) => {
            experiment.seeds = args.seed.map_or(experiment.seeds, |seed| vec![seed]);
            Ok(experiment)
        }
        Err(problems) => {
            eprintln!("{problems}");
            Err(ExitCode::from(2))
        }
    }
}

fn run_file(args: &RunArgs, registry: Registry) -> ExitCode {
    let experiment = match experiment(args, Place::Local, &registry) {
        Ok(experiment) => experiment,
        Err(code) => return code,
    };
    let file = as_run(&experiment, Place::Local, &registry);
    tell(args, &experiment, &file, |folder, cancel| {
        let progress = Progress::on_stderr(&experiment);
        let options = run::Options { event_logs: args.event_logs };
        run::run(&experiment, registry.clone(), folder, options, cancel, &progress)
    })
}

fn simulate_file(args: &RunArgs, place: Place, registry: Registry) -> ExitCode {
    let mut experiment = match experiment(args, place, &registry) {
        Ok(experiment) => experiment,
        Err(code) => return code,
    };
    let file = as_run(&experiment, place, &registry);
    let folder = args.beside.as_deref();
    let there = folder.map(|folder| replay::there(folder, &mut experiment, &registry)).transpose();
    let (engine, there) = match there {
        Ok(Some(replay::There { measured, times, notes })) => {
            (VirtualTime::with_times(registry, times), Some((measured, notes)))
        }
        Ok(None) => (VirtualTime::new(registry), None),
        Err(code) => return code,
    };
    let experiment = if args.no_references { experiment } else { references::beside(&experiment) };
    let options = simulate::Options { threads: args.threads, jobs: keeps_jobs(args, &experiment) };
    tell(args, &experiment, &file, |folder, cancel| {
        let progress = SimProgress::on_stderr(&experiment);
        let mut summary = simulate::run(&experiment, &engine, folder, options, cancel, &progress)?;
        summary.beside = there.map(|(measured, notes)| Beside::of(&measured, &summary, notes));
        beside::write(folder, &summary)?;
        Ok::<_, SimulateError>(summary)
    })
}

/// Where it runs and what else its results depend on, beside the experiment.
fn how(args: &RunArgs) -> String {
    let mut how = match &args.on {
        On::Here(place) if place.is_simulated() => "--on sim".into(),
        On::Here(_) => "--on local".into(),
        On::Fleet(hosts) => format!("--on {}", hosts.display()),
    };
    for (asked, option) in [(args.jobs, " --jobs"), (args.no_jobs, " --no-jobs")] {
        if asked {
            how.push_str(option);
        }
    }
    if args.event_logs {
        how.push_str(" --event-logs");
    }
    if let Some(folder) = &args.beside {
        how.push_str(&format!(" --beside {}", folder.display()));
    }
    how
}

/// Whether a simulation writes `jobs.parquet`.
fn keeps_jobs(args: &RunArgs, experiment: &Experiment) -> bool {
    let expected = offered::expected_jobs(experiment);
    let few = expected <= simulate::MAX_JOBS_UNASKED;
    if !few && !args.jobs && !args.no_jobs {
        eprintln!("about {expected:.0} jobs: jobs.parquet is left out; --jobs writes it");
    }
    args.jobs || (few && !args.no_jobs)
}

/// Runs, and tells what came of it and where it is. `file` is the experiment's file as it is run.
fn tell<E: Display>(
    args: &RunArgs,
    experiment: &Experiment,
    file: &str,
    run: impl FnOnce(&Folder, &CancellationToken) -> Result<crate::summary::Summary, E>,
) -> ExitCode {
    if !experiment.vary.is_empty() {
        let keys: Vec<_> = experiment.vary.iter().map(|vary| vary.key.as_str()).collect();
        let (keys, file) = (keys.join(", "), args.file.display());
        eprintln!(
            "the file varies {keys}; this runs it as it stands, and `p2pfaas sweep {file}` runs it for all values"
        );
    }
    let manifest = kept::Manifest::of(experiment, how(args));
    let folder = kept::open(args.out.as_deref(), args.resume.as_deref(), experiment, &manifest);
    let folder = match folder {
        Ok(folder) => folder,
        Err(error) if error.is_input() => return wrong(&error),
        Err(error) => return failed(&error),
    };
    if let Err(error) = folder.write_experiment(file, &Provenance::here(how(args))) {
        return failed(&error);
    }
    if let Some(over) = kept::over(&folder, experiment) {
        eprintln!("going on in {}: {over}", folder.path().display());
    }
    let outcome = with_signals(|cancel| {
        let summary = run(&folder, cancel);
        // Also on failure: what was measured is there.
        eprintln!("results in {}", folder.path().display());
        if let Some(over) = kept::over(&folder, experiment) {
            eprintln!("{over}; the same command with --resume {} makes the others", folder.path().display());
        }
        if folder.learning_picture().is_file() {
            eprintln!("how agents learned: {}", folder.learning_picture().display());
        }
        summary
    });
    match outcome {
        Err(error) => failed(&error),
        Ok(Err(error)) => failed(&error),
        Ok(Ok(summary)) => {
            print(&if args.json { summary.to_json() } else { table::render(&summary) });
            match summary.interrupted {
                true => ExitCode::from(interrupt::EXIT_CODE),
                false => ExitCode::SUCCESS,
            }
        }
    }
}

fn train_agent(args: &TrainArgs) -> ExitCode {
    match with_signals(|cancel| train::run(args, cancel)) {
        Err(error) => failed(&error),
        Ok(Err(error)) if error.is_input() => wrong(&error),
        Ok(Err(error)) => failed(&error),
        Ok(Ok(outcome)) => {
            print(&outcome.text);
            match outcome.stopped {
                true => ExitCode::from(interrupt::EXIT_CODE),
                false => ExitCode::SUCCESS,
            }
        }
    }
}

fn export_files(args: &ExportArgs) -> ExitCode {
    match exports::export(&args.results, args.formats(), args.out.as_deref()) {
        Ok(made) => {
            print(&made.iter().map(|path| format!("{}\n", path.display())).collect::<String>());
            ExitCode::SUCCESS
        }
        Err(error @ ExportError::Write { .. }) => failed(&error),
        Err(error) => wrong(&error),
    }
}

/// A text, or why the input does not give one.
fn answer<E: Display>(outcome: Result<String, E>) -> ExitCode {
    match outcome {
        Err(error) => wrong(&error),
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
    }
}

/// Signals have a thread of their own: they must be heard however busy a run is.
fn with_signals<T>(work: impl FnOnce(&CancellationToken) -> T) -> std::io::Result<T> {
    let signals = tokio::runtime::Builder::new_multi_thread()
        .thread_name("signals")
        .worker_threads(1)
        .enable_all()
        .build()?;
    Ok(work(&interrupt::on_signal(signals.handle())))
}

fn failed(error: &dyn Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn wrong(error: &dyn Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

/// A reader that has gone away is no reason to panic.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
