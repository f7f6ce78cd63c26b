//! Reads batches of experiences, straight from the bytes into [`Entry`]s.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MAX_BATCH, numbers};
use crate::entry::{Entry, Mask, State};
use crate::learner::MAX_ACTIONS;

/// Bytes of an entry with a short state.
const USUAL_ENTRY_BYTES: usize = 64;

/// The experiences of a batch; those that do not tell how much the agent explored get `epsilon`.
///
/// # Errors
/// What is wrong, and in which entry.
pub(super) fn read(body: &[u8], epsilon: f64, state_numbers: Option<usize>) -> Result<Vec<Entry>, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let entries = json
        .deserialize_seq(Batch {
            epsilon,
            state_numbers,
            room: (body.len() / USUAL_ENTRY_BYTES).min(MAX_BATCH),
        })
        .and_then(|entries| json.end().map(|()| entries))
        .map_err(|error| error.to_string())?;
    if entries.is_empty() { Err("the batch is empty".into()) } else { Ok(entries) }
}

/// What must hold of an experience as a whole.
///
/// # Errors
/// What is wrong.
pub(super) fn check(entry: &Entry, state_numbers: Option<usize>) -> Result<(), String> {
    if let Some(expected) = state_numbers.filter(|expected| *expected != entry.state.len()) {
        return Err(format!("a state of this agent has {expected} numbers; found {}", entry.state.len()));
    }
    let allowed = entry.mask.is_empty() || entry.mask.get(entry.action as usize) == Some(&true);
    if allowed { Ok(()) } else { Err(format!("the mask does not allow action {}", entry.action)) }
}

struct Batch {
    epsilon: f64,
    state_numbers: Option<usize>,
    room: usize,
}

impl<'de> Visitor<'de> for Batch {
    type Value = Vec<Entry>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of entries {eid, state, action, reward}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Entry>, A::Error> {
        let mut entries = Vec::with_capacity(self.room);
        loop {
            let place = entries.len();
            let at = |why: &dyn fmt::Display| A::Error::custom(format_args!("entry {place}: {why}"));
            match sequence.next_element_seed(EntrySeed(self.epsilon)).map_err(|error| at(&error))? {
                None => return Ok(entries),
                Some(_) if place == MAX_BATCH => {
                    return Err(A::Error::custom(format_args!("a batch has at most {MAX_BATCH} entries")));
                }
                Some(entry) => {
                    check(&entry, self.state_numbers).map_err(|why| at(&why))?;
                    entries.push(entry);
                }
            }
        }
    }
}

struct EntrySeed(f64);

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Field {
    Eid,
    State,
    Action,
    Reward,
    Epsilon,
    Mask,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for EntrySeed {
    type Value = Entry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an entry {eid, state, action, reward}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let (mut eid, mut state, mut action, mut reward) = (None, None, None, None);
        let (mut epsilon, mut mask) = (self.0, Mask::new());
        while let Some(field) = map.next_key()? {
            match field {
                Field::Eid => eid = Some(map.next_value_seed(EidSeed)?),
                Field::State => state = Some(map.next_value_seed(StateSeed)?),
                Field::Action => {
                    let number = map.next_value_seed(NumberSeed("action"))?;
                    action = Some(numbers::action(number.unwrap_or(-1.0)).map_err(A::Error::custom)?);
                }
                Field::Reward => reward = Some(map.next_value_seed(NumberSeed("reward"))?),
                Field::Epsilon => {
                    let given = map.next_value_seed(NumberSeed("epsilon"))?.unwrap_or(self.0);
                    if given < 0.0 {
                        return Err(A::Error::custom(format_args!("epsilon: {given} is negative")));
                    }
                    epsilon = given;
                }
                Field::Mask => mask = map.next_value_seed(MaskSeed)?,
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let missing = A::Error::missing_field;
        Ok(Entry {
            eid: eid.ok_or_else(|| missing("eid"))?,
            state: state.ok_or_else(|| missing("state"))?,
            mask,
            action: action.ok_or_else(|| missing("action"))?,
            epsilon,
            reward: reward.ok_or_else(|| missing("reward"))?,
            terminal: false,
        })
    }
}

/// A number, as such or as text; `None` for null.
struct NumberSeed(&'static str);

impl<'de> DeserializeSeed<'de> for NumberSeed {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<f64>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for NumberSeed {
    type Value = Option<f64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: a number", self.0)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<f64>, E> {
        let number = numbers::finite(number);
        number.map(Some).map_err(|why| E::custom(format_args!("{}: {why}", self.0)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<f64>, E> {
        Ok(Some(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<f64>, E> {
        Ok(Some(number as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<f64>, E> {
        numbers::float(text).map(Some).map_err(|why| E::custom(format_args!("{}: {why}", self.0)))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<f64>, E> {
        if self.0 == "action" { Err(E::custom("action: null is not an action")) } else { Ok(None) }
    }
}

struct EidSeed;

impl<'de> DeserializeSeed<'de> for EidSeed {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for EidSeed {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("eid: a whole number from 0 on")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        let eid = Some(number).filter(|eid| *eid <= numbers::MAX_EID);
        eid.ok_or_else(|| E::custom(format_args!("eid: {number} is beyond {}", numbers::MAX_EID)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number)
            .map_err(|_| E::custom(format_args!("eid: {number} is not a whole number from 0 on")))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        numbers::eid(number).map_err(|why| E::custom(format_args!("eid: {why}")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        numbers::eid_text(text).map_err(|why| E::custom(format_args!("eid: {why}")))
    }
}

/// The numbers of a state: text with commas, as old clients send it, or an array.
pub(super) struct StateSeed;

impl<'de> DeserializeSeed<'de> for StateSeed {
    type Value = State;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<State, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StateSeed {
    type Value = State;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("state: numbers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<State, E> {
        numbers::state(text).map_err(|why| E::custom(format_args!("state: {why}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<State, A::Error> {
        let mut state = State::new();
        while let Some(number) = sequence.next_element::<f64>()? {
            let number = numbers::finite(number);
            number
                .and_then(|number| numbers::push(&mut state, number))
                .map_err(|why| A::Error::custom(format_args!("state: {why}")))?;
        }
        Ok(state)
    }
}

struct MaskSeed;

impl<'de> DeserializeSeed<'de> for MaskSeed {
    type Value = Mask;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Mask, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MaskSeed {
    type Value = Mask;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("mask: an array of true and false")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Mask, A::Error> {
        let mut mask = Mask::new();
        while let Some(allowed) = sequence.next_element()? {
            if mask.len() == MAX_ACTIONS {
                return Err(A::Error::custom(format_args!("mask: there are at most {MAX_ACTIONS} actions")));
            }
            mask.push(allowed);
        }
        Ok(mask)
    }
}
