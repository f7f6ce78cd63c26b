//! Arguments of `p2pfaas check`, `schema`, `completions` and `man`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::{On, place};
use crate::experiment::Place;

pub(super) const CHECK_HELP: &str = "\
Reads an experiment file and says what it would run: nodes and the load that each is offered, jobs, policies, seeds and \
phases; how long that takes and how much it writes; and what should be thought about first, such as a node that is offered \
more than it can do, a warm-up that is too short, or a single seed. Nothing is started.

If the file is wrong, all that is wrong with it is told at once, one line a problem, with file, line, key, reason and what \
would be right; the exit code is 2. What a file varies ([run] vary) is checked in all its combinations.

Without --on the file is checked for an embedded cluster or, if it cannot run there, for the simulator. How long a \
simulation takes is a rough guess by the number of its jobs; a run on an embedded cluster takes as long as the file says.";

pub(super) const CHECK_MORE: &str = "\
Examples:
  p2pfaas check experiments/quickstart.toml
  p2pfaas check experiments/threshold.toml --on sim
  p2pfaas check experiments/*.toml && echo all right
  p2pfaas check experiments/speeds.toml --json | jq .run.wall_s";

pub(super) const SCHEMA_HELP: &str = "\
Prints the JSON Schema (draft 2020-12) of experiment files, with meanings and defaults, for editors that complete and check \
TOML by one (Even Better TOML, Taplo, Tombi). They find it by the first line of a file:

  #:schema ./experiment.schema.json

The schema knows keys and types; `p2pfaas check` also knows meanings.";

pub(super) const SCHEMA_MORE: &str = "\
Example:
  p2pfaas schema > experiments/experiment.schema.json";

pub(super) const COMPLETIONS_HELP: &str = "\
Prints a script with which a shell completes the command's words and options.";

pub(super) const COMPLETIONS_MORE: &str = "\
Examples:
  p2pfaas completions bash > ~/.local/share/bash-completion/completions/p2pfaas
  p2pfaas completions zsh > ~/.zfunc/_p2pfaas      # with fpath+=~/.zfunc before compinit
  p2pfaas completions fish > ~/.config/fish/completions/p2pfaas.fish";

pub(super) const MAN_HELP: &str = "\
Prints the man page of the command; with --out it writes a page for the command and one for each of its subcommands.";

pub(super) const MAN_MORE: &str = "\
Examples:
  p2pfaas man | man -l -
  p2pfaas man --out ~/.local/share/man/man1";

/// Arguments of `p2pfaas check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The experiment files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where they are to run [default: `local`, or `sim` if a file cannot run there]
    #[arg(long, value_name = "PLACE", value_parser = here)]
    pub on: Option<Place>,
    /// Print everything as JSON: an object, or with several files one a line
    #[arg(long)]
    pub json: bool,
    /// With --on sim, without the full-information policies that run beside those of the file
    #[arg(long)]
    pub no_references: bool,
    /// Threads of the simulator [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// A place that needs no other machines.
fn here(text: &str) -> Result<Place, String> {
    match place(text) {
        Ok(On::Here(place)) => Ok(place),
        _ => Err("it must be `local` or `sim`; a fleet is looked at when it is run on".into()),
    }
}

/// Arguments of `p2pfaas completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Arguments of `p2pfaas man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages: p2pfaas.1, p2pfaas-run.1 and so on
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
