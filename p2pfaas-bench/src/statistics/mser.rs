//! When a run is steady.

/// Values of a batch.
const BATCH: usize = 5;
/// The last tenth of the batches is no place to begin: few values agree by chance.
const LAST: usize = 10;

/// MSER-5 (White 1997; White, Cobb and Spratt 2000): of how many values, from the first on, a series is to
/// be relieved so that the standard error of the mean of the others, taken in batches of five, is least.
///
/// `None` where that would be more than half of them (the series is too short, or never steady), and where
/// there are fewer than ten batches.
pub fn mser5(series: &[f64]) -> Option<usize> {
    let batches: Vec<f64> =
        series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let least = batches.len() / LAST;
    if least == 0 {
        return None;
    }
    let mut best = (f64::INFINITY, 0);
    let (mut mean, mut squares) = (0.0, 0.0);
    // From the end, so that each mean and sum of squares comes from the one before.
    for (count, batch) in (1..).zip(batches.iter().rev()) {
        let away = batch - mean;
        mean += away / f64::from(count);
        squares += away * (batch - mean);
        let left = f64::from(count);
        let error = squares / (left * left);
        // Of equals the longest.
        if count as usize >= least && error <= best.0 {
            best = (error, batches.len() - count as usize);
        }
    }
    (2 * best.1 <= batches.len()).then_some(BATCH * best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many batches of five equal values each.
    fn series(batches: impl IntoIterator<Item = f64>) -> Vec<f64> {
        batches.into_iter().flat_map(|batch| [batch; BATCH]).collect()
    }

    /// As it is defined, without a trick.
    fn by_definition(series: &[f64]) -> usize {
        let batches: Vec<f64> = series.chunks_exact(5).map(|batch| batch.iter().sum::<f64>() / 5.0).collect();
        let error = |first: usize| {
            let rest = &batches[first..];
            let mean = rest.iter().sum::<f64>() / rest.len() as f64;
            rest.iter().map(|batch| (batch - mean).powi(2)).sum::<f64>() / (rest.len() as f64).powi(2)
        };
        let all = 0..=batches.len() - batches.len() / 10;
        5 * all.min_by(|left, right| error(*left).total_cmp(&error(*right))).unwrap()
    }

    #[test]
    fn the_rise_of_a_series_is_cut_off_where_it_was_worked_out_by_hand() {
        // 0, 4, 8 and then 10, 12, 10, 12, ...: over the last 20 batches the error is 20 / 20^2 = 0.05; with
        // the 8 it is (20 + 3^2 * 20 / 21) / 21^2 = 0.0648, without the first 10 it is 0.0525.
        let rising = [0.0, 4.0, 8.0].into_iter().chain([10.0, 12.0].into_iter().cycle().take(20));
        assert_eq!(mser5(&series(rising)), Some(3 * BATCH));
    }

    #[test]
    fn it_is_what_the_definition_says() {
        let values: Vec<f64> = (0..300)
            .map(|index| {
                let index = f64::from(index);
                10.0 - 9.0 * (-index / 20.0).exp() + (index * 1.7).sin() + 0.3 * (index * 0.9).cos()
            })
            .collect();
        assert_eq!(mser5(&values), Some(by_definition(&values)));
        assert!(by_definition(&values) > 0);
    }

    #[test]
    fn a_series_that_is_steady_from_its_first_value_on_is_left_whole() {
        assert_eq!(mser5(&[3.0; 100]), Some(0));
        assert_eq!(mser5(&series([1.0, 2.0].into_iter().cycle().take(40))), Some(0));
    }

    #[test]
    fn what_never_settles_or_only_in_its_second_half_is_not_steady() {
        assert_eq!(mser5(&series((0..40).map(f64::from))), None);
        assert_eq!(mser5(&series((0..40).map(|batch| if batch < 25 { 0.0 } else { 9.0 }))), None);
        assert_eq!(mser5(&[3.0; 49]), None, "fewer than ten batches");
    }
}
