//! sapphire-matching
