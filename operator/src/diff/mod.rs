//! `sapphire-operator diff`: what applying manifests would change, without changing it.
//!
//! The API server itself says what it would store (a dry run). With that in place of what is stored, the
//! operator's own code says what a reconcile would want, and what is there is held against it.

mod changes;
mod desk;
mod foreseen;
mod print;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use kube::Client;
use sapphire_crds::manifest::{ManifestFaults, read_objects};

use crate::api_server::patient;
use crate::context::Context;
use crate::metrics::Metrics;
use crate::reconcile::outcome::Hold;
use crate::settings::{Settings, SettingsError};
use crate::watches::Watches;
use foreseen::{Foreseen, Wanted};

/// How long the API server may take to tell what is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flags of `diff`.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Manifests, or folders whose *.yaml, *.yml and *.json are read.
    #[arg(short = 'f', long = "filename", value_name = "DIR|FILE", required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// The namespace of objects that name none. [default: that of the kubeconfig]
    #[arg(short = 'n', long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// How it is printed.
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "human")]
    pub output: Output,
    /// The operator's own image for desks that name none; matters for new desks only.
    #[arg(long, env = "SAPPHIRE_TRADER_IMAGE", value_name = "IMAGE", default_value_t = crate::settings::default_image())]
    pub trader_image: String,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Human,
    /// One JSON document.
    Json,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The manifests are wrong.
    #[error("{0}")]
    Manifests(#[from] ManifestFaults),
    /// A flag is.
    #[error("{0}")]
    Flags(#[from] SettingsError),
    /// The API server would refuse an object.
    #[error("{object}: the API server would refuse it: {why}")]
    Refused {
        /// Which.
        object: String,
        /// Its words.
        why: String,
    },
    /// The API server did not answer.
    #[error("cannot read what is there within {seconds} s: {0}; is the API server reachable, and may you list these?", seconds = PATIENCE.as_secs())]
    Unread(String),
    /// The API server does not let it be read.
    #[error("cannot read what is there: {0}")]
    Refusal(String),
    /// A call failed.
    #[error("{0}")]
    Call(#[from] Hold),
    /// What was counted twice.
    #[error("cannot count: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Nothing takes what is printed.
    #[error("cannot print: {0}")]
    Print(#[from] std::io::Error),
}

/// Prints what applying the manifests would change; whether that is anything.
///
/// # Errors
/// As [`DiffError`]. Nothing was changed then either.
pub async fn run(client: Client, flags: Flags, out: &mut impl Write) -> Result<bool, DiffError> {
    let written = read_objects(&flags.files)?;
    let client = patient(client);
    let namespace = flags.namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let wanted: Vec<Wanted> =
        written.objects.into_iter().map(|object| Wanted::new(object, &namespace)).collect();
    let settings = settings(&wanted, &flags.trader_image)?;
    let context = Arc::new(Context::new(client, settings, Metrics::new()?));
    know(&context).await?;
    let foreseen = Foreseen::ask(&context, wanted).await?;
    let mut desks = Vec::new();
    for key in foreseen.desks(&context) {
        let outlook = desk::foresee(&context, &key).await?;
        desks.push(outlook.arriving_in(foreseen.parts(&context, &key)));
    }
    match print::print(out, flags.output, &foreseen, &desks, &written.others) {
        // Whoever read it has read enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    Ok(foreseen.changes() || desks.iter().any(desk::Outlook::changes))
}

/// An operator of the namespaces that the manifests name, which never leads.
fn settings(wanted: &[Wanted], trader_image: &str) -> Result<Settings, SettingsError> {
    let mut namespaces: Vec<String> =
        wanted.iter().map(|wanted| wanted.key.namespace.clone()).collect();
    namespaces.sort();
    namespaces.dedup();
    Settings::reader(&namespaces, trader_image)
}

/// Reads everything once.
async fn know(context: &Arc<Context>) -> Result<(), DiffError> {
    let _watches = Watches::start(context);
    match tokio::time::timeout(PATIENCE, context.progress.complete_all()).await {
        Ok(read) => read.map_err(DiffError::Refusal),
        Err(_) => Err(DiffError::Unread(context.progress.missing().join(", "))),
    }
}
