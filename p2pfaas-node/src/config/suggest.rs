//! What somebody may have meant.

/// The candidate nearest to `text`, if it is near: at most two letters added, left out, replaced
/// or exchanged, and at most one in three.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.into_iter().map(|candidate| (distance(text, candidate), candidate));
    let allowed = (text.chars().count() / 3).min(2);
    near.filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits between two texts; exchanging two neighbours is one edit.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut current = vec![row; to.len() + 1];
        for column in 1..=to.len() {
            let same = from[row - 1] == to[column - 1];
            let replaced = last[column - 1] + usize::from(!same);
            current[column] = replaced.min(last[column] + 1).min(current[column - 1] + 1);
            let exchanged =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if exchanged {
                current[column] = current[column].min(before_last[column - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let keys = ["slots", "queue", "listen", "job-timeout"];
        assert_eq!(nearest("slot", keys), Some("slots"));
        assert_eq!(nearest("sltos", keys), Some("slots"));
        assert_eq!(nearest("jobtimeot", keys), Some("job-timeout"));
        assert_eq!(nearest("lists", keys), None);
        assert_eq!(nearest("x", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
