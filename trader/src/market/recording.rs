//! A recording of one symbol, decoded once and then read by any number of runs.

use std::path::Path;

use sapphire_engine::instrument::{Instrument, Symbol};
use sapphire_engine::journal::Hash;
use sapphire_engine::market::Bar;
use sapphire_engine::time::Span;
use sha2::{Digest, Sha256};

use super::columns::VolumeUnit;
use super::error::{DataError, Problem};
use super::quality::Quality;
use super::source::Source;
use super::stream::StreamTape;
use super::{bars, stream};

/// How to read a file: what the file itself does not say.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Whose data they are; tick and lot decide the integers.
    pub instrument: &'a Instrument,
    /// Length of a bar; above zero. A stream has none.
    pub bar_interval: Span,
    /// What a plain `volume` column counts.
    pub volume_unit: VolumeUnit,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tape {
    /// Closed bars, oldest first.
    Bars { interval: Span, bars: Vec<Bar> },
    /// A raw stream.
    Stream(StreamTape),
}

/// A recording of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    symbol: Symbol,
    sha256: Hash,
    quality: Quality,
    pub(super) tape: Tape,
}

impl Recording {
    /// Reads bars (CSV) or a raw stream (JSON lines), gzip or plain: the content tells which.
    ///
    /// # Errors
    /// [`DataError`], with file and line, for everything that cannot be traded on.
    pub fn read(path: &Path, reading: &Reading<'_>) -> Result<Self, DataError> {
        let refuse = |problem| DataError::new(path, None, problem);
        let located = |(line, problem)| DataError::new(path, line, problem);
        let mut source = Source::open(path).map_err(refuse)?;
        let (tape, mut quality) = if source.is_stream().map_err(refuse)? {
            let (tape, quality) = stream::read(&mut source, reading.instrument).map_err(located)?;
            (Tape::Stream(tape), quality)
        } else {
            let interval = reading.bar_interval;
            let read = bars::read(&mut source, reading.instrument, interval, reading.volume_unit);
            let (bars, quality) = read.map_err(located)?;
            (Tape::Bars { interval, bars }, quality)
        };
        if !source.is_compressed() && path.extension().is_some_and(|name| name == "gz") {
            quality.notes.push("the name ends in .gz, but the content is plain text".into());
        }
        let sha256 = source.finish().map_err(refuse)?;
        Ok(Self { symbol: reading.instrument.symbol, sha256, quality, tape })
    }

    /// A recording of bars that are in memory: in time order, valid, and at least an interval
    /// apart. Its hash is that of the values.
    ///
    /// # Errors
    /// [`Problem`] for bars that [`Recording::read`] would refuse.
    pub fn of_bars(symbol: Symbol, interval: Span, bars: Vec<Bar>) -> Result<Self, Problem> {
        let quality = bars::check(&bars, interval)?;
        let mut digest = Sha256::new();
        for bar in &bars {
            let taker_buy = bar.taker_buy_volume.map_or(-1, |volume| volume.0);
            let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.0);
            digest.update(bar.open_time.0.to_le_bytes());
            prices.iter().for_each(|price| digest.update(price.to_le_bytes()));
            digest.update(bar.volume.0.to_le_bytes());
            digest.update(taker_buy.to_le_bytes());
        }
        let sha256 = Hash(digest.finalize().into());
        Ok(Self { symbol, sha256, quality, tape: Tape::Bars { interval, bars } })
    }

    /// Whose it is.
    #[must_use]
    pub const fn symbol(&self) -> Symbol {
        self.symbol
    }

    /// SHA-256 of the file's raw bytes.
    #[must_use]
    pub const fn sha256(&self) -> Hash {
        self.sha256
    }

    /// What is odd about it.
    #[must_use]
    pub const fn quality(&self) -> &Quality {
        &self.quality
    }

    /// Its bars, oldest first; `None` of a stream.
    #[must_use]
    pub fn bars(&self) -> Option<&[Bar]> {
        match &self.tape {
            Tape::Bars { bars, .. } => Some(bars),
            Tape::Stream(_) => None,
        }
    }
}
