//! Answers about jobs: the headers of fact sheet 1.4 and the peer messages of 1.5.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use p2pfaas_core::wire::{ErrorCode, MachineTimings, PeerJobResponse, PeerTimings, go};
use p2pfaas_core::{Failure, Outcome, Timings};

use super::error::WireError;
use super::names;
use crate::drive::{Finished, JobResult};
use crate::engine::Ending;
use crate::executor::{FunctionAnswer, is_of_function};
use crate::functions::RegisteredFunction;
use crate::peer_client::PeerAnswer;
use crate::security::{Security, Signature};
use crate::shared::Shared;
use crate::trace::Trace;

/// Headers of a function that are taken from a peer's answer.
const MAX_FUNCTION_HEADERS: usize = 100;

/// What a client gets for its job.
pub(crate) fn client_answer(
    shared: &Shared,
    function: &RegisteredFunction,
    trace: &Trace,
    finished: Finished,
) -> Response {
    let Finished { mut ending, result } = finished;
    believe_function(&mut ending, &result);
    let mut hops = 0;
    let mut response = match result {
        JobResult::Here(Ok(answer)) if answered_by_function(ending.outcome) => {
            let mut response = function_response(answer);
            local_headers(response.headers_mut(), &ending);
            response
        }
        JobResult::Peer(PeerAnswer::Proper { response: message, status, body, .. })
            if !cut_short(ending.outcome) =>
        {
            let mut path = message.peers_list.unwrap_or_default();
            path.push(this_machine(shared, &ending.timings));
            hops = path.len() - 1;
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            copy_function_headers(response.headers_mut(), message.content_type, message.function_headers);
            forwarded_headers(response.headers_mut(), &path, &ending);
            response
        }
        result => error_response(&job_error(&ending, &result)),
    };
    common_headers(response.headers_mut(), &ending);
    function.metrics.answered(response.status(), hops, ending.outcome, &ending.timings);
    log_job(function, trace, &ending, response.status());
    response
}

/// What a peer gets for the job that it forwarded.
pub(crate) fn peer_answer(
    shared: &Shared,
    function: &RegisteredFunction,
    trace: &Trace,
    finished: Finished,
) -> Response {
    let Finished { mut ending, result } = finished;
    believe_function(&mut ending, &result);
    let this = this_machine(shared, &ending.timings);
    let (status, message) = match result {
        JobResult::Here(Ok(answer)) if answered_by_function(ending.outcome) => {
            (answer.status, function_message(answer, this))
        }
        JobResult::Peer(PeerAnswer::Proper { response: mut message, status, .. })
            if !cut_short(ending.outcome) =>
        {
            message.peers_list.get_or_insert_default().push(this);
            message.status_code = status.as_u16();
            (status, message)
        }
        result => {
            let error = job_error(&ending, &result);
            (error.status(), error_message(&error, this))
        }
    };
    let hops = message.peers_list.as_ref().map_or(0, |path| path.len() - 1);
    function.metrics.answered(status, hops, ending.outcome, &ending.timings);
    log_job(function, trace, &ending, status);
    json_response(status, &message)
}

/// What a client gets whose call is one too many just now, and when it may come again.
pub(crate) fn too_many_calls(message: &str, wait: Duration) -> Response {
    let mut response = error_response(&WireError::new(ErrorCode::TooManyCalls, message));
    // Whole seconds, and not before.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

/// An answer with its signature, where the question had one.
pub(crate) async fn signed(security: &Security, call: Option<&Signature>, answer: Response) -> Response {
    if call.is_none() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // Made here, whole and of a size that this node has bounded.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    security.sign_answer(call, parts.status, &mut parts.headers, &body);
    Response::from_parts(parts, Body::from(body))
}

/// What a client gets when its call could not even become a job.
pub(crate) fn client_error(shared: &Shared, error: &WireError) -> Response {
    let mut response = error_response(error);
    let policy = shared.engine.read(|node| value(node.policy_name()));
    response.headers_mut().insert(&names::VERSION, HeaderValue::from_static(crate::VERSION));
    response.headers_mut().insert(&names::SCHEDULER, policy);
    response
}

/// What a peer gets when its message could not even become a job.
pub(crate) fn peer_error(shared: &Shared, error: &WireError) -> Response {
    let this = this_machine_with(shared, PeerTimings::default());
    json_response(error.status(), &PeerJobResponse { taken: Some(false), ..error_message(error, this) })
}

fn answered_by_function(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Served | Outcome::Failed(Failure::Function))
}

/// A function that says how long it ran (OpenFaaS and its watchdogs do) knows better than this node,
/// which also counts the way there and back.
fn believe_function(ending: &mut Ending, result: &JobResult) {
    let JobResult::Here(Ok(answer)) = result else { return };
    let seconds =
        answer.headers.get(&names::DURATION).and_then(|text| text.to_str().ok()?.trim().parse().ok());
    if let Some(duration) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        ending.timings.execution = Some(duration);
    }
}

/// The job ended before what came back for it.
fn cut_short(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Cancelled | Outcome::Failed(Failure::TimedOut))
}

fn function_response(answer: FunctionAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn function_message(answer: FunctionAnswer, this: MachineTimings) -> PeerJobResponse {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_string);
    let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(text);
    let own = answer.headers.iter().filter(|(name, _)| *name != header::CONTENT_TYPE);
    let own = own.filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
    PeerJobResponse {
        peers_list: Some(vec![this]),
        body: BASE64.encode(&answer.body),
        status_code: answer.status.as_u16(),
        content_type,
        function_headers: own.collect(),
        from_function: Some(true),
        taken: None,
    }
}

fn error_message(error: &WireError, this: MachineTimings) -> PeerJobResponse {
    PeerJobResponse {
        peers_list: Some(vec![this]),
        body: BASE64.encode(error.body()),
        status_code: error.status().as_u16(),
        content_type: Some("application/json".into()),
        function_headers: Vec::new(),
        from_function: Some(false),
        taken: None,
    }
}

fn error_response(error: &WireError) -> Response {
    use axum::response::IntoResponse;
    error.clone().into_response()
}

fn json_response(status: StatusCode, message: &PeerJobResponse) -> Response {
    // An answer with such a status has no body; the true status is in the message.
    let bodiless =
        matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED);
    let status = if bodiless { StatusCode::OK } else { status };
    let mut response = Response::new(Body::from(serde_json::to_vec(message).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn job_error(ending: &Ending, result: &JobResult) -> WireError {
    let (code, message) = match ending.outcome {
        Outcome::Dropped => (ErrorCode::NoRoom, "no room: all slots and queue places are taken".into()),
        Outcome::Rejected => (ErrorCode::Rejected, "rejected by the policy".into()),
        // Who went away hears nothing; all others are cancelled only when the node ends.
        Outcome::Cancelled => (ErrorCode::ShuttingDown, "this node is shutting down".into()),
        Outcome::Failed(Failure::TimedOut) => {
            (ErrorCode::Generic, format!("no answer within {:?} (job-timeout)", ending.timings.total))
        }
        Outcome::Failed(Failure::NoAction) => (ErrorCode::NoAction, "the learner gave no action".into()),
        Outcome::Failed(Failure::NoSuchPeer) => {
            (ErrorCode::NoSuchPeer, "the peer that the action names is not there".into())
        }
        Outcome::Failed(Failure::Repeated) => (
            ErrorCode::Repeated,
            format!("job {} has been brought here before, and is not run again", ending.id),
        ),
        Outcome::Failed(Failure::Forward) => match result {
            JobResult::Peer(PeerAnswer::Improper { reason } | PeerAnswer::NotReached { reason }) => {
                (ErrorCode::ForwardFailed, format!("the peer did not answer: {reason}"))
            }
            _ => (ErrorCode::ForwardFailed, "no peer to forward to".into()),
        },
        Outcome::Served | Outcome::Failed(Failure::Function) => match result {
            JobResult::Here(Err(error)) => (ErrorCode::Generic, error.to_string()),
            JobResult::Nothing => (ErrorCode::ShuttingDown, "this node is shutting down".into()),
            _ => (ErrorCode::Generic, "the function gave no answer".into()),
        },
    };
    WireError { code, message }
}

fn this_machine(shared: &Shared, timings: &Timings) -> MachineTimings {
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let timings = PeerTimings {
        execution_time: seconds(timings.execution),
        total_time: seconds(Some(timings.total)),
        scheduling_time: seconds(Some(timings.scheduling)),
        probing_time: seconds(timings.probing),
        queue_time: seconds(timings.queue),
        forwarding_time: seconds(timings.forwarding),
    };
    this_machine_with(shared, timings)
}

fn this_machine_with(shared: &Shared, timings: PeerTimings) -> MachineTimings {
    let identity = shared.discovery.identity();
    MachineTimings { machine_id: identity.id, machine_ip: identity.ip, timings }
}

fn common_headers(to: &mut HeaderMap, ending: &Ending) {
    to.insert(&names::VERSION, HeaderValue::from_static(crate::VERSION));
    to.insert(&names::SCHEDULER, ending.policy.clone());
    if ending.probes > 0 {
        to.insert(&names::PROBE_MESSAGES, HeaderValue::from(ending.probes));
    }
    if let Some(learned) = &ending.learned {
        to.insert(&names::LEARNING_EID, HeaderValue::from(learned.eid));
        insert(to, &names::LEARNING_STATE, &go::format_f_list(&learned.state));
        insert(to, &names::LEARNING_ACTION, &go::format_f(f64::from(learned.choice.action)));
        insert(to, &names::LEARNING_EPS, &go::format_f(learned.choice.epsilon));
        if let Some(probability) = learned.choice.probability {
            insert(to, &names::LEARNING_PROBABILITY, &go::format_f(probability));
        }
        if let Some(reward) = learned.reward {
            insert(to, &names::LEARNING_REWARD, &go::format_f(reward));
        }
    }
}

/// Times of a job that ran here: single values, and the same as lists of one.
fn local_headers(to: &mut HeaderMap, ending: &Ending) {
    let timings = &ending.timings;
    let times = [
        (timings.execution, &names::EXECUTION_TIME, None),
        (Some(timings.total), &names::TOTAL_TIME, Some(&names::TOTAL_LIST)),
        (Some(timings.scheduling), &names::SCHEDULING_TIME, Some(&names::SCHEDULING_LIST)),
        (timings.probing, &names::PROBING_TIME, Some(&names::PROBING_LIST)),
        (timings.queue.filter(|queue| !queue.is_zero()), &names::QUEUE_TIME, None),
    ];
    // All numbers in one piece of memory, of which each header shows its part.
    let mut text = String::with_capacity(96);
    let ends = times.map(|(time, _, _)| {
        if let Some(time) = time {
            let _ = write!(text, "[{:.6}]", time.as_secs_f64());
        }
        text.len()
    });
    let text = Bytes::from(text);
    let mut start = 0;
    for ((time, single, list), end) in times.into_iter().zip(ends) {
        if time.is_some() {
            for (name, part) in [(Some(single), start + 1..end - 1), (list, start..end)] {
                if let (Some(name), Ok(value)) = (name, HeaderValue::from_maybe_shared(text.slice(part))) {
                    to.insert(name, value);
                }
            }
        }
        start = end;
    }
}

/// Times along the path, origin first.
fn forwarded_headers(to: &mut HeaderMap, path: &[MachineTimings], ending: &Ending) {
    let origin_first = || path.iter().rev();
    let list = |time: fn(&PeerTimings) -> Option<f64>| {
        go::json_numbers(origin_first().map(|machine| time(&machine.timings).unwrap_or(0.0)))
    };
    let names = |name: fn(&MachineTimings) -> &str| {
        serde_json::to_string(&origin_first().map(name).collect::<Vec<_>>()).unwrap_or_default()
    };
    let executor = path.first().map(|machine| machine.timings).unwrap_or_default();
    let timings = &ending.timings;
    to.insert(&names::EXTERNALLY_EXECUTED, HeaderValue::from_static("True"));
    to.insert(&names::HOPS, HeaderValue::from(path.len() - 1));
    insert(to, &names::EXECUTION_TIME, &go::format_f(executor.execution_time.unwrap_or(0.0)));
    insert(to, &names::TOTAL_TIME, &go::format_f(timings.total.as_secs_f64()));
    insert(to, &names::TOTAL_LIST, &list(|timings| timings.total_time));
    insert(to, &names::SCHEDULING_TIME, &go::format_f(timings.scheduling.as_secs_f64()));
    insert(to, &names::SCHEDULING_LIST, &list(|timings| timings.scheduling_time));
    insert(to, &names::PROBING_LIST, &list(|timings| timings.probing_time));
    if let Some(probing) = timings.probing {
        insert(to, &names::PROBING_TIME, &go::format_f(probing.as_secs_f64()));
    }
    if let Some(queue) = executor.queue_time.filter(|queue| *queue > 0.0) {
        insert(to, &names::QUEUE_TIME, &go::format_f(queue));
    }
    if let Some(forwarding) = timings.forwarding {
        insert(to, &names::FORWARDING_TIME, &go::format_f(forwarding.as_secs_f64()));
    }
    insert(to, &names::PEERS_LIST_IP, &names(|machine| &machine.machine_ip));
    insert(to, &names::PEERS_LIST_ID, &names(|machine| &machine.machine_id));
}

fn copy_function_headers(to: &mut HeaderMap, content_type: Option<String>, own: Vec<(String, String)>) {
    let of_function = |(name, text): (String, String)| {
        let name = HeaderName::try_from(name).ok().filter(is_of_function)?;
        Some((name, HeaderValue::from_str(&text).ok()?))
    };
    for (name, value) in own.into_iter().filter_map(of_function).take(MAX_FUNCTION_HEADERS) {
        to.append(name, value);
    }
    if let Some(value) = content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
        to.insert(header::CONTENT_TYPE, value);
    }
}

fn insert(to: &mut HeaderMap, name: &'static HeaderName, text: &str) {
    to.insert(name, value(text));
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn log_job(function: &RegisteredFunction, trace: &Trace, ending: &Ending, status: StatusCode) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::debug!(
            trace_id = trace.id(ending.id),
            job = %ending.id,
            function = &*function.name,
            outcome = ?ending.outcome,
            status = status.as_u16(),
            forwarded = ending.forwarded,
            total_s = ending.timings.total.as_secs_f64(),
            "job ended"
        );
    }
}
