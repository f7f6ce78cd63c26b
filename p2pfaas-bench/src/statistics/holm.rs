//! Many comparisons at once.

/// Holm's adjusted p values (Holm 1979), in the order given: with so many differences looked for, one is
/// found by chance with probability 0.05 at most where these are held to 0.05.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (before, index) in order.into_iter().enumerate() {
        least = least.max(((p_values.len() - before) as f64 * p_values[index]).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_gives_the_values_worked_out_by_hand() {
        // 4 * 0.005, 3 * 0.01, 2 * 0.03, and then not less than that: 0.04 becomes 0.06, too.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        assert!(
            adjusted.iter().zip(expected).all(|(left, right)| (left - right).abs() < 1e-12),
            "{adjusted:?}"
        );
    }

    #[test]
    fn a_p_value_is_never_more_than_1_and_one_alone_stays_what_it_is() {
        assert_eq!(holm(&[0.6, 0.9]), [1.0, 1.0]);
        assert_eq!(holm(&[0.03]), [0.03]);
        assert!(holm(&[]).is_empty());
    }
}
