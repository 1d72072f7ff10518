//! Only wires: everything is in the library.
fn main() {}
