//! No process and no folder is left, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sapphire_e2e::supervisor::{Program, Supervisor};
use sapphire_e2e::{ControlPlane, Parts, executables};

/// Processes whose command line names the folder. (Linux only, as the machines are that test.)
fn processes_of(folder: &Path) -> Vec<(i32, String)> {
    let folder = folder.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(folder).then_some((pid, line))
        })
        .collect()
}

fn within(seconds: u64, what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !happened() {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn sleeper(name: &str) -> Program {
    Program::new(name, "/bin/sleep").arguments(["1000"])
}

#[tokio::test]
async fn a_plane_that_is_dropped_leaves_nothing() {
    let plane = ControlPlane::start(Parts::Api).await.unwrap();
    let folder = plane.cluster().folder().to_owned();
    assert!(processes_of(&folder).len() >= 3, "{:?}", processes_of(&folder));
    drop(plane);
    assert_eq!(processes_of(&folder), []);
    assert!(!folder.exists());
}

#[test]
fn programs_die_with_a_supervisor_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let supervisor = Supervisor::start(folder.path()).unwrap();
    let pid = supervisor.run(&sleeper("one")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = stat.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    kill(parent.trim().parse().unwrap(), Signal::KILL);
    within(5, "the program's end", || !Path::new(&format!("/proc/{pid}")).exists());
    assert!(supervisor.run(&sleeper("two")).is_err());
}

#[test]
fn the_next_plane_removes_the_folder_of_a_supervisor_that_was_killed() {
    let above = tempfile::tempdir().unwrap();
    let folders = ["sapphire-e2e-left", "sapphire-e2e-alive"].map(|name| above.path().join(name));
    let [left, alive] = &folders;
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
    }
    let gone = Supervisor::start(left).unwrap();
    let living = Supervisor::start(alive).unwrap();
    gone.run(&sleeper("one")).unwrap();
    living.run(&sleeper("one")).unwrap();
    let (supervisor, _) = processes_of(left).into_iter().next().unwrap();
    kill(u32::try_from(supervisor).unwrap(), Signal::KILL);
    within(5, "the supervisor's end", || processes_of(left).is_empty());
    drop(gone);
    assert!(left.exists());

    sapphire_e2e::supervisor::remove_leftovers(above.path(), "sapphire-e2e-");
    assert!(!left.exists());
    assert!(alive.exists());
}

/// `make cluster-api`, in a build folder of its own.
fn cluster_api(target: &Path) -> Child {
    std::fs::create_dir_all(target.join("debug")).unwrap();
    let operator = executables::find("sapphire-operator", "scripts/operator-builds.sh").unwrap();
    for (name, path) in [
        ("cluster-api", Path::new(env!("CARGO_BIN_EXE_cluster-api"))),
        ("cluster-supervisor", Path::new(env!("CARGO_BIN_EXE_cluster-supervisor"))),
        ("sapphire-operator", &operator),
    ] {
        let copy = target.join("debug").join(name);
        if !copy.exists() {
            std::fs::copy(path, copy).unwrap();
        }
    }
    let mut command = Command::new(target.join("debug/cluster-api"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn folder_of(target: &Path) -> PathBuf {
    let link = target.join("cluster-api/kubeconfig");
    within(120, "a cluster", || link.exists());
    std::fs::read_link(link).unwrap().parent().unwrap().to_owned()
}

#[test]
fn a_cluster_to_play_with_leaves_nothing_when_it_is_killed_or_taken_down() {
    let target = tempfile::tempdir().unwrap();
    let target = target.path();
    let mut killed = cluster_api(target);
    let folder = folder_of(target);
    assert!(processes_of(&folder).len() >= 6, "{:?}", processes_of(&folder));
    killed.kill().unwrap();
    killed.wait().unwrap();
    within(10, "no process", || processes_of(&folder).is_empty());
    within(5, "no folder", || !folder.exists());

    std::fs::remove_file(target.join("cluster-api/kubeconfig")).unwrap();
    let mut stopped = cluster_api(target);
    let folder = folder_of(target);
    let down = Command::new(target.join("debug/cluster-api")).arg("--down").output().unwrap();
    assert!(down.status.success(), "{down:?}");
    assert!(stopped.wait().unwrap().success());
    assert_eq!(processes_of(&folder), []);
    assert!(!folder.exists());
}
