//! Instruments of the paper venue → the engine's.

use sapphire_crds::trading_system as crds;
use sapphire_engine::instrument::{Instrument, QtyLots, Symbol};
use sapphire_engine::money::{Amount, DecimalError, parse_e8};

use super::{ConfigError, decimal};

/// The largest order where the manifest names none: far beyond any market, and far from the end of
/// the integers.
const MOST_LOTS: QtyLots = QtyLots(1_000_000_000_000);

/// Converts an instrument.
pub(super) fn instrument(from: &crds::Instrument) -> Result<Instrument, ConfigError> {
    let lot = units(from.lot_size)?;
    let min_quantity = match from.min_quantity {
        // Up to whole lots: an order below the minimum would be refused.
        Some(quantity) => QtyLots((units(quantity)? + lot - 1) / lot.max(1)),
        None => QtyLots(1),
    };
    let instrument = Instrument {
        symbol: Symbol::new(from.symbol.as_str())?,
        tick: units(from.tick_size)?,
        lot,
        min_quantity,
        max_quantity: MOST_LOTS.max(min_quantity),
        min_notional: from.min_notional.map_or(Ok(Amount::ZERO), decimal)?,
        maker_fee: decimal(from.maker_fee)?,
        taker_fee: decimal(from.taker_fee)?,
        initial_margin: decimal(from.initial_margin)?,
        maintenance_margin: decimal(from.maintenance_margin)?,
        liquidation_fee: decimal(from.liquidation_fee)?,
    };
    instrument.validate()?;
    Ok(instrument)
}

/// In units of 1e-8.
fn units(value: impl std::fmt::Display) -> Result<i64, ConfigError> {
    let text = value.to_string();
    let units = parse_e8(&text).map_err(ConfigError::Decimal)?;
    i64::try_from(units).map_err(|_| ConfigError::Decimal(DecimalError::TooLarge(text)))
}
