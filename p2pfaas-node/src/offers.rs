//! Questions and offers in the headers of a probe and its answer.

use std::str::FromStr;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use p2pfaas_core::FunctionId;
use p2pfaas_core::offers::{Offer, Question};
use p2pfaas_core::wire::headers;

/// Writes a question about a job of this function.
pub(crate) fn ask(probe: &mut HeaderMap, function: &str, question: &Question) {
    let Ok(function) = HeaderValue::from_str(function) else { return };
    probe.insert(headers::FUNCTION, function);
    probe.insert(headers::TASK_TYPE, HeaderValue::from(question.task_type));
    if let Some(left) = question.time_left {
        put(probe, headers::DEADLINE, left.as_secs_f64());
    }
}

/// What a probe asks; `None` when it asks for no offer, or of a function that is not here.
pub(crate) fn asked(
    probe: &HeaderMap,
    function: impl FnOnce(&str) -> Option<FunctionId>,
) -> Option<Question> {
    let function = function(probe.get(headers::FUNCTION)?.to_str().ok()?)?;
    let task_type = number(probe, headers::TASK_TYPE).unwrap_or(0);
    let time_left = match number(probe, headers::DEADLINE) {
        Some(seconds) => Some(Duration::try_from_secs_f64(seconds).ok()?),
        None => None,
    };
    Some(Question { function, task_type, time_left })
}

/// Writes an offer.
pub(crate) fn make(answer: &mut HeaderMap, offer: Offer) {
    put(answer, headers::OFFER_IN_TIME, offer.in_time);
    put(answer, headers::OFFER_PRICE, offer.price);
}

/// The offer of a peer; `None` when it makes none that can be.
pub(crate) fn made(answer: &HeaderMap) -> Option<Offer> {
    let (in_time, price) = (number(answer, headers::OFFER_IN_TIME)?, number(answer, headers::OFFER_PRICE)?);
    Some(Offer { in_time, price }).filter(Offer::is_possible)
}

fn number<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn put(headers: &mut HeaderMap, name: &'static str, number: impl ToString) {
    if let Ok(value) = HeaderValue::from_str(&number.to_string()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: FunctionId = FunctionId(7);

    fn of_call(name: &str) -> Option<FunctionId> {
        (name == "call").then_some(CALL)
    }

    #[test]
    fn a_question_comes_as_it_was_asked_and_only_about_functions_that_are_here() {
        for time_left in [None, Some(Duration::ZERO), Some(Duration::from_millis(123))] {
            let question = Question { function: CALL, task_type: 3, time_left };
            let mut probe = HeaderMap::new();
            ask(&mut probe, "call", &question);
            assert_eq!(asked(&probe, of_call), Some(question));
            assert_eq!(asked(&probe, |_| None), None);
        }
        assert_eq!(asked(&HeaderMap::new(), of_call), None, "an old probe");
        let mut nonsense = HeaderMap::new();
        ask(&mut nonsense, "call", &Question { function: CALL, task_type: 0, time_left: None });
        nonsense.insert(headers::DEADLINE, HeaderValue::from_static("-1"));
        assert_eq!(asked(&nonsense, of_call), None);
    }

    #[test]
    fn an_offer_comes_as_it_was_made_and_one_that_cannot_be_is_none() {
        let offer = Offer { in_time: 0.93, price: 0.125 };
        let mut answer = HeaderMap::new();
        assert_eq!(made(&answer), None);
        make(&mut answer, offer);
        assert_eq!(made(&answer), Some(offer));
        for (name, text) in
            [(headers::OFFER_IN_TIME, "1.5"), (headers::OFFER_PRICE, "NaN"), (headers::OFFER_PRICE, "-1")]
        {
            let mut answer = answer.clone();
            answer.insert(name, HeaderValue::from_static(text));
            assert_eq!(made(&answer), None, "{name}: {text}");
        }
    }
}
