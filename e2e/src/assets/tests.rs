use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn program(folder: &Path, name: &str, says: &str) {
    script(folder, name, &format!("echo '{says}'"));
}

fn script(folder: &Path, name: &str, lines: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn programs_that_are_given_come_first_whatever_their_version() {
    let (given, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    program(given.path(), "etcd", "etcd Version: 3.5.0");
    let assets = Assets::new(Some(given.path().into()), cache.path().into());
    assert_eq!(assets.path(Tool::Etcd).unwrap(), given.path().join("etcd"));
}

#[test]
fn a_cached_program_of_another_version_is_not_current() {
    let folder = tempfile::tempdir().unwrap();
    program(folder.path(), "etcd", "etcd Version: 3.6.14");
    program(folder.path(), "kwok", "kwok version v0.7.0 go1.24 (linux/amd64)");
    assert!(is_current(&folder.path().join("etcd"), Tool::Etcd).unwrap());
    assert!(!is_current(&folder.path().join("kwok"), Tool::Kwok).unwrap());
    assert!(!is_current(&folder.path().join("helm"), Tool::Helm).unwrap());
}

#[test]
fn a_cached_program_is_asked_for_its_version_once() {
    let cache = tempfile::tempdir().unwrap();
    let assets = Assets::new(None, cache.path().into());
    let (folder, asked) = (assets.folder(), cache.path().join("asked"));
    fs::create_dir_all(&folder).unwrap();
    let lines = format!("echo asked >>'{}'\necho 'etcd Version: 3.6.14'", asked.display());
    script(&folder, "etcd", &lines);
    for assets in [&assets, &assets.clone()] {
        assert_eq!(assets.path(Tool::Etcd).unwrap(), folder.join("etcd"));
    }
    assert_eq!(fs::read_to_string(asked).unwrap().lines().count(), 1);
}

#[test]
fn go_is_compared_by_number() {
    for said in ["go1.26", "go1.26.8", "go1.100rc1", "go2.0", "devel go1.27-abc"] {
        assert!(build::is_new_enough(said), "{said}");
    }
    for said in ["go1.9.4", "go1.25.9", "", "gccgo"] {
        assert!(!build::is_new_enough(said), "{said}");
    }
}
