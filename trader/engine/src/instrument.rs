//! Instruments fix the tick and the lot; prices and quantities are whole numbers of these, so a
//! price off the tick or a fraction of a lot cannot be represented.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::{Amount, Ratio, SCALE};

/// Longest symbol, in bytes.
pub const SYMBOL_MAX: usize = 23;

/// The venue's name of an instrument, held inline so that records and reports copy it freely.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    len: u8,
    bytes: [u8; SYMBOL_MAX],
}

/// Why a text is no symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no symbol: use 1 to 23 of A-Z, a-z, 0-9, `-`, `_`, `.`, `/`, such as BTCUSDT")]
pub struct SymbolError(pub String);

impl Symbol {
    /// Checks and copies a name.
    ///
    /// # Errors
    /// [`SymbolError`] when empty, over [`SYMBOL_MAX`] bytes, or of other characters.
    pub fn new(name: &str) -> Result<Self, SymbolError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
        if name.is_empty() || name.len() > SYMBOL_MAX || !name.bytes().all(legal) {
            return Err(SymbolError(name.to_owned()));
        }
        let mut bytes = [0; SYMBOL_MAX];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        #[allow(clippy::cast_possible_truncation)] // at most SYMBOL_MAX
        Ok(Self { len: name.len() as u8, bytes })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

/// The place of an instrument in its desk's list; dense, from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SymbolId(pub u16);

impl SymbolId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A price as a whole number of the instrument's ticks. Zero and below are never prices.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct PriceTicks(pub i64);

/// A quantity as a whole number of the instrument's lots; signed where it is a position
/// (long is positive).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct QtyLots(pub i64);

impl QtyLots {
    /// None.
    pub const ZERO: Self = Self(0);

    /// The magnitude.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// -1, 0 or 1.
    #[must_use]
    pub const fn signum(self) -> i64 {
        self.0.signum()
    }
}

impl Add for QtyLots {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for QtyLots {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for QtyLots {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}
impl AddAssign for QtyLots {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}
impl SubAssign for QtyLots {
    fn sub_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_sub(other.0);
    }
}

/// What the venue says of an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instrument {
    /// The venue's name.
    pub symbol: Symbol,
    /// Price step, in 1e-8 quote.
    pub tick: i64,
    /// Quantity step, in 1e-8 base.
    pub lot: i64,
    /// Smallest order, in lots; at least 1.
    pub min_quantity: QtyLots,
    /// Largest order, in lots.
    pub max_quantity: QtyLots,
    /// Smallest value of an order.
    pub min_notional: Amount,
    /// Fee rate of a fill that rested.
    pub maker_fee: Ratio,
    /// Fee rate of a fill that took.
    pub taker_fee: Ratio,
    /// Margin to open, as a share of notional; 1 / the venue's highest leverage.
    pub initial_margin: Ratio,
    /// Margin to keep, as a share of notional.
    pub maintenance_margin: Ratio,
    /// Fee rate of a liquidation.
    pub liquidation_fee: Ratio,
}

/// Why an instrument cannot be traded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// Tick or lot not above zero.
    #[error("{0}: tick size and lot size must be above zero")]
    NoStep(Symbol),
    /// One tick of one lot is not a whole number of 1e-8 quote.
    #[error(
        "{0}: tick size times lot size must be a multiple of 0.00000001: money would not be exact"
    )]
    InexactTickValue(Symbol),
    /// A minimum above the maximum, or below one lot.
    #[error("{0}: quantities must satisfy 1 lot <= minimum <= maximum")]
    Quantities(Symbol),
}

impl Instrument {
    /// Checks what all arithmetic rests on.
    ///
    /// # Errors
    /// See [`InstrumentError`].
    pub fn validate(&self) -> Result<(), InstrumentError> {
        if self.tick <= 0 || self.lot <= 0 {
            return Err(InstrumentError::NoStep(self.symbol));
        }
        let product = i128::from(self.tick) * i128::from(self.lot);
        if product % i128::from(SCALE) != 0 {
            return Err(InstrumentError::InexactTickValue(self.symbol));
        }
        if self.min_quantity.0 < 1 || self.max_quantity < self.min_quantity {
            return Err(InstrumentError::Quantities(self.symbol));
        }
        Ok(())
    }

    /// The value of one tick of one lot.
    #[must_use]
    pub const fn tick_value(&self) -> Amount {
        Amount(self.tick as i128 * self.lot as i128 / SCALE as i128)
    }

    /// `price × quantity`; signed as the quantity is.
    #[must_use]
    pub const fn notional(&self, price: PriceTicks, quantity: QtyLots) -> Amount {
        Amount((price.0 as i128 * quantity.0 as i128).saturating_mul(self.tick_value().0))
    }

    /// The nearest tick to a price in 1e-8 quote (half away from zero for prices, which are
    /// positive), and whether it was off the tick: outside data are rounded so, and counted.
    #[must_use]
    pub fn nearest_tick(&self, price_e8: i128) -> (PriceTicks, bool) {
        let tick = i128::from(self.tick);
        let ticks = price_e8.saturating_add(tick / 2).div_euclid(tick);
        let off_tick = price_e8.rem_euclid(tick) != 0;
        (PriceTicks(i64::try_from(ticks).unwrap_or(i64::MAX)), off_tick)
    }

    /// A quantity in 1e-8 base as whole lots, rounded down.
    #[must_use]
    pub fn lots_floor(&self, quantity_e8: i128) -> QtyLots {
        QtyLots(i64::try_from(quantity_e8.div_euclid(i128::from(self.lot))).unwrap_or(i64::MAX))
    }

    /// The most whole lots worth at most `notional` at `price`.
    #[must_use]
    pub fn lots_worth(&self, notional: Amount, price: PriceTicks) -> QtyLots {
        let one_lot = self.notional(price, QtyLots(1)).0;
        if one_lot <= 0 || notional.0 <= 0 {
            return QtyLots::ZERO;
        }
        QtyLots(i64::try_from(notional.0 / one_lot).unwrap_or(i64::MAX))
    }

    /// A price for people: in quote units.
    #[must_use]
    pub const fn price(&self, ticks: PriceTicks) -> Amount {
        Amount(ticks.0 as i128 * self.tick as i128)
    }

    /// A quantity for people: in base units.
    #[must_use]
    pub const fn quantity(&self, lots: QtyLots) -> Amount {
        Amount(lots.0 as i128 * self.lot as i128)
    }

    /// A price as a float in quote units, for indicators.
    #[must_use]
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
    pub fn price_f64(&self, ticks: PriceTicks) -> f64 {
        // One rounding, in the division: the numerator is exact below 2^53.
        (ticks.0 as f64 * self.tick as f64) / SCALE as f64
    }

    /// A quantity as a float in base units, for indicators.
    #[must_use]
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
    pub fn quantity_f64(&self, lots: QtyLots) -> f64 {
        (lots.0 as f64 * self.lot as f64) / SCALE as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn btc() -> Instrument {
        Instrument {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            tick: 10_000_000,
            lot: 100_000,
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

    #[test]
    fn notional_is_exact() {
        // 61800.1 × 0.006 = 370.8006
        let notional = btc().notional(PriceTicks(618_001), QtyLots(6));
        assert_eq!(notional.to_string(), "370.8006");
    }

    #[rstest]
    #[case("61800.10", 618_001, false)]
    #[case("61800.14", 618_001, true)]
    #[case("61800.15", 618_002, true)]
    fn off_tick_prices_round_to_the_nearest_and_say_so(
        #[case] text: &str,
        #[case] ticks: i64,
        #[case] off: bool,
    ) {
        let price = crate::money::parse_e8(text).unwrap();
        assert_eq!(btc().nearest_tick(price), (PriceTicks(ticks), off));
    }

    #[test]
    fn a_tick_value_below_the_unit_of_money_is_refused() {
        let coarse = Instrument { tick: 1, lot: 1, ..btc() };
        assert!(matches!(coarse.validate(), Err(InstrumentError::InexactTickValue(_))));
    }

    #[rstest]
    #[case("")]
    #[case("BTC USDT")]
    #[case("ABCDEFGHIJKLMNOPQRSTUVWX")]
    fn what_is_no_symbol_is_refused(#[case] name: &str) {
        assert!(Symbol::new(name).is_err());
    }
}
