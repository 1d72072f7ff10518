use std::io::Write;
use std::path::Path;

use sapphire_engine::instrument::{Instrument, QtyLots, Symbol};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::time::Span;

use super::{Reading, Recording, VolumeUnit};

/// BTCUSDT as the futures exchange trades it: tick 0.1, lot 0.001.
pub(super) fn btc() -> Instrument {
    instrument("BTCUSDT", 10_000_000, 100_000)
}

pub(crate) fn instrument(symbol: &str, tick: i64, lot: i64) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol).unwrap(),
        tick,
        lot,
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(1),
        maintenance_margin: Ratio(500_000),
        liquidation_fee: Ratio(500_000),
    }
}

/// A file in a folder of its own, both gone with it.
pub(super) struct File {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl File {
    pub(super) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(self.name)
    }
}

pub(super) fn file(content: &[u8], name: &'static str) -> File {
    let file = File { folder: tempfile::tempdir().unwrap(), name };
    std::fs::write(file.path(), content).unwrap();
    file
}

/// Reads a file `data.csv` of this content; an error as its text, without the folder.
pub(super) fn read_text(
    content: &[u8],
    instrument: &Instrument,
    bar_interval: Span,
) -> Result<Recording, String> {
    let file = file(content, "data.csv");
    read_file(&file.path(), instrument, bar_interval)
}

pub(super) fn read_file(
    path: &Path,
    instrument: &Instrument,
    bar_interval: Span,
) -> Result<Recording, String> {
    let reading = Reading { instrument, bar_interval, volume_unit: VolumeUnit::Base };
    Recording::read(path, &reading).map_err(|error| {
        let folder = path.parent().unwrap().display().to_string();
        error.to_string().replace(&format!("{folder}/"), "")
    })
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_named_gz_and_is_plain_text_is_read_and_noted() {
    let file = file(b"date,open,high,low,close,volume\n2021-01-01,1,1,1,1,1\n", "bars.csv.gz");
    let recording = read_file(&file.path(), &btc(), Span::hours(24)).unwrap();
    assert_eq!(recording.quality().notes, ["the name ends in .gz, but the content is plain text"]);
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_file(&folder.path().join("none.csv"), &btc(), Span::hours(1)).unwrap_err();
    assert!(error.contains("none.csv: cannot be opened: No such file"), "{error}");
    let error = read_file(folder.path(), &btc(), Span::hours(1)).unwrap_err();
    assert!(error.contains("cannot be opened: it is a directory"), "{error}");
}

#[test]
fn what_is_neither_gzip_nor_text_is_refused() {
    let error = read_text(b"PK\x03\x04\x00\x00", &btc(), Span::hours(1)).unwrap_err();
    assert!(error.contains("data.csv: is neither gzip nor text"), "{error}");
    let error = read_text(&gzip(b"\x7fELF\x00\x00"), &btc(), Span::hours(1)).unwrap_err();
    assert!(error.contains("data.csv: is neither gzip nor text"), "{error}");
}
