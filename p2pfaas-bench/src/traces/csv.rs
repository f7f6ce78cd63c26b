//! CSV (RFC 4180, without line breaks in values).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::TraceError;
use super::choices::{Cell, Choices, Names, Row};

/// Bytes of a line at most.
const MAX_LINE: u64 = 1 << 20;

const NAMES: Names = Names {
    eid: "eid",
    state: "state",
    action: "action",
    reward: "reward",
    epsilon: "epsilon",
    probability: "probability",
};

pub(super) fn read(path: &Path, choices: &mut Choices<'_>) -> Result<(), TraceError> {
    let io = |source| TraceError::Io { path: path.into(), source };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut lines = Lines { path, reader: &mut reader, number: 0 };
    let Some(header) = lines.next()? else {
        return Err(lines.damaged("it is empty; its first line names the columns".into()));
    };
    let names: Vec<String> = header.into_iter().map(|name| name.trim().to_lowercase()).collect();
    let place = |wanted: &str| names.iter().position(|name| name == wanted);
    let needed = |missing: &'static str| {
        place(missing).ok_or_else(|| TraceError::Column {
            path: path.into(),
            missing,
            found: names.join(", "),
        })
    };
    let [eid, state] = [needed(NAMES.eid)?, needed(NAMES.state)?];
    let [action, reward] = [needed(NAMES.action)?, needed(NAMES.reward)?];
    let [epsilon, probability, stream] = [NAMES.epsilon, NAMES.probability, "stream"].map(place);
    while let Some(mut values) = lines.next()? {
        if values.len() != names.len() {
            let hint =
                if values.len() > names.len() { "; a state with commas stands in double quotes" } else { "" };
            let what = format!("it has {} values and the header {}{hint}", values.len(), names.len());
            return Err(lines.damaged(what));
        }
        let mut take = |place: usize| match std::mem::take(&mut values[place]) {
            text if text.trim().is_empty() => Cell::Null,
            text => Cell::Text(text),
        };
        let stream = match stream.map(&mut take) {
            Some(Cell::Text(name)) => name,
            _ => "record".into(),
        };
        let row = Row {
            number: lines.number,
            node: stream.clone(),
            stream,
            eid: take(eid),
            state: take(state),
            action: take(action),
            reward: take(reward),
            epsilon: epsilon.map_or(Cell::Null, &mut take),
            epsilon_greedy: true,
            probability: probability.map_or(Cell::Null, &mut take),
        };
        choices.push(row, &NAMES)?;
    }
    Ok(())
}

struct Lines<'a> {
    path: &'a Path,
    reader: &'a mut BufReader<File>,
    /// Of the line that was read last, from 1.
    number: u64,
}

impl Lines<'_> {
    /// The values of the next line that is not empty.
    fn next(&mut self) -> Result<Option<Vec<String>>, TraceError> {
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            read.map_err(|source| TraceError::Io { path: self.path.into(), source })?;
            if line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if line.len() as u64 == MAX_LINE {
                return Err(self.damaged(format!("it is longer than {MAX_LINE} bytes")));
            }
            let text = String::from_utf8(line).map_err(|_| self.damaged("it is not UTF-8 text".into()))?;
            let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { &text };
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                return values(text).map(Some).ok_or_else(|| self.damaged("a quote is not closed".into()));
            }
        }
    }

    fn damaged(&self, what: String) -> TraceError {
        TraceError::Format {
            path: self.path.into(),
            format: "CSV",
            what: format!("line {}: {what}", self.number),
        }
    }
}

/// The values of a line; `None` if a quote is not closed.
pub(crate) fn values(line: &str) -> Option<Vec<String>> {
    let mut values = vec![String::new()];
    let mut quoted = false;
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                values.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(String::new()),
            sign => values.last_mut()?.push(sign),
        }
    }
    (!quoted).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_and_quotes() {
        assert_eq!(values(r#"1,"2,3","a ""b""",,x"#).unwrap(), ["1", "2,3", "a \"b\"", "", "x"]);
        assert_eq!(values(r#"1,"2"#), None);
        assert_eq!(values("").unwrap(), [""]);
    }
}
