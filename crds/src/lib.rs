//! sapphire-crds
