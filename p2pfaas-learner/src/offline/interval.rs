//! 95 % confidence intervals for what is estimated from streams.
//!
//! Entries that follow each other are alike (the same queue, the same rush hour), so that they must not
//! be taken as independent. Each stream is cut into blocks, and blocks count as independent: the interval is
//! Student's on the blocks' sums of what each entry contributes to the estimate's error (the delta method,
//! with clusters).

/// Blocks into which a record is cut, about; at least one a stream.
pub(super) const BLOCKS: usize = 40;

/// Standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;

/// The interval of an estimate. `influence` holds what each entry contributes to its error, times the number
/// of entries; `blocks` the block of each, ascending. `None` of a single block.
pub(super) fn interval(value: f64, influence: &[f64], blocks: &[u32]) -> Option<[f64; 2]> {
    let (mut squares, mut count, mut sum) = (0.0, 0_usize, 0.0);
    for (place, contribution) in influence.iter().enumerate() {
        sum += contribution;
        if blocks.get(place + 1) != blocks.get(place) {
            squares += sum * sum;
            (count, sum) = (count + 1, 0.0);
        }
    }
    if count < 2 {
        return None;
    }
    let n = influence.len() as f64;
    let variance = squares * count as f64 / (count - 1) as f64 / (n * n);
    let half = student_quantile(count - 1) * variance.sqrt();
    Some([value - half, value + half])
}

/// Student's t, quantile of 0.975: from a table, then by the Cornish-Fisher expansion.
fn student_quantile(freedom: usize) -> f64 {
    const TABLE: [f64; 4] = [12.706, 4.303, 3.182, 2.776];
    if let Some(value) = TABLE.get(freedom.saturating_sub(1)) {
        return *value;
    }
    let n = freedom as f64;
    Z + (Z.powi(3) + Z) / (4.0 * n)
        + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n * n)
        + (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_give_students_interval() {
        // Mean 3, deviation sqrt(2.5), 4 degrees of freedom: 3 +- 2.776 * sqrt(0.5).
        let influence = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let [low, high] = interval(3.0, &influence, &[0, 1, 2, 3, 4]).unwrap();
        assert!((low - 1.0371).abs() < 1e-4 && (high - 4.9629).abs() < 1e-4, "{low} {high}");
        assert_eq!(interval(3.0, &influence, &[0; 5]), None);
        assert_eq!(interval(3.0, &[], &[]), None);
    }

    #[test]
    fn what_is_alike_within_blocks_does_not_make_it_narrower() {
        let (influence, blocks): (Vec<f64>, Vec<u32>) =
            (0..20_u32).flat_map(|block| [(f64::from(block) - 9.5, block); 100]).unzip();
        let [low, high] = interval(0.0, &influence, &blocks).unwrap();
        let alone: Vec<f64> = (0..20).map(|block| f64::from(block) - 9.5).collect();
        let [low_alone, high_alone] = interval(0.0, &alone, &(0..20).collect::<Vec<_>>()).unwrap();
        assert!((low - low_alone).abs() < 1e-9 && (high - high_alone).abs() < 1e-9);
    }

    #[test]
    fn the_quantile_is_the_published_one() {
        for (freedom, value) in [(1, 12.706), (4, 2.776), (5, 2.571), (10, 2.228), (39, 2.023)] {
            assert!((student_quantile(freedom) - value).abs() < 4e-3, "{freedom}");
        }
    }
}
