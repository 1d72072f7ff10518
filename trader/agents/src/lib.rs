//! sapphire-agents
