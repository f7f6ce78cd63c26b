//! Flags, and their help.

use std::collections::VecDeque;
use std::ffi::OsString;

use clap::builder::OsStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use p2pfaas_core::policy::Registry;

use super::draft::Draft;
use super::errors::Problem;
use super::given::{Given, Layer, Value};
use super::keys::{KEYS, Key, Set};
use super::suggest::nearest;

/// What the command line asks for.
pub(super) enum CommandLine {
    /// A node with what these flags say.
    Run(Layer),
    /// Only a question to the node that runs with what these flags say.
    AskHealth(Layer),
    /// Only this text: help or version.
    Print(String),
}

/// Reads the arguments, the first of which is the program.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>, registry: &Registry) -> CommandLine {
    let mut arguments: VecDeque<OsString> = arguments.into_iter().collect();
    let mut layer = Layer::default();
    // clap ends at the first mistake. All are to be told: take it out, and read again.
    loop {
        match command(registry).try_get_matches_from(&arguments) {
            Ok(matches) => {
                take(&matches, &mut layer);
                return if matches.get_flag(HEALTH) {
                    CommandLine::AskHealth(layer)
                } else {
                    CommandLine::Run(layer)
                };
            }
            Err(error) => match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    return CommandLine::Print(error.to_string());
                }
                _ => {
                    let problem = problem(&error);
                    let mistake = position(&arguments, &problem.key);
                    layer.wrong(problem);
                    match mistake {
                        Some(mistake) => remove(&mut arguments, mistake),
                        None => return CommandLine::Run(layer),
                    }
                }
            },
        }
    }
}

/// The command that clap reads, and whose help it writes.
pub(super) fn command(registry: &Registry) -> Command {
    let defaults = Draft::default();
    Command::new("p2pfaas-node")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_long_help(format!("{EXAMPLES}\n\n{}{RULES}", policies(registry)))
        .arg_required_else_help(false)
        .args(KEYS.iter().map(|key| flag(key, &defaults)))
        .arg(Arg::new(HEALTH).long(HEALTH).action(ArgAction::SetTrue).help(HEALTH_HELP))
}

const HEALTH: &str = "health";
const HEALTH_HELP: &str = "Only ask the node that runs with these settings whether it takes jobs: exit code 0 or 1, for a container's health check";

const ABOUT: &str = "One node of a P2PFaaS cluster: runs functions, and shares the load with its peers";

const EXAMPLES: &str = "\
Examples:
  A node with face detection built in, and a call of it:
    p2pfaas-node --function pigo=builtin:pigo
    curl --data-binary @group.jpg http://127.0.0.1:18080/function/pigo

  Two nodes on one machine that share their load:
    p2pfaas-node --listen 127.0.0.1:18080 --peer 127.0.0.1:18081 --function burn=builtin:burn
    p2pfaas-node --listen 127.0.0.1:18081 --peer 127.0.0.1:18080 --function burn=builtin:burn \\
        --discovery-listen none --learner-listen none

  A container's function, 3 slots and no queue, reachable from other machines:
    p2pfaas-node --open --listen 0.0.0.0:18080 --machine-ip 10.0.0.2 --slots 3 --queue 0 \\
        --function fn-pigo=http://fn-pigo:8080 --policy 'PowerOfNScheduler 1 2 true 1'

The same in a file, for --config:
    open = true
    listen = \"0.0.0.0:18080\"
    machine-ip = \"10.0.0.2\"
    slots = 3
    queue = 0
    peers = [\"10.0.0.3\", \"10.0.0.4:18081\"]

    [[function]]
    name = \"fn-pigo\"
    url = \"http://fn-pigo:8080\"
    deadline_s = 0.25

    [policy]
    name = \"PowerOfNScheduler\"
    fan_out = 1
    threshold = 2";

const RULES: &str = "
A SPAN is 500ms, 30s or 1m30s; a SIZE is 16MiB, 500kB or 65536.

A flag goes before an environment variable, a variable before the file of --config, and that before
the files that the reference keeps in its data folder (p2p_faas-scheduler.json and others). A list
from one source replaces the whole list of the next. In a variable, commas separate a list. The
reference's variables (P2PFAAS_DATA_PATH, P2PFAAS_FNS_LIST, P2PFAAS_OPENFAAS_HOST, ...) still work.

Exit codes: 0 stopped as told, 1 failed (the message says why), 2 wrong configuration.";

fn policies(registry: &Registry) -> String {
    let mut text =
        String::from("Policies and their parameters, in this order or in a table by their names:\n");
    for (name, parameters) in registry.kinds() {
        let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
        text.push_str(format!("    {name} {}", names.join(" ")).trim_end());
        text.push('\n');
    }
    text.push_str(
        "Behind them each takes shed=late: a job that would miss its deadline is dropped at once.\n",
    );
    text
}

fn flag(key: &'static Key, defaults: &Draft) -> Arg {
    let mut notes = Vec::new();
    let default = (key.default)(defaults);
    if !default.is_empty() {
        notes.push(format!("[default: {default}]"));
    }
    notes.push(format!("[env: {}]", key.variable()));
    let arg = Arg::new(key.name)
        .long(key.name)
        .value_parser(OsStringValueParser::new())
        .action(ArgAction::Append)
        .allow_negative_numbers(true)
        .help_heading(key.group)
        .help(format!("{} {}", key.help, notes.join(" ")));
    match key.set {
        Set::Switch(_) => {
            arg.value_name("true|false").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Set::List(..) | Set::Functions => arg.value_name(key.value).num_args(1..),
        Set::Text(_) | Set::Secret(_) | Set::Policy(_) => arg.value_name(key.value),
    }
}

fn take(matches: &ArgMatches, layer: &mut Layer) {
    for key in &KEYS {
        let origin = format!("flag --{}", key.name);
        for text in matches.get_many::<OsString>(key.name).into_iter().flatten() {
            match text.to_str() {
                Some(text) => layer.give(key, Given::words(key, text, &origin)),
                None => {
                    let found = text.to_string_lossy();
                    layer.wrong(Problem::value(key.name, &origin, "UTF-8", &found));
                }
            }
        }
    }
    // `--peer=` is an empty list, and that says nothing.
    layer.values.retain(|(_, given)| !matches!(&given.value, Value::List(items) if items.is_empty()));
}

fn problem(error: &clap::Error) -> Problem {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    // `--slots <N>` for a flag that lacks its value, `--slotz` for one that does not exist.
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let argument = argument.split([' ', '[', '=']).next().unwrap_or_default().to_string();
    let name = argument.strip_prefix("--");
    let origin = "command line".to_string();
    let known = name.and_then(Key::named).filter(|key| Some(key.name) == name);
    let (expected, found) = match (name, known, error.kind()) {
        (_, Some(key), ErrorKind::TooManyValues) => {
            (format!("no value, or --{}=false", key.name), "a value".into())
        }
        (_, Some(key), _) => {
            let value = if key.value.is_empty() { "true or false" } else { key.value };
            (format!("a value: {value}"), "none".into())
        }
        (Some(name), None, _) => match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(meant) => (format!("a known flag; did you mean --{meant}?"), argument.clone()),
            None => ("a known flag; --help lists them".into(), argument.clone()),
        },
        (None, None, _) if argument.starts_with('-') => {
            ("a known flag; --help lists them".into(), argument.clone())
        }
        (None, None, _) => ("only flags".into(), format!("{argument:?}")),
    };
    Problem { key: argument, origin, expected, found }
}

/// Where the argument is that a mistake is about.
fn position(arguments: &VecDeque<OsString>, argument: &str) -> Option<usize> {
    let is_it = |given: &OsString| {
        let given = given.to_string_lossy();
        given == argument || given.strip_prefix(argument).is_some_and(|rest| rest.starts_with('='))
    };
    let mut found = (1..arguments.len()).filter(|index| is_it(&arguments[*index]));
    // Of a known flag given twice, the one without a value is meant.
    let lone = found.clone().find(|index| is_flag(arguments.get(index + 1)));
    lone.or_else(|| found.next())
}

/// Takes an argument out, and with a flag that is unknown what seems to be its value.
fn remove(arguments: &mut VecDeque<OsString>, index: usize) {
    let removed = arguments.remove(index).unwrap_or_default();
    let alone = !removed.to_string_lossy().starts_with('-') || removed.to_string_lossy().contains('=');
    if !alone && !is_flag(arguments.get(index)) {
        arguments.remove(index);
    }
}

fn is_flag(argument: Option<&OsString>) -> bool {
    argument.is_none_or(|argument| argument.to_string_lossy().starts_with('-'))
}
