//! The account's series.

use prometheus::{Gauge, IntGauge};
use sapphire_engine::money::{Amount, Ratio, SCALE};

use super::Registrar;

/// What the account amounts to, in quote currency and shares of equity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    /// Marked equity.
    pub equity: Amount,
    /// Whether the venue has confirmed every position.
    pub verified: bool,
    /// Highest equity so far.
    pub high_water_mark: Amount,
    /// Profit and loss of what was closed.
    pub realized_pnl: Amount,
    /// Profit and loss of what is open.
    pub unrealized_pnl: Amount,
    /// Fees paid, less rebates.
    pub fees: Amount,
    /// Funding received, less funding paid.
    pub funding: Amount,
    /// Worst-case sum of positions' magnitudes.
    pub gross_exposure: Amount,
    /// Worst-case magnitude of the sum of positions.
    pub net_exposure: Amount,
    /// Gross exposure over equity.
    pub leverage: Ratio,
    /// Fall from the high-water mark.
    pub drawdown: Ratio,
    /// Loss since 00:00 UTC.
    pub daily_loss: Ratio,
    /// Symbols with a position.
    pub open_positions: u32,
    /// Share of closed trades that gained; none before the first.
    pub win_rate: Option<f64>,
    /// Sharpe ratio of the days; none before there are two.
    pub sharpe: Option<f64>,
}

#[derive(Debug)]
pub(super) struct AccountGauges {
    portfolio_value: Gauge,
    equity: Gauge,
    high_water_mark: Gauge,
    realized_pnl: Gauge,
    unrealized_pnl: Gauge,
    fees: Gauge,
    funding: Gauge,
    gross_exposure: Gauge,
    net_exposure: Gauge,
    leverage: Gauge,
    drawdown: Gauge,
    daily_loss: Gauge,
    open_positions: IntGauge,
    win_rate: Gauge,
    sharpe: Gauge,
}

/// For display only: money never comes back from here.
#[allow(clippy::cast_precision_loss)]
fn quote(amount: Amount) -> f64 {
    amount.0 as f64 / SCALE as f64
}

impl AccountGauges {
    pub(super) fn new(registrar: &Registrar<'_>) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| registrar.gauge(name, help);
        Ok(Self {
            portfolio_value: gauge(
                "sapphire_portfolio_value_quote",
                "Marked equity in quote currency, when every position was last verified.",
            )?,
            equity: gauge(
                "sapphire_equity_quote",
                "Marked equity in quote currency, by our own count.",
            )?,
            high_water_mark: gauge(
                "sapphire_high_water_mark_quote",
                "Highest equity so far in quote currency, adjusted for transfers.",
            )?,
            realized_pnl: gauge(
                "sapphire_realized_pnl_quote",
                "Profit and loss of what was closed, in quote currency, before fees and funding.",
            )?,
            unrealized_pnl: gauge(
                "sapphire_unrealized_pnl_quote",
                "Profit and loss of what is open, in quote currency, at the mark.",
            )?,
            fees: gauge("sapphire_fees_paid_quote", "Fees paid in quote currency, less rebates.")?,
            funding: gauge(
                "sapphire_funding_received_quote",
                "Funding received in quote currency, less funding paid.",
            )?,
            gross_exposure: gauge(
                "sapphire_gross_exposure_quote",
                "Worst-case sum of positions' magnitudes in quote currency, working orders included.",
            )?,
            net_exposure: gauge(
                "sapphire_net_exposure_quote",
                "Worst-case magnitude of the sum of positions in quote currency.",
            )?,
            leverage: gauge("sapphire_leverage_ratio", "Gross exposure over equity.")?,
            drawdown: gauge(
                "sapphire_drawdown_ratio",
                "Fall of equity from its high-water mark, as a share of it.",
            )?,
            daily_loss: gauge(
                "sapphire_daily_loss_ratio",
                "Loss since 00:00 UTC in event time, as a share of the equity then.",
            )?,
            open_positions: registrar
                .register(IntGauge::new("sapphire_open_positions", "Symbols with a position.")?)?,
            win_rate: gauge(
                "sapphire_win_rate_ratio",
                "Share of closed trades that gained after fees and funding; NaN before the first.",
            )?,
            sharpe: gauge(
                "sapphire_sharpe_ratio",
                "Sharpe ratio of returns per UTC day in event time, annualised at 365 days, without a risk-free \
                 rate; the unfinished day counts as one; NaN before it can be said.",
            )?,
        })
    }

    pub(super) fn show(&self, account: &Account) {
        if account.verified {
            self.portfolio_value.set(quote(account.equity));
        }
        self.equity.set(quote(account.equity));
        self.high_water_mark.set(quote(account.high_water_mark));
        self.realized_pnl.set(quote(account.realized_pnl));
        self.unrealized_pnl.set(quote(account.unrealized_pnl));
        self.fees.set(quote(account.fees));
        self.funding.set(quote(account.funding));
        self.gross_exposure.set(quote(account.gross_exposure));
        self.net_exposure.set(quote(account.net_exposure));
        self.leverage.set(account.leverage.to_f64());
        self.drawdown.set(account.drawdown.to_f64());
        self.daily_loss.set(account.daily_loss.to_f64());
        self.open_positions.set(account.open_positions.into());
        self.win_rate.set(account.win_rate.unwrap_or(f64::NAN));
        self.sharpe.set(account.sharpe.unwrap_or(f64::NAN));
    }
}
