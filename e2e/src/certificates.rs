//! An own authority for each control plane: server, administrators, and the key of service accounts.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use crate::error::Error;

/// The authority's certificate.
pub const AUTHORITY: &str = "ca.crt";
/// The API server's certificate and key.
pub const SERVER: Pair = Pair { certificate: "server.crt", key: "server.key" };
/// A member of `system:masters`.
pub const ADMINISTRATOR: Pair = Pair { certificate: "admin.crt", key: "admin.key" };
/// The controller manager's identity.
pub const CONTROLLER_MANAGER: Pair =
    Pair { certificate: "controllers.crt", key: "controllers.key" };
/// The scheduler's identity.
pub const SCHEDULER: Pair = Pair { certificate: "scheduler.crt", key: "scheduler.key" };
/// The identity under which nodes and pods are played.
pub const NODES: Pair = Pair { certificate: "nodes.crt", key: "nodes.key" };
/// Signs the tokens of service accounts.
pub const TOKENS_KEY: &str = "tokens.key";
/// Verifies them.
pub const TOKENS_PUBLIC_KEY: &str = "tokens.pub";

/// The file names of a certificate and its key.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The certificate's file.
    pub certificate: &'static str,
    /// The key's file.
    pub key: &'static str,
}

/// Writes everything that a control plane on loopback needs to `folder`.
///
/// # Errors
/// When a certificate cannot be made or written.
pub fn write(folder: &Path) -> Result<(), Error> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Error::file("cannot write", path))
    };
    let mut authority = named("sapphire-e2e", None)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    write(AUTHORITY, authority.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(authority, key);
    let issue = |pair: Pair, mut params: CertificateParams, usage| -> Result<(), Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        write(pair.certificate, params.signed_by(&key, &issuer)?.pem())?;
        write(pair.key, key.serialize_pem())
    };

    let mut server = CertificateParams::new(
        ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned),
    )?;
    server.distinguished_name = name("kube-apiserver", None);
    issue(SERVER, server, ExtendedKeyUsagePurpose::ServerAuth)?;
    for (pair, user, group) in [
        (ADMINISTRATOR, "test", Some("system:masters")),
        (CONTROLLER_MANAGER, "system:kube-controller-manager", None),
        (SCHEDULER, "system:kube-scheduler", None),
        (NODES, "nodes", Some("system:masters")),
    ] {
        issue(pair, named(user, group)?, ExtendedKeyUsagePurpose::ClientAuth)?;
    }
    let tokens = KeyPair::generate()?;
    write(TOKENS_PUBLIC_KEY, tokens.public_key_pem())?;
    write(TOKENS_KEY, tokens.serialize_pem())
}

fn named(user: &str, group: Option<&str>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = name(user, group);
    Ok(params)
}

fn name(user: &str, group: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, user);
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name
}
