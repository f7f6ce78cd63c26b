//! Many windows around one face become one face.

use crate::detector::Face;

/// More windows than this are not clustered, only the best ones: the work grows with their square,
/// and a picture made for it, all faces, would otherwise cost minutes.
pub const HITS_MAX: usize = 16_384;

/// Merges windows that overlap by more than `iou` as pigo does: the least sure window not yet
/// taken gathers every window that overlaps it, taken or not; the face has the mean place and size
/// of those windows and the sum of their `q`.
///
/// `hits` is sorted on the way. The faces are appended, the best first.
pub fn cluster(hits: &mut Vec<Face>, iou: f64, scratch: &mut Vec<bool>, faces: &mut Vec<Face>) {
    let first = faces.len();
    if hits.len() > HITS_MAX {
        hits.select_nth_unstable_by(HITS_MAX, |a, b| b.q.total_cmp(&a.q));
        hits.truncate(HITS_MAX);
    }
    // Stable, and the place breaks ties: the same windows in any order give the same faces.
    hits.sort_by(|a, b| {
        a.q.total_cmp(&b.q).then_with(|| (a.scale, a.row, a.col).cmp(&(b.scale, b.row, b.col)))
    });
    scratch.clear();
    scratch.resize(hits.len(), false);
    for seed in 0..hits.len() {
        if scratch[seed] {
            continue;
        }
        let (mut row, mut col, mut scale, mut q, mut windows) = (0_i64, 0_i64, 0_i64, 0_f32, 0_i64);
        for (index, hit) in hits.iter().enumerate() {
            if index == seed || hits[seed].iou(hit) > iou {
                scratch[index] = true;
                row += i64::from(hit.row);
                col += i64::from(hit.col);
                scale += i64::from(hit.scale);
                q += hit.q;
                windows += 1;
            }
        }
        let mean = |sum: i64| i32::try_from(sum / windows).unwrap_or(i32::MAX);
        faces.push(Face { row: mean(row), col: mean(col), scale: mean(scale), q });
    }
    faces[first..].sort_by(|a, b| b.q.total_cmp(&a.q));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clustered(mut hits: Vec<Face>, iou: f64) -> Vec<Face> {
        let mut faces = Vec::new();
        cluster(&mut hits, iou, &mut Vec::new(), &mut faces);
        faces
    }

    fn any_hit() -> impl Strategy<Value = Face> {
        (0..400_i32, 0..400_i32, 20..200_i32, 0.01..50_f32).prop_map(|(row, col, scale, q)| Face {
            row,
            col,
            scale,
            q,
        })
    }

    fn any_hits() -> impl Strategy<Value = Vec<Face>> {
        prop::collection::vec(any_hit(), 0..60)
    }

    #[test]
    fn two_windows_around_one_face_become_their_mean_and_the_sum_of_their_q() {
        let faces = clustered(
            vec![
                Face { row: 100, col: 101, scale: 50, q: 3.0 },
                Face { row: 103, col: 100, scale: 54, q: 4.0 },
                Face { row: 300, col: 300, scale: 50, q: 1.0 },
            ],
            0.18,
        );
        assert_eq!(
            faces,
            [Face { row: 101, col: 100, scale: 52, q: 7.0 }, Face { row: 300, col: 300, scale: 50, q: 1.0 }]
        );
    }

    #[test]
    fn more_windows_than_the_limit_keep_the_best() {
        let hits = (0..HITS_MAX as i32 + 500)
            .map(|n| Face { row: (n / 128) * 40, col: (n % 128) * 40, scale: 20, q: n as f32 + 1.0 })
            .collect();
        let faces = clustered(hits, 0.18);
        assert_eq!(faces.len(), HITS_MAX);
        assert_eq!(faces[HITS_MAX - 1].q, 501.0);
    }

    proptest! {
        #[test]
        fn overlap_is_symmetric_and_between_zero_and_one(a in any_hit(), b in any_hit()) {
            prop_assert!((0.0..=1.0).contains(&a.iou(&b)));
            prop_assert_eq!(a.iou(&b), b.iou(&a));
            prop_assert!((a.iou(&a) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn every_window_ends_in_a_face_and_faces_stay_among_the_windows(hits in any_hits(), iou in 0.0..1.0_f64) {
            let faces = clustered(hits.clone(), iou);
            prop_assert!(faces.len() <= hits.len());
            prop_assert_eq!(faces.is_empty(), hits.is_empty());
            for face in &faces {
                prop_assert!(hits.iter().any(|hit| hit.row <= face.row) && hits.iter().any(|hit| hit.row >= face.row));
                prop_assert!(hits.iter().any(|hit| hit.scale <= face.scale) && hits.iter().any(|hit| hit.scale >= face.scale));
            }
            let q_hits: f32 = hits.iter().map(|hit| hit.q).sum();
            let q_faces: f32 = faces.iter().map(|face| face.q).sum();
            prop_assert!(q_faces >= q_hits * 0.999);
            prop_assert!(faces.windows(2).all(|pair| pair[0].q >= pair[1].q));
        }

        #[test]
        fn the_order_of_the_windows_does_not_matter(hits in any_hits(), iou in 0.0..1.0_f64) {
            let mut reversed = hits.clone();
            reversed.reverse();
            prop_assert_eq!(clustered(hits, iou), clustered(reversed, iou));
        }

        #[test]
        fn windows_that_do_not_touch_stay_apart(count in 1..50_i32, side in 20..60_i32) {
            let hits = (0..count).map(|n| Face { row: 100, col: n * 60 + 30, scale: side, q: 1.0 }).collect();
            prop_assert_eq!(clustered(hits, 0.0).len(), count as usize);
        }
    }
}
