//! Everything that is played on a control plane that people, or tests of charts, install Sapphire on.

use std::convert::Infallible;
use std::time::Duration;

use kube::Client;

use crate::control_plane::ControlPlane;
use crate::error::Error;
use crate::traders::Traders;
use crate::{operators, volumes};

/// How often it is looked whether Sapphire's kinds are there by now.
const PACE: Duration = Duration::from_millis(500);

/// Runs the operator's pods, provides volumes, and plays traders from when there are any, until it is
/// dropped.
///
/// # Errors
/// When a player cannot go on.
pub async fn play(plane: &ControlPlane) -> Result<Infallible, Error> {
    let client = plane.cluster().client().await?;
    tokio::select! {
        ended = operators::run(plane) => ended,
        ended = volumes::provide(client.clone()) => ended,
        never = play_traders(client) => match never {},
    }
}

async fn play_traders(client: Client) -> Infallible {
    loop {
        // What is not served yet will be: installing the charts is for others.
        if let Ok(_traders) = Traders::start(&client, None).await {
            return std::future::pending().await;
        }
        tokio::time::sleep(PACE).await;
    }
}
