//! The volume of an embedded desk's journal.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::StorageVolume;

use crate::labels;
use crate::system::validate::Valid;

/// A journal grows by about a kilobyte a decision: years of them.
const SIZE: &str = "1Gi";

/// The claim's name.
pub(super) fn name(system: &str) -> String {
    format!("{system}-data")
}

/// The claim.
pub(super) fn claim(desk: &Valid, volume: &StorageVolume) -> PersistentVolumeClaim {
    let size = volume.size.as_ref().map_or(SIZE, |size| size.as_str());
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(name(&desk.key.name)),
            labels: Some(labels::of_component(&desk.key.name, Component::Trader)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: volume.storage_class_name.as_ref().map(ToString::to_string),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size.to_owned()))])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
