//! Owns the processes of a control plane, so that none of them outlives the test that wanted them.

use std::process::ExitCode;

fn main() -> ExitCode {
    sapphire_e2e::supervisor::main()
}
