//! A file as lines of text, whether it is compressed or not, and the hash of its raw bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sapphire_crds::manifest::open_regular;
use sapphire_engine::journal::Hash;
use sha2::{Digest, Sha256};

use super::error::Problem;

/// The longest line that is read: a snapshot of 1,000 levels a side has 60 KB.
pub(super) const LONGEST_LINE: usize = 16 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 1 << 16;

/// Passes bytes on and hashes them.
struct Hashing<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.digest.update(&into[..count]);
        Ok(count)
    }
}

type Raw = BufReader<Hashing<File>>;

enum Text {
    Plain(Raw),
    Gzip(Box<BufReader<MultiGzDecoder<Raw>>>),
}

/// One line, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// Its bytes.
    pub text: &'a [u8],
    /// Whether a line end followed.
    pub ended: bool,
}

/// A file that is being read.
pub(super) struct Source {
    text: Text,
    line: Vec<u8>,
    number: u64,
    compressed: bool,
}

impl Source {
    /// Opens a file; its first bytes decide whether it is compressed, not its name.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let file = open_regular(path).map_err(Problem::Open)?;
        let mut raw =
            BufReader::with_capacity(BUFFER, Hashing { inner: file, digest: Sha256::new() });
        let compressed = raw.fill_buf().map_err(Problem::Read)?.starts_with(&GZIP_MAGIC);
        let text = if compressed {
            Text::Gzip(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw))))
        } else {
            Text::Plain(raw)
        };
        Ok(Self { text, line: Vec::new(), number: 0, compressed })
    }

    /// Whether it is a raw stream: its first line is a time and a JSON object. Anything else may be
    /// bars.
    pub(super) fn is_stream(&mut self) -> Result<bool, Problem> {
        let start = match &mut self.text {
            Text::Plain(reader) => reader.fill_buf().map(<[u8]>::to_vec),
            Text::Gzip(reader) => reader.fill_buf().map(<[u8]>::to_vec),
        };
        let start = start.map_err(|error| self.explain(error))?;
        if start.iter().take(1024).any(|&byte| byte < b'\t') {
            return Err(Problem::NotText);
        }
        let first = start.trim_ascii_start();
        let after_digits = first.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(0);
        Ok(first[after_digits..].trim_ascii_start().starts_with(b"{"))
    }

    /// Whether the content is gzip.
    pub(super) const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The number of the line that was read last, or is being read.
    pub(super) const fn line_number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank; `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<Line<'_>>, Problem> {
        loop {
            self.line.clear();
            self.number += 1;
            let limit = LONGEST_LINE as u64 + 1;
            let read = match &mut self.text {
                Text::Plain(reader) => reader.take(limit).read_until(b'\n', &mut self.line),
                Text::Gzip(reader) => reader.take(limit).read_until(b'\n', &mut self.line),
            };
            let count = read.map_err(|error| self.explain(error))?;
            if count == 0 {
                return Ok(None);
            }
            if count > LONGEST_LINE {
                return Err(Problem::LongLine);
            }
            let ended = self.line.last() == Some(&b'\n');
            let byte_order_mark: &[u8] = if self.number == 1 { b"\xef\xbb\xbf" } else { b"" };
            let skip =
                if self.line.starts_with(byte_order_mark) { byte_order_mark.len() } else { 0 };
            if self.line[skip..].iter().any(|byte| !byte.is_ascii_whitespace()) {
                let text = self.line[skip..].trim_ascii_end();
                return Ok(Some(Line { number: self.number, text, ended }));
            }
        }
    }

    fn explain(&self, error: io::Error) -> Problem {
        match error.kind() {
            _ if !self.compressed => Problem::Read(error),
            io::ErrorKind::UnexpectedEof => Problem::GzipTruncated,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Problem::GzipDamaged(error.to_string())
            }
            _ => Problem::Read(error),
        }
    }

    /// SHA-256 of the file's raw bytes, all of them.
    pub(super) fn finish(self) -> Result<Hash, Problem> {
        let mut raw = match self.text {
            Text::Plain(raw) => raw,
            Text::Gzip(reader) => reader.into_inner().into_inner(),
        };
        io::copy(&mut raw, &mut io::sink()).map_err(Problem::Read)?;
        Ok(Hash(raw.into_inner().digest.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::tests::gzip;
    use std::io::Write;

    fn lines(bytes: &[u8]) -> Result<Vec<(u64, String, bool)>, Problem> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut source = Source::open(file.path())?;
        let mut all = Vec::new();
        while let Some(line) = source.next_line()? {
            all.push((line.number, String::from_utf8(line.text.to_vec()).unwrap(), line.ended));
        }
        assert_eq!(source.finish().unwrap(), Hash(Sha256::digest(bytes).into()));
        Ok(all)
    }

    #[test]
    fn gzip_and_plain_text_read_alike() {
        let text = b"\xef\xbb\xbfone\r\n\n  \ntwo\nthree";
        let expected =
            vec![(1, "one".into(), true), (4, "two".into(), true), (5, "three".into(), false)];
        assert_eq!(lines(text).unwrap(), expected);
        assert_eq!(lines(&gzip(text)).unwrap(), expected);
    }

    #[test]
    fn joined_gzip_members_read_as_one_file() {
        let joined = [gzip(b"one\ntw"), gzip(b"o\n")].concat();
        assert_eq!(lines(&joined).unwrap(), [(1, "one".into(), true), (2, "two".into(), true)]);
    }

    #[test]
    fn a_cut_gzip_is_refused_wherever_it_is_cut() {
        let text: String = (0..5000).map(|n| format!("{}\n", n * n)).collect();
        let whole = gzip(text.as_bytes());
        for cut in [3, 12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            assert!(matches!(lines(&whole[..cut]), Err(Problem::GzipTruncated)), "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_in_a_gzip_is_refused() {
        let mut damaged = gzip(b"1,2,3\n4,5,6\n");
        let last = damaged.len() - 6; // in the checksum
        damaged[last] ^= 1;
        assert!(matches!(lines(&damaged), Err(Problem::GzipDamaged(_))));
    }

    #[test]
    fn a_stream_is_told_from_bars_by_its_first_line() {
        let is_stream = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            Source::open(file.path()).and_then(|mut source| source.is_stream())
        };
        assert!(is_stream(b"1723161255030314667 {\"stream\":").unwrap());
        assert!(!is_stream(b"1723161255030,61800.1,").unwrap());
        assert!(!is_stream(b"").unwrap());
        assert!(matches!(is_stream(b"PK\x03\x04\0\0"), Err(Problem::NotText)));
    }
}
