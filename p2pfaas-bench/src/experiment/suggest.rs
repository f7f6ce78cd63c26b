//! "Did you mean": the nearest of the names that exist.

/// Jaro-Winkler similarity below which two names have nothing to do with each other.
const NEAR: f64 = 0.8;

/// ` did you mean "..."?`, or nothing.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(near) => format!(" (did you mean \"{near}\"?)"),
        None => String::new(),
    }
}

fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (candidate, strsim::jaro_winkler(&name, &candidate.to_lowercase())))
        .filter(|(_, similarity)| *similarity >= NEAR)
        .max_by(|left, right| left.1.total_cmp(&right.1))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        assert_eq!(nearest("slot", ["slots", "queue", "speed"]), Some("slots"));
        assert_eq!(nearest("qeue", ["slots", "queue", "speed"]), Some("queue"));
        assert_eq!(nearest("PowerOfN", ["NoScheduler", "PowerOfNScheduler"]), Some("PowerOfNScheduler"));
        assert_eq!(nearest("zzz", ["slots", "queue", "speed"]), None);
    }
}
