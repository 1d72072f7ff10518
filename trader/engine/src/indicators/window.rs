//! A ring of the last n values.

/// The last `n` values, oldest overwritten first. Allocated once.
#[derive(Debug, Clone)]
pub(super) struct Window {
    values: Box<[f64]>,
    next: usize,
    full: bool,
}

impl Window {
    /// An empty ring; `length` is checked by the indicator that owns it and is at least 1.
    pub(super) fn new(length: usize) -> Self {
        Self { values: vec![0.0; length].into_boxed_slice(), next: 0, full: false }
    }

    /// Takes a value in and answers the one that it displaced: zero while the ring fills, which is
    /// what a running sum has to subtract then.
    #[inline]
    pub(super) fn push(&mut self, value: f64) -> f64 {
        let Some(slot) = self.values.get_mut(self.next) else { return 0.0 };
        let displaced = std::mem::replace(slot, value);
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
            self.full = true;
        }
        displaced
    }

    /// Whether all of the window's values were given.
    #[inline]
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether the last push filled the ring's last slot: the moment to recompute sums, once in n
    /// pushes.
    #[inline]
    pub(super) const fn has_wrapped(&self) -> bool {
        self.full && self.next == 0
    }

    /// The values in the ring's own order, which is the order of time right after a wrap.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }
}
