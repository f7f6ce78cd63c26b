use p2pfaas_core::Time;
use proptest::prelude::*;

use super::*;

/// What a caller does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Push at this delay after the last popped time.
    Push(u64),
    Pop,
    Look,
    Drain,
}

/// Equal times, neighbours, usual delays, and the far future.
fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0),
        2 => 0..4_u64,
        4 => Just(1_000_000),
        4 => 0..3_000_000_000_u64,
        1 => (0..64_u32).prop_map(|bits| 1 << bits),
        1 => any::<u64>(),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = |pushes, pops| {
        prop_oneof![
            pushes => delay().prop_map(Step::Push),
            pops => Just(Step::Pop),
            2 => Just(Step::Look),
        ]
    };
    // Growing, shrinking, growing again, so that what resizes must do so in both directions.
    let phase = prop_oneof![
        prop::collection::vec(step(20, 4), 0..200),
        prop::collection::vec(step(8, 8), 0..200),
        prop::collection::vec(step(4, 20), 0..200),
        Just(vec![Step::Drain]),
    ];
    prop::collection::vec(phase, 1..6).prop_map(|phases| phases.concat())
}

/// A list kept in order: obviously right.
#[derive(Default)]
struct Oracle {
    waiting: Vec<(Time, u32)>,
}

impl Calendar<u32> for Oracle {
    fn push(&mut self, at: Time, item: u32) {
        let place = self.waiting.partition_point(|&(other, _)| other <= at);
        self.waiting.insert(place, (at, item));
    }

    fn pop(&mut self) -> Option<(Time, u32)> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }

    fn next_at(&mut self) -> Option<Time> {
        self.waiting.first().map(|&(at, _)| at)
    }

    fn len(&self) -> usize {
        self.waiting.len()
    }
}

fn agrees_with_the_oracle(mut calendar: impl Calendar<u32>, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut oracle = Oracle::default();
    let mut now = Time::ZERO;
    let mut pushed = 0;
    for &step in steps.iter().chain([&Step::Drain]) {
        match step {
            Step::Push(delay) => {
                let at = now + std::time::Duration::from_nanos(delay);
                calendar.push(at, pushed);
                oracle.push(at, pushed);
                pushed += 1;
            }
            Step::Pop => {
                let expected = oracle.pop();
                prop_assert_eq!(calendar.pop(), expected);
                now = expected.map_or(now, |(at, _)| at);
            }
            Step::Look => prop_assert_eq!(calendar.next_at(), oracle.next_at()),
            Step::Drain => {
                while let Some((at, item)) = oracle.pop() {
                    prop_assert_eq!(calendar.pop(), Some((at, item)));
                    now = at;
                }
                prop_assert_eq!(calendar.pop(), None);
                prop_assert_eq!(calendar.next_at(), None);
            }
        }
        prop_assert_eq!(calendar.len(), oracle.len());
        prop_assert_eq!(calendar.is_empty(), oracle.is_empty());
    }
    Ok(())
}

macro_rules! is_a_calendar {
    ($($module:ident: $calendar:ident),+ $(,)?) => {$(
        mod $module {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(50))]

                #[test]
                fn gives_what_a_sorted_list_gives(steps in steps()) {
                    agrees_with_the_oracle($calendar::default(), &steps)?;
                }
            }

            #[test]
            fn keeps_the_order_of_pushes_at_equal_times() {
                let mut calendar = $calendar::default();
                for item in 0..5_000_u32 {
                    calendar.push(Time::from_nanos(u64::from(item % 7) << 40), item);
                }
                let out: Vec<_> = std::iter::from_fn(|| calendar.pop()).map(|(_, item)| item).collect();
                let mut expected: Vec<_> = (0..5_000).collect();
                expected.sort_by_key(|item| item % 7);
                assert_eq!(out, expected);
            }

            #[test]
            fn reaches_the_end_of_time() {
                let mut calendar = $calendar::default();
                let (end, before) = (Time::from_nanos(u64::MAX), Time::from_nanos(u64::MAX - 1));
                for (at, item) in [(end, 1), (before, 2), (end, 3), (Time::ZERO, 4)] {
                    calendar.push(at, item);
                }
                assert_eq!(calendar.pop(), Some((Time::ZERO, 4)));
                assert_eq!(calendar.pop(), Some((before, 2)));
                assert_eq!(calendar.pop(), Some((end, 1)));
                calendar.push(end, 5);
                assert_eq!(calendar.pop(), Some((end, 3)));
                assert_eq!(calendar.pop(), Some((end, 5)));
                assert_eq!(calendar.pop(), None);
            }

            #[test]
            fn looking_ahead_does_not_shut_out_what_comes_before() {
                let mut calendar = $calendar::default();
                calendar.push(Time::from_nanos(1 << 40), 1);
                assert_eq!(calendar.next_at(), Some(Time::from_nanos(1 << 40)));
                calendar.push(Time::from_nanos(5), 2);
                assert_eq!(calendar.next_at(), Some(Time::from_nanos(5)));
                assert_eq!(calendar.pop(), Some((Time::from_nanos(5), 2)));
                assert_eq!(calendar.pop(), Some((Time::from_nanos(1 << 40), 1)));
            }
        }
    )+};
}

is_a_calendar! {
    binary_heap: BinaryHeap,
    calendar_queue: CalendarQueue,
    quaternary_heap: QuaternaryHeap,
    sorted_wheel: SortedWheel,
    timing_wheel: TimingWheel,
}
