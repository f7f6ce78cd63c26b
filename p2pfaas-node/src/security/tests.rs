use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use http::{HeaderValue, Method, header};
use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> ClusterKey {
    format!("{byte:02x}").repeat(32).parse().unwrap()
}

fn security(settings: SecuritySettings) -> Arc<Security> {
    Security::new(settings)
}

fn with_key(byte: u8) -> Arc<Security> {
    security(SecuritySettings { key: Some(key(byte)), ..SecuritySettings::default() })
}

fn this() -> NodeId {
    NodeId::from_machine_id("this")
}

fn request(body: &[u8]) -> Request<Bytes> {
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "/peer/function/echo".parse().unwrap();
    request
}

fn check(at: &Security, request: &Request<Bytes>) -> Result<Option<Signature>, WireError> {
    let message = Message {
        method: request.method(),
        path: request.uri().path(),
        headers: request.headers(),
        body: request.body(),
    };
    at.check_peer(&message, this())
}

#[test]
fn a_signed_call_is_taken_once() {
    let (sender, receiver) = (with_key(1), with_key(1));
    let mut call = request(b"job");
    assert!(sender.sign(&mut call, Some(this())).is_some());
    assert!(check(&receiver, &call).unwrap().is_some());
    let error = check(&receiver, &call).unwrap_err();
    assert_eq!(
        (error.status().as_u16(), error.message.as_str()),
        (401, "the same signed call has been here before")
    );
    assert_eq!(receiver.refused.replayed.load(Ordering::Relaxed), 1);
}

#[test]
fn whatever_is_changed_of_a_call_is_noticed() {
    let (sender, receiver) = (with_key(1), with_key(1));
    let changes: [fn(&mut Request<Bytes>); 7] = [
        |call| *call.body_mut() = Bytes::from_static(b"jobs"),
        |call| *call.method_mut() = Method::GET,
        |call| *call.uri_mut() = "/peer/function/burn".parse().unwrap(),
        |call| {
            drop(
                call.headers_mut()
                    .insert("x-p2pfaas-scheduler-task-tracing-id", HeaderValue::from_static("x")),
            )
        },
        |call| word(call, 2, |time| (time.parse::<u64>().unwrap() + 1).to_string()),
        |call| {
            word(call, 3, |nonce| nonce.replace(&nonce[..1], if nonce.starts_with('0') { "1" } else { "0" }))
        },
        |call| word(call, 4, |_| "-".into()),
    ];
    for change in changes {
        let mut call = request(b"job");
        sender.sign(&mut call, Some(this()));
        change(&mut call);
        let error = check(&receiver, &call).unwrap_err();
        assert!(error.message.contains("not of this message"), "{}", error.message);
    }
    assert_eq!(receiver.refused.forged.load(Ordering::Relaxed), 7);
}

/// Changes one word of a signature.
fn word(call: &mut Request<Bytes>, number: usize, change: impl Fn(&str) -> String) {
    let text = call.headers()[signature::HEADER].to_str().unwrap().to_string();
    let words = text.split(' ').enumerate();
    let changed = words.map(|(index, word)| if index == number { change(word) } else { word.into() });
    let changed = changed.collect::<Vec<_>>().join(" ");
    call.headers_mut().insert(signature::HEADER, changed.parse().unwrap());
}

#[test]
fn another_key_another_node_another_time_and_no_signature_are_refused() {
    let (stranger, receiver) = (with_key(2), with_key(1));
    let mut call = request(b"job");
    stranger.sign(&mut call, None);
    assert!(check(&receiver, &call).unwrap_err().message.contains("not of this cluster's key"));

    let mut call = request(b"job");
    with_key(1).sign(&mut call, Some(NodeId::from_machine_id("other")));
    assert!(check(&receiver, &call).unwrap_err().message.contains("for another node"));

    assert!(check(&receiver, &request(b"job")).unwrap_err().message.contains("must sign"));

    let started_later = with_key(1);
    started_later.replays.lock().admit(u64::MAX / 2, 0, u64::MAX / 2).unwrap();
    let mut call = request(b"job");
    with_key(1).sign(&mut call, None);
    let error = check(&started_later, &call).unwrap_err();
    assert!(error.message.contains("signature-window"), "{}", error.message);
}

#[test]
fn unsigned_calls_are_taken_where_that_was_asked_for_and_wrong_ones_are_not() {
    let settings = SecuritySettings { key: Some(key(1)), allow_unsigned_peers: true, ..Default::default() };
    let receiver = security(settings);
    assert_eq!(check(&receiver, &request(b"job")).unwrap(), None);
    let mut call = request(b"job");
    with_key(2).sign(&mut call, None);
    assert!(check(&receiver, &call).is_err());
}

#[test]
fn an_answer_is_believed_only_as_the_answer_to_its_call() {
    let (sender, receiver) = (with_key(1), with_key(1));
    let ask = || {
        let mut call = request(b"job");
        sender.sign(&mut call, None).unwrap()
    };
    let (first, second) = (ask(), ask());
    let mut headers = HeaderMap::new();
    headers.insert("x-p2pfaas-load", HeaderValue::from(3));
    receiver.sign_answer(Some(&first), StatusCode::OK, &mut headers, b"answer");
    let believes = |call: &Signature, status, headers: &HeaderMap, body: &[u8]| {
        sender.believes(Some(call), status, headers, body)
    };
    assert!(believes(&first, StatusCode::OK, &headers, b"answer"));
    assert!(!believes(&second, StatusCode::OK, &headers, b"answer"), "of another call");
    assert!(!believes(&first, StatusCode::CREATED, &headers, b"answer"));
    assert!(!believes(&first, StatusCode::OK, &headers, b"another"));
    headers.insert("x-p2pfaas-load", HeaderValue::from(0));
    assert!(!believes(&first, StatusCode::OK, &headers, b"answer"), "a forged load");
    assert!(!believes(&first, StatusCode::OK, &HeaderMap::new(), b"answer"), "unsigned");
    assert_eq!(sender.refused.answers.load(Ordering::Relaxed), 5);
}

#[test]
fn keys_are_changed_without_a_pause() {
    let ring = |first: u8, second: u8| {
        let text = format!(
            "# keys\n{}\n\n{}\n",
            format!("{first:02x}").repeat(32),
            format!("{second:02x}").repeat(32)
        );
        security(SecuritySettings { key: Some(text.parse().unwrap()), ..Default::default() })
    };
    let (old, both, new) = (with_key(1), ring(1, 2), ring(2, 1));
    for (sender, receiver) in [(&old, &both), (&both, &old), (&new, &both), (&both, &new)] {
        let mut call = request(b"job");
        sender.sign(&mut call, None);
        assert!(check(receiver, &call).is_ok());
    }
    let sealed = new.settings.key.as_ref().unwrap().seal(b"gossip", b"to");
    assert_eq!(both.settings.key.as_ref().unwrap().open(&sealed, b"to").as_deref(), Some(&b"gossip"[..]));
    assert_eq!(both.settings.key.as_ref().unwrap().open(&sealed, b"other"), None);
    assert_eq!(old.settings.key.as_ref().unwrap().open(&sealed, b"to"), None);
}

#[test]
fn what_is_no_key_or_no_token_is_refused_with_its_line_and_without_itself() {
    for text in ["", "# nothing", "hunter2", &"0".repeat(63), &"g".repeat(64)] {
        let error = text.parse::<ClusterKey>().unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && !error.contains("hunter2"), "{error}");
    }
    for (text, expected) in [
        ("configure", "a role or a token is missing"),
        ("configure short", "16 letters or more"),
        ("\nrule 0123456789abcdef", "line 2: there is no such role"),
    ] {
        let error = text.parse::<Tokens>().unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("0123456789abcdef"), "{error}");
    }
    let shown = format!("{:?} {:?}", key(0xab), "call 0123456789abcdef".parse::<Tokens>().unwrap());
    assert!(
        !shown.contains("abab") && !shown.contains("171, 171") && !shown.contains("0123456789"),
        "{shown}"
    );
}

#[test]
fn a_role_is_needed_for_what_changes_a_node() {
    use Interface::{Discovery, Learner, Scheduler};
    for (interface, method, path, expected) in [
        (Scheduler, Method::POST, "/function/echo", Some(Role::Call)),
        (Scheduler, Method::GET, "/function/echo", Some(Role::Call)),
        (Scheduler, Method::POST, "/peer/function/echo", None),
        (Scheduler, Method::GET, "/configuration", None),
        (Scheduler, Method::POST, "/configuration", Some(Role::Configure)),
        (Scheduler, Method::POST, "/configuration/scheduler", Some(Role::Configure)),
        (Scheduler, Method::POST, "/", None),
        (Scheduler, Method::DELETE, "/system/functions", Some(Role::Configure)),
        (Scheduler, Method::GET, "/monitoring/load", None),
        (Scheduler, Method::GET, "/monitoring/scale-delay/x", Some(Role::Configure)),
        (Scheduler, Method::GET, "/dev/http/get", Some(Role::Configure)),
        (Discovery, Method::GET, "/list", None),
        (Discovery, Method::GET, "/reset", Some(Role::Configure)),
        (Discovery, Method::POST, "/configuration", Some(Role::Configure)),
        (Learner, Method::GET, "/learner/stats", None),
        (Learner, Method::GET, "/learner/weights", Some(Role::Learn)),
        (Learner, Method::GET, "/learner/checkpoint", Some(Role::Learn)),
        (Learner, Method::GET, "/act", Some(Role::Learn)),
        (Learner, Method::GET, "/train", Some(Role::Learn)),
        (Learner, Method::GET, "/learner/reset", Some(Role::Learn)),
        (Learner, Method::POST, "/train_batch", Some(Role::Learn)),
    ] {
        assert_eq!(access::needed(interface, &method, path), expected, "{interface:?} {method} {path}");
    }
}

#[test]
fn tokens_open_what_their_roles_say_and_without_any_only_this_machine_may() {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let there: IpAddr = "192.0.2.1".parse().unwrap();
    let bearing = |token: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers
    };
    let status = |at: &Security, role, remote, headers: &HeaderMap| {
        at.allow(role, remote, headers).map_or_else(|error| error.status().as_u16(), |()| 200)
    };
    let none = HeaderMap::new();
    let without = security(SecuritySettings::default());
    assert_eq!(status(&without, Role::Configure, here, &none), 200);
    assert_eq!(status(&without, Role::Configure, there, &none), 403);
    assert_eq!(status(&without, Role::Call, there, &none), 200);
    let open = security(SecuritySettings { open: true, ..Default::default() });
    assert_eq!(status(&open, Role::Configure, there, &none), 200);

    let tokens = "configure,call the-operators-token\nlearn the-trainers-token\n".parse().unwrap();
    let with = security(SecuritySettings { tokens, open: true, ..Default::default() });
    assert_eq!(status(&with, Role::Configure, here, &none), 401);
    assert_eq!(status(&with, Role::Configure, here, &bearing("the-operators-tokem")), 401);
    assert_eq!(status(&with, Role::Configure, there, &bearing("the-operators-token")), 200);
    assert_eq!(status(&with, Role::Learn, there, &bearing("the-operators-token")), 403);
    assert_eq!(status(&with, Role::Call, there, &none), 401, "a token has the role, so one is needed");
    assert_eq!(with.guard().refused(), 4);
}

#[test]
fn a_client_beyond_its_rate_is_told_when_to_come_again_and_others_are_not() {
    let rate = ClientRate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(3).unwrap() };
    let limited = security(SecuritySettings { client_rate: Some(rate), ..Default::default() });
    let call = |client: &str| limited.client_calls(client.parse().unwrap());
    for _ in 0..3 {
        assert_eq!(call("192.0.2.1"), Ok(()));
    }
    let wait = call("192.0.2.1").unwrap_err();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert_eq!(call("192.0.2.2"), Ok(()));
    // One network of addresses is one client.
    assert_eq!((0..4).filter(|last| call(&format!("2001:db8::{last}")).is_ok()).count(), 3);
    assert_eq!(limited.refused.clients.load(Ordering::Relaxed), 2);
    assert_eq!(
        "5".parse(),
        Ok(ClientRate { per_second: 5.try_into().unwrap(), burst: 10.try_into().unwrap() })
    );
    assert!("0".parse::<ClientRate>().is_err() && "1:".parse::<ClientRate>().is_err());
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader_of_signatures(text in "[v1 0-9a-f-]{0,160}|\\PC*") {
        let mut call = request(b"job");
        if let Ok(value) = HeaderValue::from_str(&text) {
            call.headers_mut().insert(signature::HEADER, value);
            prop_assert!(check(&with_key(1), &call).is_err());
        }
    }

    #[test]
    fn a_sealed_datagram_with_one_bit_changed_is_not_opened(plain in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0..8_u8) {
        let key = key(7);
        let mut sealed = key.seal(&plain, b"to");
        prop_assert_eq!(key.open(&sealed, b"to"), Some(plain));
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert_eq!(key.open(&sealed, b"to"), None);
    }
}
