//! Secrets: from where the configuration says that they are, and never into a message.

use std::ffi::OsString;
use std::str::FromStr;

use p2pfaas_learner::service::access::{SecretError, SecretPlace};

use super::ReadFile;
use super::draft::Draft;
use super::errors::Problem;
use crate::settings::LearnerPlace;

/// Reads key and tokens. The learner's place is known already.
pub(super) fn complete(
    draft: &mut Draft,
    read_file: ReadFile<'_>,
    variables: &[(OsString, OsString)],
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) {
    let mut sources = Sources { draft, read_file, variables, problems };
    let key = sources.read("cluster-key", &sources.draft.cluster_key.clone());
    let tokens = sources.read("tokens", &sources.draft.tokens.clone());
    let learner_token = sources.read("learner-token", &sources.draft.learner_token.clone());
    let security = &mut draft.settings.security;
    (security.key, security.tokens) = (key, tokens.unwrap_or_default());
    security.open = draft.open;
    draft.settings.learner_token = learner_token;
    if draft.learner_token.is_some() && !matches!(draft.settings.learner, LearnerPlace::There(_)) {
        warnings.push("learner-token has no effect without a learner service (learner = HOST)".into());
    }
    if draft.cluster_key.is_some() {
        return;
    }
    for key in ["allow-unsigned-peers", "signature-window"] {
        if draft.origins.contains_key(key) {
            warnings.push(format!("{key} has no effect without cluster-key"));
        }
    }
    if draft.open {
        let who = match draft.tokens {
            Some(_) => "everybody who reaches this node may give it jobs as if it were a peer",
            None => "everybody who reaches this node may change it, and give it jobs as if it were a peer",
        };
        warnings.push(format!("open, and no cluster-key: {who}"));
    }
}

struct Sources<'a> {
    draft: &'a Draft,
    read_file: ReadFile<'a>,
    variables: &'a [(OsString, OsString)],
    problems: &'a mut Vec<Problem>,
}

impl Sources<'_> {
    /// The secret of a key that says where it is; what is wrong with it is told without it.
    fn read<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
        place: &Option<SecretPlace>,
    ) -> Option<T> {
        let place = place.as_ref()?;
        let variable = |name: &str| {
            let variable = self.variables.iter().find(|(known, _)| known.to_str() == Some(name));
            variable.and_then(|(_, value)| value.to_str()).map(str::to_string)
        };
        let (expected, found) = match place.read(self.read_file, variable) {
            Ok(secret) => return Some(secret),
            Err(SecretError::Unreadable(error)) => ("a secret that can be read".to_string(), error),
            Err(SecretError::Wrong(expected)) => (expected, "something else, which is not shown".into()),
        };
        let origin = format!("{}, {place}", self.draft.origin(key));
        self.problems.push(Problem { key: key.into(), origin, expected, found });
        None
    }
}
