//! How far a log has been read, so that what comes again is known.

use jiff::Timestamp;

/// How far a log has been read. A log is opened again after a break from the second of the last line on, so
/// some lines come twice.
#[derive(Debug, Default)]
pub struct Cursor {
    pub time: Option<Timestamp>,
    /// How many lines bear that time.
    count: usize,
    /// How many of them have come again, while the rest is still to come.
    again: Option<usize>,
}

impl Cursor {
    /// Returns what tells whether a line has been passed on since.
    pub fn position(&self) -> (Option<Timestamp>, usize) {
        (self.time, self.count)
    }

    pub fn rewind(&mut self) {
        self.again = self.time.map(|_| 0);
    }

    pub fn is_new(&mut self, time: Timestamp) -> bool {
        if let (Some(again), Some(last)) = (self.again, self.time) {
            if time < last {
                return false;
            }
            if time == last && again < self.count {
                self.again = Some(again + 1);
                return false;
            }
            // From here on all is new, even if the node's clock is set back.
            self.again = None;
        }
        self.count = if self.time == Some(time) { self.count + 1 } else { 1 };
        self.time = Some(time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_come_again_are_known() {
        let time = |second: i64| Timestamp::from_second(second).unwrap();
        let mut cursor = Cursor::default();
        assert!([1, 2, 2].into_iter().all(|second| cursor.is_new(time(second))));
        cursor.rewind();
        let new: Vec<bool> =
            [1, 2, 2, 2, 3, 2].into_iter().map(|second| cursor.is_new(time(second))).collect();
        assert_eq!(new, [false, false, false, true, true, true]);
    }
}
