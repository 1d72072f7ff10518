//! One section: an immutable value behind an atomic pointer.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use axum::body::Bytes;

/// A section's value as it was published.
#[derive(Debug)]
pub struct Edition<T> {
    /// Rises by one with every change of the section, from 1.
    pub version: u64,
    /// The journal's newest record when it was published.
    pub sequence: u64,
    /// The value.
    pub value: T,
    body: OnceLock<Bytes>,
}

impl<T> Edition<T> {
    /// The JSON that most readers ask for, made by `render` for the first of them and shared by
    /// the others. One edition has one such rendering: call it with the same `render` always.
    ///
    /// # Errors
    /// What `render` says; the next reader tries again.
    pub fn body<E>(&self, render: impl FnOnce(&T) -> Result<Bytes, E>) -> Result<Bytes, E> {
        if let Some(body) = self.body.get() {
            return Ok(body.clone());
        }
        let body = render(&self.value)?;
        Ok(self.body.get_or_init(|| body).clone())
    }
}

/// A section. One thread writes, any number read, and nobody waits for anybody.
#[derive(Debug)]
pub struct Section<T> {
    current: ArcSwapOption<Edition<T>>,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }
}

impl<T> Section<T> {
    /// What was published last; `None` before the first time.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Edition<T>>> {
        self.current.load_full()
    }

    /// The version of what was published last; 0 before the first time.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.current.load().as_ref().map_or(0, |edition| edition.version)
    }

    /// Publishes `value`, unless it is what is there already. Says whether it was news.
    pub(super) fn publish(&self, sequence: u64, value: T) -> bool
    where
        T: PartialEq,
    {
        let current = self.current.load();
        if current.as_ref().is_some_and(|edition| edition.value == value) {
            return false;
        }
        let version = current.as_ref().map_or(0, |edition| edition.version) + 1;
        let edition = Edition { version, sequence, value, body: OnceLock::new() };
        self.current.store(Some(Arc::new(edition)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn the_same_value_again_is_no_news() {
        let section = Section::default();
        assert!(section.publish(1, "a"));
        assert!(!section.publish(2, "a"));
        assert_eq!((section.version(), section.current().unwrap().sequence), (1, 1));
        assert!(section.publish(3, "b"));
        assert_eq!((section.version(), section.current().unwrap().sequence), (2, 3));
    }

    #[test]
    fn an_edition_is_rendered_once_however_many_read_it() {
        let section = Section::default();
        section.publish(1, 42);
        let renderings = AtomicUsize::new(0);
        for _ in 0..3 {
            let edition = section.current().unwrap();
            let body: Result<_, Infallible> = edition.body(|value| {
                renderings.fetch_add(1, Ordering::Relaxed);
                Ok(Bytes::from(value.to_string()))
            });
            assert_eq!(body.unwrap(), "42");
        }
        assert_eq!(renderings.into_inner(), 1);
    }

    #[test]
    fn a_reader_keeps_what_it_read_while_the_desk_goes_on() {
        let section = Section::default();
        section.publish(1, 1);
        let held = section.current().unwrap();
        section.publish(2, 2);
        assert_eq!((held.value, section.current().unwrap().value), (1, 2));
    }
}
