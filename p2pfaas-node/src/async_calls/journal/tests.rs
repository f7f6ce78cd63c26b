use std::time::Duration;

use super::*;
use crate::async_calls::call::Outcome;

fn call(payload: &[u8]) -> Call {
    Call {
        function: "f".into(),
        payload: payload.to_vec(),
        content_type: None,
        tracing: String::new(),
        task_type: 3,
        deadline_ms: Some(7),
    }
}

fn result(body: &[u8]) -> Stored {
    Stored {
        outcome: Outcome::Served,
        status: 201,
        headers: vec![("x-own".into(), b"1".to_vec())],
        body: body.to_vec(),
    }
}

fn body_of(journal: &Journal, id: CallId) -> Option<Vec<u8>> {
    match journal.state(id).unwrap() {
        Some(State::Over(stored)) => Some(stored.body),
        Some(State::Open) | None => None,
    }
}

#[tokio::test]
async fn what_was_accepted_begun_and_over_is_so_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = AsyncSettings::default();
    let ids = [CallId(30), CallId(10), CallId(20), CallId(40)];
    {
        let (journal, found) = Journal::open(folder.path(), settings).unwrap();
        assert!(found.is_empty());
        for id in ids {
            journal.accept(id, call(&[id.0 as u8])).await.unwrap();
            assert!(matches!(journal.state(id).unwrap(), Some(State::Open)));
        }
        journal.begin(ids[0]).await.unwrap();
        journal.begin(ids[3]).await.unwrap();
        journal.end(ids[3], result(b"first")).await.unwrap();
        journal.end(ids[3], result(b"second")).await.unwrap();
    }
    let (journal, found) = Journal::open(folder.path(), settings).unwrap();
    let found: Vec<_> = found.into_iter().map(|(id, begun, call)| (id, begun, call.payload)).collect();
    let expected =
        [(ids[1], Begun::No, vec![10]), (ids[2], Begun::No, vec![20]), (ids[0], Begun::Yes, vec![30])];
    assert_eq!(found, expected, "in the order of their ids");
    assert_eq!(body_of(&journal, ids[3]).as_deref(), Some(&b"first"[..]), "one result, the first");
    assert!(journal.forget(ids[3]).await.unwrap());
    assert!(!journal.forget(ids[3]).await.unwrap() && !journal.forget(ids[0]).await.unwrap());
    assert!(journal.state(ids[3]).unwrap().is_none());
}

#[tokio::test]
async fn the_oldest_results_make_room_and_old_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let settings = AsyncSettings { max_bytes: 3_000, ..AsyncSettings::default() };
    let ids = [CallId(1), CallId(2), CallId(3)];
    {
        let (journal, _) = Journal::open(folder.path(), settings).unwrap();
        for id in ids {
            journal.accept(id, call(b"")).await.unwrap();
            journal.end(id, result(&[0; 1_300])).await.unwrap();
        }
        let there = ids.map(|id| body_of(&journal, id).is_some());
        assert_eq!(there, [false, true, true]);
    }
    let settings = AsyncSettings { keep: Duration::from_nanos(1), ..settings };
    let (journal, _) = Journal::open(folder.path(), settings).unwrap();
    // Whatever is written next sweeps.
    journal.accept(CallId(4), call(b"")).await.unwrap();
    assert_eq!(ids.map(|id| body_of(&journal, id).is_some()), [false; 3]);
    assert_eq!(*journal.file.kept_bytes.lock(), 0);
}

#[tokio::test]
async fn a_file_that_is_no_journal_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), vec![7; 10_000]).unwrap();
    let error = Journal::open(folder.path(), AsyncSettings::default()).err().expect("refused");
    assert!(error.to_string().contains(FILE), "{error}");
}
