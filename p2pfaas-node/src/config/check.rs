//! What is only seen when all keys are together, and what they lead to: files, functions, a gateway.

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

use p2pfaas_core::membership::MembershipConfig;
use p2pfaas_core::policy::{LearningScheduler, PolicyKind};

use super::draft::Draft;
use super::errors::Problem;
use super::functions::{self, FunctionSpec};
use super::{Loaded, ReadFile, learner, security, unreadable};
use crate::executor::{Credentials, Function, OpenFaas};

/// Completes the configuration. It is of use only if there are no problems.
pub(super) fn complete(
    mut draft: Draft,
    read_file: ReadFile<'_>,
    variables: &[(OsString, OsString)],
    problems: &mut Vec<Problem>,
    mut warnings: Vec<String>,
) -> Loaded {
    learner::complete(&mut draft, read_file, problems, &mut warnings);
    security::complete(&mut draft, read_file, variables, problems, &mut warnings);
    addresses(&draft, problems, &mut warnings);
    bounds(&draft, problems);
    gossip(&mut draft, problems);
    policies(&draft, problems);
    draft.settings.openfaas = gateway(&draft, read_file, problems, &mut warnings);
    draft.settings.functions = executors(&draft, problems);
    draft.settings.seed = draft.seed.unwrap_or_else(random);
    let Draft { settings, functions, log, threads, .. } = draft;
    Loaded { settings, functions, log, threads, warnings }
}

fn addresses(draft: &Draft, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) {
    let settings = &draft.settings;
    let all = [
        ("listen", Some(settings.listen)),
        ("discovery-listen", settings.discovery_listen),
        ("learner-listen", settings.learner_listen),
        ("learner-ws-listen", settings.learner_ws_listen),
    ];
    let mut wrong = |key: &str, expected: String, found: SocketAddr| {
        problems.push(Problem::value(key, draft.origin(key), expected, &found.to_string()));
    };
    for (index, (key, address)) in all.iter().enumerate() {
        let Some(address) = address else { continue };
        if !draft.open && draft.cluster_key.is_none() && !address.ip().is_loopback() {
            let expected = "a loopback address, a --cluster-key, or --open to let everybody who reaches it run the functions \
                            and change this node";
            wrong(key, expected.into(), *address);
        }
        let taken = all[..index].iter().find(|(_, other)| *other == Some(*address) && address.port() != 0);
        if let Some((other, _)) = taken {
            // Not a default is wrong, but what has been put in its place.
            let given = draft.origins.contains_key(key);
            let (key, other) = if given { (key, other) } else { (other, key) };
            wrong(key, format!("another address than that of {other}"), *address);
        }
    }
    // With a peer, the address from which it would be spoken to is taken.
    let alone = settings.peers.is_empty() && settings.init_servers.is_empty() && settings.join.is_empty();
    if settings.listen.ip().is_unspecified() && settings.machine_ip.is_empty() && alone {
        let why = "others cannot be told an address of this machine without machine-ip";
        warnings.push(format!("listen is {}: {why}", settings.listen));
    }
}

fn gossip(draft: &mut Draft, problems: &mut Vec<Problem>) {
    let listen = draft.gossip_listen.unwrap_or(Some(draft.settings.listen));
    let guarded = draft.open || draft.cluster_key.is_some();
    if let Some(address) = listen.filter(|address| !guarded && !address.ip().is_loopback())
        && draft.gossip_listen.is_some()
    {
        let open = "a loopback address, a --cluster-key, or --open to let everybody who reaches it call himself a member";
        let origin = draft.origin("gossip-listen");
        problems.push(Problem::value("gossip-listen", origin, open, &address.to_string()));
    }
    let (probe_interval, suspicion) = draft.gossip_times;
    draft.settings.gossip_listen = listen;
    draft.settings.gossip = MembershipConfig::with_times(probe_interval, suspicion);
}

fn bounds(draft: &Draft, problems: &mut Vec<Problem>) {
    let core = &draft.settings.core;
    let room = core.capacity.slots.saturating_add(core.capacity.queue);
    if core.max_jobs < room {
        let expected = format!("at least slots + queue, {room}");
        let found = core.max_jobs.to_string();
        problems.push(Problem::value("max-jobs", draft.origin("max-jobs"), expected, &found));
    }
}

fn policies(draft: &Draft, problems: &mut Vec<Problem>) {
    if draft.settings.fallback.name == LearningScheduler::NAME {
        let expected = "a policy that decides without a learner";
        let found = &draft.settings.fallback.name;
        problems.push(Problem::value("fallback", draft.origin("fallback"), expected, found));
    }
}

fn gateway(
    draft: &Draft,
    read_file: ReadFile<'_>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) -> Option<OpenFaas> {
    const USER: &str = "openfaas-user-file";
    const PASSWORD: &str = "openfaas-password-file";
    let Some(url) = &draft.openfaas_url else {
        for key in [USER, PASSWORD].into_iter().filter(|key| draft.origins.contains_key(key)) {
            warnings.push(format!("{key} has no effect without openfaas-url"));
        }
        return None;
    };
    let files = [(USER, &draft.openfaas_user_file), (PASSWORD, &draft.openfaas_password_file)];
    let mut secret = |(key, path): (&str, &Option<_>)| {
        let path: &std::path::PathBuf = path.as_ref()?;
        match read_file(path) {
            Ok(text) => Some(text.trim().to_string()),
            Err(error) => {
                problems.push(unreadable(key, draft, path, &error));
                None
            }
        }
    };
    let credentials = match files.map(&mut secret) {
        [Some(user), Some(password)] => Some(Credentials { user, password }),
        _ => None,
    };
    if let [(_, Some(_)), (key, None)] | [(key, None), (_, Some(_))] = files {
        problems.push(Problem {
            key: key.into(),
            origin: draft.origin(key).into(),
            expected: "a file, as the other of user and password has".into(),
            found: "none".into(),
        });
    }
    Some(OpenFaas::new(url, credentials.as_ref(), draft.settings.max_body_bytes))
}

fn executors(draft: &Draft, problems: &mut Vec<Problem>) -> Vec<Function> {
    let gateway = draft.settings.openfaas.as_ref();
    let build = |spec: &FunctionSpec| {
        let executor = functions::executor(&spec.target, gateway, draft.settings.max_body_bytes);
        if executor.is_none() {
            let expected = "openfaas-url to be given, for a function behind a gateway";
            problems.push(Problem::value("function", &spec.origin, expected, &spec.target.to_string()));
        }
        Some(Function {
            name: spec.name.clone(),
            executor: executor?,
            deadline: spec.deadline,
            idempotent: spec.idempotent,
        })
    };
    draft.functions.iter().filter_map(build).collect()
}

/// A seed from the entropy that std seeds its hash maps with.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}
