//! `p2pfaas check`, `schema`, `completions` and `man`.

use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::CommandFactory;
use p2pfaas_core::policy::Registry;

use super::{failed, print};
use crate::check::{Options, check};
use crate::cli::{CheckArgs, Cli, CompletionsArgs, ManArgs};
use crate::experiment::{Known, schema};

pub(super) fn check_files(args: &CheckArgs, registry: &Registry) -> ExitCode {
    let known = Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = args.threads.unwrap_or(cores);
    let options = Options { on: args.on, references: !args.no_references, threads };
    let mut code = ExitCode::SUCCESS;
    for (index, file) in args.files.iter().enumerate() {
        match check(file, &known, options) {
            Ok(checked) if args.json && args.files.len() > 1 => print(&checked.to_json_line()),
            Ok(checked) if args.json => print(&checked.to_json()),
            Ok(checked) => print(&format!("{}{}", if index > 0 { "\n" } else { "" }, checked.to_text())),
            Err(error) => {
                eprintln!("{error}");
                code = ExitCode::from(2);
            }
        }
    }
    code
}

pub(super) fn print_schema(registry: &Registry) -> ExitCode {
    print(&schema::text(registry));
    ExitCode::SUCCESS
}

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "p2pfaas", &mut script);
    print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

pub(super) fn man(args: &ManArgs) -> ExitCode {
    let outcome = match &args.out {
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map(|()| print(&String::from_utf8_lossy(&page)))
        }
        Some(folder) => std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
            .map_err(|error| {
                io::Error::new(error.kind(), format!("cannot write {}: {error}", folder.display()))
            }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}
