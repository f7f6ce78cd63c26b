//! `p2pfaas sweep` and `p2pfaas merge`.

use std::process::ExitCode;

use p2pfaas_core::policy::Registry;

use super::{failed, print, with_signals, wrong};
use crate::cli::{MergeArgs, SweepArgs};
use crate::experiment::Known;
use crate::interrupt;
use crate::results::default_folder;
use crate::simulate::Engine;
use crate::sweep::{self, Manifest, Plan, Shard, Store, Sweep};

pub(super) fn run(args: &SweepArgs, registry: &Registry, engine: &dyn Engine) -> ExitCode {
    let shard = match args.shard.map(|shard| shard.resolve(|name| std::env::var(name).ok())).transpose() {
        Ok(shard) => shard.unwrap_or(Shard::WHOLE),
        Err(error) => return wrong(&error),
    };
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let plan = match Plan::new(&args.file, args.vary.clone(), &known) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let out = args.out.clone().map_or_else(|| default_folder(&format!("{}-sweep", plan.name)), Ok);
    let out = match out {
        Ok(out) => out,
        Err(error) => return failed(&error),
    };
    let store = match Store::open(&out, Manifest::of(&plan), &plan.source) {
        Ok(store) => store,
        Err(error) if error.is_input() => return wrong(&error),
        Err(error) => return failed(&error),
    };
    let sweep = Sweep { plan: &plan, store: &store, known, engine };
    let points = sweep.pending(shard);
    let swept = with_signals(|cancel| {
        let progress = sweep.progress(&points);
        sweep.run(&points, args.threads, cancel, &progress)
    });
    eprintln!("results in {}", out.display());
    match swept {
        Err(error) => failed(&error),
        Ok(Err(error)) => failed(&error),
        Ok(Ok(swept)) => {
            print(&format!("{} of {} points are finished\n", swept.finished, swept.all));
            if swept.left == 0 {
                return ExitCode::SUCCESS;
            }
            eprintln!(
                "{} points are left; the same command with --out {} goes on",
                swept.left,
                out.display()
            );
            ExitCode::from(interrupt::EXIT_CODE)
        }
    }
}

pub(super) fn merge(args: &MergeArgs) -> ExitCode {
    match sweep::merge(&args.out, &args.shards, args.partial) {
        Ok(merged) => {
            print(&format!("{} of {} points are in {}\n", merged.points, merged.all, args.out.display()));
            ExitCode::SUCCESS
        }
        Err(error) if error.is_input() => wrong(&error),
        Err(error) => failed(&error),
    }
}
