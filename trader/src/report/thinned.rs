//! A long series in little memory, for charts.

/// Points kept are at least this many, and fewer than twice as many, once there were so many.
pub(super) const POINTS: usize = 2048;

/// Every n-th value of a series; n doubles whenever there are too many.
#[derive(Debug, Clone)]
pub(super) struct Thinned<T> {
    kept: Vec<T>,
    stride: u64,
    seen: u64,
}

impl<T> Default for Thinned<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), stride: 1, seen: 0 }
    }
}

impl<T> Thinned<T> {
    /// Takes the next value.
    pub(super) fn push(&mut self, value: T) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(value);
        }
        self.seen += 1;
        if self.kept.len() >= 2 * POINTS {
            let mut odd = false;
            self.kept.retain(|_| {
                odd = !odd;
                odd
            });
            self.stride *= 2;
        }
    }

    /// Values taken so far.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// What is kept, oldest first.
    pub(super) fn kept(&self) -> &[T] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_few_and_even() {
        let mut series = Thinned::default();
        for n in 0..100_001_u64 {
            series.push(n);
            assert!(series.kept().len() < 2 * POINTS);
        }
        let kept = series.kept();
        assert!(kept.len() >= POINTS && kept[0] == 0, "{}", kept.len());
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == kept[1]));
        assert_eq!(series.seen(), 100_001);
    }
}
