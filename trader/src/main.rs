//! Only wires: everything is in the library.

fn main() -> std::process::ExitCode {
    sapphire_trader::cli::main()
}
