//! The exchange, driven through its public interface.

mod bars;
mod desk;
