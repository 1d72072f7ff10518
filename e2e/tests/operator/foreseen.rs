//! What `sapphire-operator diff` says of manifests.

use clap::Parser;
use sapphire_e2e::Case;
use sapphire_operator::diff::{self, DiffError};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    flags: diff::Flags,
}

/// What the command says of manifests, and whether something would change.
pub(crate) async fn diff(
    case: &Case<'_>,
    manifests: &str,
    more: &[&str],
) -> Result<(bool, String), DiffError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("desk.yaml"), manifests).unwrap();
    let place = folder.path().display().to_string();
    let arguments = [&["diff", "-f", &place, "-n", case.namespace()], more].concat();
    let flags = Command::parse_from(arguments).flags;
    let mut said = Vec::new();
    let changes = diff::run(case.client(), flags, &mut said).await?;
    Ok((changes, String::from_utf8(said).unwrap()))
}
