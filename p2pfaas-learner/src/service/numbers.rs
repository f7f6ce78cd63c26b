//! Numbers as old clients write them: as numbers, or as text.

use super::MAX_STATE_NUMBERS;
use crate::entry::State;
use crate::learner::MAX_ACTIONS;

/// Largest number of an experience.
pub(super) const MAX_EID: u64 = i64::MAX as u64;

/// A number that can be reckoned with.
pub(super) fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() { Ok(number) } else { Err(format!("{number} is not a finite number")) }
}

/// A number in text.
pub(super) fn float(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) => finite(number),
        Err(_) => Err(format!("{:?} is not a number", shortened(text))),
    }
}

/// The numbers of a state, joined by commas.
pub(super) fn state(text: &str) -> Result<State, String> {
    let mut state = State::new();
    for number in text.split(',') {
        push(&mut state, float(number)?)?;
    }
    Ok(state)
}

/// Adds a number to a state.
pub(super) fn push(state: &mut State, number: f64) -> Result<(), String> {
    if state.len() == MAX_STATE_NUMBERS {
        return Err(format!("a state has at most {MAX_STATE_NUMBERS} numbers"));
    }
    state.push(number);
    Ok(())
}

/// An experience's number.
pub(super) fn eid(number: f64) -> Result<u64, String> {
    // From here on not every whole number is one of these.
    const EXACT: f64 = (1_u64 << 53) as f64;
    if number.fract() == 0.0 && (0.0..EXACT).contains(&number) {
        Ok(number as u64)
    } else {
        Err(format!("{number} is not a whole number from 0 on"))
    }
}

/// An experience's number in text.
pub(super) fn eid_text(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let eid = text.parse().ok().filter(|eid| *eid <= MAX_EID);
    eid.ok_or_else(|| format!("{:?} is not a whole number from 0 to {MAX_EID}", shortened(text)))
}

/// An action.
pub(super) fn action(number: f64) -> Result<u32, String> {
    if number.fract() == 0.0 && number >= 0.0 && number < MAX_ACTIONS as f64 {
        Ok(number as u32)
    } else {
        Err(format!("{number} is not an action: a whole number from 0 to {}", MAX_ACTIONS - 1))
    }
}

/// As much of a text as an error can show.
fn shortened(text: &str) -> &str {
    const SHOWN: usize = 40;
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| &text[..end])
}
