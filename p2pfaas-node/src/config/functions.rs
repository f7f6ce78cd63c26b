//! The functions of a configuration, and what runs them.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::errors::Problem;
use super::given::{Given, Value};
use super::value::{self, Read};
use crate::executor::{Executor, HttpContainer, OpenFaas, builtin};

/// A function as it was configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Its name in `/function/{name}`.
    pub name: String,
    /// What runs it.
    pub target: FunctionTarget,
    /// Deadline of its jobs that bring none.
    pub deadline: Option<Duration>,
    /// Whether it may be run again when nobody knows whether it has run.
    pub idempotent: bool,
    /// Where it was configured.
    pub origin: String,
}

/// Where a function runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionTarget {
    /// In a container that answers HTTP.
    Container(Uri),
    /// Behind the gateway, under this name.
    OpenFaas(String),
    /// In the node; one of [`builtin::NAMES`].
    Builtin(String),
}

impl std::fmt::Display for FunctionTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FunctionTarget::Container(uri) => write!(f, "{uri}"),
            FunctionTarget::OpenFaas(name) => write!(f, "openfaas:{name}"),
            FunctionTarget::Builtin(name) => write!(f, "builtin:{name}"),
        }
    }
}

/// What runs a function; `None` where it is behind a gateway and there is none.
pub(super) fn executor(
    target: &FunctionTarget,
    gateway: Option<&OpenFaas>,
    max_answer_bytes: usize,
) -> Option<Arc<dyn Executor>> {
    match target {
        FunctionTarget::Container(uri) => Some(Arc::new(HttpContainer::new(uri, max_answer_bytes))),
        FunctionTarget::OpenFaas(name) => gateway.map(|gateway| gateway.executor(name)),
        FunctionTarget::Builtin(name) => builtin(name),
    }
}

/// Reads functions in all their forms: `NAME=URL`, tables with `name`, `url`, `deadline_s` and `idempotent`, or
/// one table from names to these.
pub(super) fn read(given: &Given, functions: &mut Vec<FunctionSpec>) -> Vec<Problem> {
    let mut problems = Vec::new();
    match &given.value {
        Value::Table(entries) if entries.iter().all(|(entry, _)| entry != "url") => {
            for (name, value) in entries {
                match &value.value {
                    Value::Text(url) => add(name, url, Options::default(), value, functions, &mut problems),
                    Value::Table(entries) => one(Some(name), value, entries, functions, &mut problems),
                    Value::List(_) => problems.push(Problem::value(KEY, &value.origin, FORM, "a list")),
                }
            }
        }
        _ => {
            for item in given.items() {
                match &item.value {
                    Value::Text(text) => match text.split_once('=') {
                        Some((name, url)) => {
                            add(name, url, Options::default(), item, functions, &mut problems)
                        }
                        None => problems.push(Problem::value(KEY, &item.origin, FORM, text)),
                    },
                    Value::Table(entries) => one(None, item, entries, functions, &mut problems),
                    Value::List(_) => problems.push(Problem::value(KEY, &item.origin, FORM, "a list")),
                }
            }
        }
    }
    problems
}

const KEY: &str = "function";
const FORM: &str = "NAME=URL, or a table with name, url and perhaps deadline_s and idempotent";

/// What a function may have besides name and URL.
#[derive(Default)]
struct Options {
    deadline: Option<Duration>,
    idempotent: bool,
}

/// One table of one function; its name may stand outside.
fn one(
    name: Option<&str>,
    given: &Given,
    entries: &[(String, Given)],
    functions: &mut Vec<FunctionSpec>,
    problems: &mut Vec<Problem>,
) {
    let (mut name, mut url, mut options) = (name.map(str::to_string), None, Options::default());
    for (entry, value) in entries {
        match (entry.replace('-', "_").as_str(), &value.value) {
            ("name", Value::Text(text)) if name.is_none() => name = Some(text.clone()),
            ("url", Value::Text(text)) => url = Some(text.clone()),
            ("deadline_s", Value::Text(text)) => match value::seconds(text) {
                Ok(span) => options.deadline = Some(span),
                Err(expected) => {
                    problems.push(Problem::value("function.deadline_s", &value.origin, expected, text));
                }
            },
            ("idempotent", Value::Text(text)) => match value::switch(text) {
                Ok(on) => options.idempotent = on,
                Err(expected) => {
                    problems.push(Problem::value("function.idempotent", &value.origin, expected, text));
                }
            },
            _ => {
                let expected = "only name, url, deadline_s and idempotent";
                problems.push(Problem::value(KEY, &value.origin, expected, entry));
            }
        }
    }
    match (name, url) {
        (Some(name), Some(url)) => add(&name, &url, options, given, functions, problems),
        (None, _) => problems.push(Problem::value("function.name", &given.origin, NAME, "")),
        (_, None) => problems.push(Problem::value("function.url", &given.origin, url_form(), "")),
    }
}

fn add(
    name: &str,
    url: &str,
    options: Options,
    given: &Given,
    functions: &mut Vec<FunctionSpec>,
    problems: &mut Vec<Problem>,
) {
    let mut wrong =
        |expected: String, found: &str| problems.push(Problem::value(KEY, &given.origin, expected, found));
    let good_name = is_name(name);
    if !good_name {
        wrong(NAME.into(), name);
    } else if functions.iter().any(|other| other.name == name) {
        wrong("each function once".into(), name);
        return;
    }
    match target(url) {
        Ok(target) if good_name => {
            let (name, origin) = (name.to_string(), given.origin.clone());
            let Options { deadline, idempotent } = options;
            functions.push(FunctionSpec { name, target, deadline, idempotent, origin });
        }
        Ok(_) => {}
        Err(expected) => wrong(expected, url),
    }
}

const NAME: &str = "a function's name of letters, digits, '-', '_' and '.'";

/// What a function's URL may be.
fn url_form() -> String {
    format!("http://host:port, openfaas:NAME or builtin:{}", builtin::NAMES.join("|"))
}

fn target(url: &str) -> Read<FunctionTarget> {
    match url.split_once(':') {
        Some(("builtin", name)) if builtin(name).is_some() => Ok(FunctionTarget::Builtin(name.into())),
        Some(("openfaas", name)) if is_name(name) => Ok(FunctionTarget::OpenFaas(name.into())),
        Some(("http", _)) => value::http_uri(url).map(FunctionTarget::Container).map_err(|_| url_form()),
        _ => Err(url_form()),
    }
}

/// One segment of a path.
fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(letter) && !name.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_container_a_gateway_function_or_built_in() {
        assert_eq!(
            target("http://fn:8080"),
            Ok(FunctionTarget::Container(Uri::from_static("http://fn:8080")))
        );
        assert_eq!(target("openfaas:pigo"), Ok(FunctionTarget::OpenFaas("pigo".into())));
        assert_eq!(target("builtin:pigo"), Ok(FunctionTarget::Builtin("pigo".into())));
        for url in
            ["", "fn:8080", "https://fn", "builtin:", "builtin:rm", "openfaas:", "openfaas:a/b", "http://"]
        {
            assert_eq!(target(url), Err(url_form()), "{url}");
        }
    }

    #[test]
    fn the_help_names_all_that_is_built_in() {
        let help = super::super::keys::Key::named(KEY).expect("a key").help;
        assert!(help.ends_with(&format!("builtin:{}", builtin::NAMES.join("|"))), "{help}");
    }

    #[test]
    fn without_a_gateway_nothing_runs_its_functions() {
        assert!(executor(&FunctionTarget::OpenFaas("pigo".into()), None, 1).is_none());
        assert!(executor(&FunctionTarget::Builtin("echo".into()), None, 1).is_some());
    }
}
