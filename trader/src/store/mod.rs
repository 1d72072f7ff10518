//! The store: the journal in SQLite.
