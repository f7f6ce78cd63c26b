//! Parameters by name, as files and clients give them.

use serde_json::{Map, Number, Value as Json};

use super::check::bad;
use super::*;

impl AgentConfig {
    /// The parameters that an agent's file holds: all of it, or its table `[agent]`.
    ///
    /// # Errors
    /// `agent` is no table, or something stands beside it.
    pub fn parameters_of(mut file: Map<String, Json>) -> Result<Map<String, Json>, ConfigError> {
        match file.remove("agent") {
            None => Ok(file),
            Some(Json::Object(agent)) if file.is_empty() => Ok(agent),
            Some(Json::Object(_)) => {
                let others = file.keys().cloned().collect::<Vec<_>>().join(", ");
                let either = "parameters are either in [agent] or outside, not both";
                Err(ConfigError::Mismatch(format!("{either}; found {others}")))
            }
            Some(_) => Err(ConfigError::Mismatch("`agent` must be a table: [agent]".into())),
        }
    }

    /// Sets parameters by their names, all of them or none. Numbers may be given as text, as old scripts
    /// do; `epsilon`, which the old learner's own script sends, means `epsilon_start`.
    ///
    /// # Errors
    /// An unknown name, or a value that cannot be; nothing is changed.
    pub fn set(&mut self, flat: &Map<String, Json>) -> Result<Vec<ConfigWarning>, ConfigError> {
        let mut warnings = Vec::new();
        let Ok(Json::Object(mut all)) = serde_json::to_value(&*self) else {
            // JSON knows every number that `check` lets through.
            return Err(ConfigError::Mismatch("the parameters cannot be written as JSON".into()));
        };
        for (given, value) in flat {
            let name = match given.as_str() {
                "epsilon" => "epsilon_start",
                name => name,
            };
            let Some(current) = all.get(name) else { return Err(unknown(given)) };
            let value = read(given, name, current, value)?;
            if name != given {
                let means = "`epsilon` is no parameter; it is taken as `epsilon_start`";
                if flat.contains_key(name) {
                    warnings.push(ConfigWarning(format!("{means}, which is given, too, and counts")));
                    continue;
                }
                warnings.push(ConfigWarning(means.into()));
            }
            all.insert(name.into(), value);
        }
        let changed: AgentConfig = serde_json::from_value(Json::Object(all))
            .map_err(|error| ConfigError::Mismatch(error.to_string()))?;
        changed.check()?;
        *self = changed;
        Ok(warnings)
    }
}

/// The value as this parameter's type, whose current value is `current`.
fn read(given: &str, name: &str, current: &Json, value: &Json) -> Result<Json, ConfigError> {
    let expected = expected(name, current);
    let wrong = || bad(given, &expected, value);
    let text = value.as_str().map(str::trim);
    let read = match current {
        Json::Bool(_) => match text {
            Some(text) => text.to_ascii_lowercase().parse().ok().map(Json::Bool),
            None => value.as_bool().map(Json::Bool),
        },
        Json::Number(current) => {
            let number = match text {
                Some(text) => text.parse().ok(),
                None => value.as_number().cloned(),
            };
            number
                .and_then(
                    |number: Number| if current.is_f64() { Some(number) } else { whole_number(&number) },
                )
                .map(Json::Number)
        }
        Json::Array(_) => match text {
            Some(text) => serde_json::from_str(text).ok(),
            None => Some(value.clone()),
        },
        _ => Some(value.clone()),
    };
    let read = read.ok_or_else(wrong)?;
    // Alone, so that an error is this parameter's.
    let alone = Json::Object(Map::from_iter([(name.to_owned(), read.clone())]));
    AgentConfig::deserialize(alone).map_err(|_| wrong())?;
    Ok(read)
}

fn whole_number(number: &Number) -> Option<Number> {
    match number.as_f64() {
        // Every whole number below is exact.
        Some(float) if number.is_f64() && float.fract() == 0.0 && (0.0..=2_f64.powi(53)).contains(&float) => {
            Some(Number::from(float as u64))
        }
        _ => number.is_u64().then(|| number.clone()),
    }
}

/// What a parameter may be, in words.
fn expected(name: &str, current: &Json) -> String {
    let one_of = |names: &[&str]| format!("one of {}", names.join(", "));
    match name {
        "value" => one_of(ValueKind::NAMES),
        "rule" => one_of(RuleKind::NAMES),
        "exploration" => one_of(ExplorationKind::NAMES),
        "epsilon_schedule" => one_of(ScheduleKind::NAMES),
        "backend" => one_of(Backend::NAMES),
        "replay" => one_of(ReplayKind::NAMES),
        "bounds" => "a list of pairs [low, high]".into(),
        "hidden" => "a list of whole numbers".into(),
        _ if current.is_boolean() => "true or false".into(),
        _ if current.is_f64() => "a number".into(),
        _ => "a whole number, 0 or more".into(),
    }
}

fn unknown(name: &str) -> ConfigError {
    let known = serde_json::to_value(AgentConfig::default()).unwrap_or_default();
    let names = known.as_object().into_iter().flat_map(Map::keys);
    let nearest = names
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similar, _)| *similar > 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let suggestion = nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known:?}?"));
    ConfigError::UnknownParameter { name: name.into(), suggestion }
}
