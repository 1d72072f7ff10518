//! sapphire-engine
