//! Recordings that a system names.

use crate::manifest::desk::{directory_of, market_data};
use crate::manifest::fault::FaultCode;
use crate::manifest::object::Objects;
use crate::manifest::regular_file::open_regular;
use crate::manifest::{Faults, Request};

/// Every recording is a file.
pub(super) fn recordings_exist(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    for system in &objects.systems {
        let directory = directory_of(system.document.file);
        for (index, data) in market_data(&system.resource, directory).iter().enumerate() {
            let field = match data.symbol {
                None => "spec.venue.paper.data.file.path".to_owned(),
                Some(_) => format!("spec.venue.paper.data.files[{index}].path"),
            };
            let Err(error) = open_regular(&data.path) else { continue };
            let remedy = if data.path.is_dir() {
                "name a file in it"
            } else {
                "write the path relative to this manifest's directory"
            };
            let message = format!("cannot be read: {}: {error}", data.path.display());
            let fault = system.document.fault(FaultCode::NotFound, &field, message, remedy.into());
            faults.push(fault);
        }
    }
}
