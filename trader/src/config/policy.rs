//! RiskPolicy → the engine's policy.

use sapphire_crds::RiskPolicySpec;
use sapphire_crds::canonical::canonical_hash;
use sapphire_crds::risk_policy::{self as crds, StopChoice};
use sapphire_engine::event::PolicyChange;
use sapphire_engine::policy::{Exits, Limits, OnHalt, Policy, StopRule, TradingState};

use super::{ConfigError, decimal, span};

/// A policy as the engine takes it, with its number and the hash of what was understood.
///
/// # Errors
/// A [`ConfigError`] for a number beyond our integers.
pub fn policy_change(spec: &RiskPolicySpec, generation: u64) -> Result<PolicyChange, ConfigError> {
    Ok(PolicyChange { generation, hash: canonical_hash(spec)?, policy: policy(spec)? })
}

fn policy(spec: &RiskPolicySpec) -> Result<Policy, ConfigError> {
    Ok(Policy {
        limits: limits(&spec.limits)?,
        exits: exits(&spec.exits)?,
        trading_state: match spec.trading_state {
            crds::TradingState::Active => TradingState::Active,
            crds::TradingState::Reducing => TradingState::Reducing,
            crds::TradingState::Halted => TradingState::Halted,
        },
        on_halt: match spec.on_halt {
            crds::OnHalt::CancelOnly => OnHalt::CancelOnly,
            crds::OnHalt::Flatten => OnHalt::Flatten,
        },
        stale_after: span(spec.stale_after.as_std()),
    })
}

fn limits(limits: &crds::Limits) -> Result<Limits, ConfigError> {
    Ok(Limits {
        max_drawdown: decimal(limits.max_drawdown)?,
        max_daily_loss: decimal(limits.max_daily_loss)?,
        max_leverage: decimal(limits.max_leverage)?,
        risk_per_trade: decimal(limits.risk_per_trade)?,
        risk_multiplier: decimal(limits.risk_multiplier)?,
        kelly_fraction: decimal(limits.kelly_fraction)?,
        max_order_notional: limits.max_order_notional.map(decimal).transpose()?,
        max_gross_exposure: decimal(limits.max_gross_exposure)?,
        max_net_exposure: decimal(limits.max_net_exposure)?,
        max_open_positions: limits.max_open_positions,
        orders_per_second: limits.order_rate.per_second,
        order_burst: limits.order_rate.burst,
        price_collar: decimal(limits.price_collar)?,
        max_data_age: span(limits.max_data_age.as_std()),
        max_clock_uncertainty: span(limits.max_clock_uncertainty.as_std()),
        liquidation_buffer_atr: decimal(limits.liquidation_buffer_atr)?,
        book_share: decimal(limits.book_share)?,
    })
}

fn exits(exits: &crds::Exits) -> Result<Exits, ConfigError> {
    let multiple =
        |exit: &Option<crds::AtrExit>| exit.as_ref().map(|exit| decimal(exit.multiple)).transpose();
    Ok(Exits {
        stop: match exits.stop.choice()? {
            StopChoice::Atr(stop) => Some(StopRule {
                atr_periods: stop.periods,
                atr_multiple: decimal(stop.multiple)?,
                deadline: span(stop.deadline.as_std()),
            }),
            StopChoice::Disabled(_) => None,
        },
        take_profit_atr: multiple(&exits.take_profit)?,
        trailing_atr: multiple(&exits.trailing)?,
        time_stop_bars: exits.time_stop.as_ref().map(|stop| stop.bars),
    })
}
