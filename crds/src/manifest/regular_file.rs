//! Opening files of which only their content is wanted.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file to read, through links. Whatever else a path may stand for is refused: a pipe makes
/// its reader wait for as long as nobody writes, and a device may never end.
///
/// # Errors
/// The system's, or one of [`io::ErrorKind::InvalidInput`] that says what the path is instead.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at first, since merely to open a device can have effects; and again once it is open,
    // because a path can change its meaning in between.
    refuse_others(&path.metadata()?)?;
    // Without this flag, the opening itself waits for a pipe's writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    refuse_others(&file.metadata()?)?;
    Ok(file)
}

fn refuse_others(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let what = name(found.file_type());
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

fn name(found: FileType) -> &'static str {
    match found {
        found if found.is_dir() => "a directory",
        found if found.is_fifo() => "a pipe",
        found if found.is_socket() => "a socket",
        found if found.is_char_device() || found.is_block_device() => "a device",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = folder.path().join("link");
        symlink(&pipe, &link).unwrap();
        for path in [pipe, link] {
            assert!(open_regular(&path).unwrap_err().to_string().contains("a pipe"));
        }
    }

    #[test]
    fn a_device_and_a_directory_are_refused() {
        let refused = |path: &str| open_regular(Path::new(path)).unwrap_err().to_string();
        assert!(refused("/dev/zero").contains("a device"));
        assert!(refused("/").contains("a directory"));
    }

    #[test]
    fn a_file_is_read_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "content").unwrap();
        symlink("file", &link).unwrap();
        let mut text = String::new();
        open_regular(&link).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "content");
    }
}
