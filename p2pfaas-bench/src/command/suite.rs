//! `p2pfaas suite`.

use std::fmt::Write;
use std::process::ExitCode;

use p2pfaas_core::policy::Registry;

use super::{failed, print, with_signals, wrong};
use crate::cli::{SuiteArgs, SuiteCommand, SuiteDrawArgs, SuiteRunArgs, Which};
use crate::experiment::Known;
use crate::interrupt;
use crate::results::default_folder;
use crate::simulate::Engine;
use crate::suite::{self, Entries, Instance, Scenario, Store, Suite, range_of};

pub(super) fn run(args: &SuiteArgs, registry: &Registry, engine: &dyn Engine) -> ExitCode {
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    match &args.command {
        SuiteCommand::Draw(args) => draw(args, known),
        SuiteCommand::Run(args) => compare(args, known, engine),
    }
}

/// The scenarios that are meant; `Err` when there are no such ones, which has been told.
fn scenarios(which: &Which) -> Result<Vec<Scenario>, ExitCode> {
    let all = Scenario::all(&which.scenarios).and_then(|all| Scenario::named(all, &which.scenario));
    let scenarios = all.map_err(|error| wrong(&error))?;
    for load in &which.load {
        if !scenarios.iter().any(|scenario| scenario.loads.contains(load)) {
            let known = |scenario: &Scenario| format!("{} {:?}", scenario.name, scenario.loads);
            let known: Vec<_> = scenarios.iter().map(known).collect();
            return Err(wrong(&format!(
                "no scenario has the load {load}; expected one of {}",
                known.join(", ")
            )));
        }
    }
    Ok(scenarios)
}

fn draw(args: &SuiteDrawArgs, known: Known<'_>) -> ExitCode {
    let scenarios = match scenarios(&args.which) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    let mut written = String::new();
    for scenario in &scenarios {
        let wanted = |load: &&f64| args.which.load.is_empty() || args.which.load.contains(*load);
        for load in scenario.loads.iter().filter(wanted) {
            let instance = match Instance::draw(scenario, *load, args.seed, &known) {
                Ok(instance) => instance,
                Err(error) => return wrong(&error),
            };
            match instance.write(&args.out) {
                Ok(path) => drop(writeln!(written, "{}", path.display())),
                Err(error) => return failed(&error),
            }
        }
    }
    print(&written);
    ExitCode::SUCCESS
}

fn entries(args: &SuiteRunArgs) -> Result<Entries, ExitCode> {
    let default = args.which.scenarios.join("policies.toml");
    let path = match &args.policies {
        _ if args.static_only => return Ok(Entries::default()),
        Some(path) => path,
        None if default.is_file() => &default,
        None => return Ok(Entries::default()),
    };
    Entries::load(path, &args.only).map_err(|error| wrong(&error))
}

fn compare(args: &SuiteRunArgs, known: Known<'_>, engine: &dyn Engine) -> ExitCode {
    let (scenarios, entries) = match scenarios(&args.which).and_then(|all| Ok((all, entries(args)?))) {
        Ok(read) => read,
        Err(code) => return code,
    };
    let out = match args.out.clone().map_or_else(|| default_folder("suite"), Ok) {
        Ok(out) => out,
        Err(error) => return failed(&error),
    };
    let store = match Store::open(&out) {
        Ok(store) => store,
        Err(error) => return failed(&error),
    };
    let seeds = &args.seeds.0;
    let suite = Suite {
        scenarios: &scenarios,
        loads: &args.which.load,
        seeds,
        entries: &entries,
        store: &store,
        known,
        engine,
    };
    let works = match suite.works() {
        Ok(works) => works,
        Err(error) if error.is_input() => return wrong(&error),
        Err(error) => return failed(&error),
    };
    let (first, last) = (seeds.first().copied().unwrap_or(1), seeds.last().copied().unwrap_or(1));
    let head = format!(
        "Seeds {first} to {last} of draws, which are for {}; {} instances, version {}.",
        range_of(first).name(),
        works.len(),
        env!("CARGO_PKG_VERSION")
    );
    eprintln!("{head}");
    let outcome = with_signals(|cancel| {
        let ended = suite.run(&works, args.threads, cancel, &suite.progress(&works));
        // Also on failure: what was measured is there.
        let ran = suite.there(&works);
        suite::write(&suite, &ran, &head).map(|text| (ended, ran.left, text))
    });
    eprintln!("results in {}", out.display());
    match outcome {
        Err(error) => failed(&error),
        Ok(Err(error)) => failed(&error),
        Ok(Ok((Err(error), ..))) => failed(&error),
        Ok(Ok((Ok(_), left, text))) => {
            print(&text);
            if left == 0 {
                return ExitCode::SUCCESS;
            }
            eprintln!("{left} instances are left; the same command with --out {} goes on", out.display());
            ExitCode::from(interrupt::EXIT_CODE)
        }
    }
}
