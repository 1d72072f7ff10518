//! Funding: what longs pay shorts for holding.

use sapphire_engine::instrument::SymbolId;
use sapphire_engine::money::Amount;
use sapphire_engine::time::Timestamp;

use crate::event::Event;
use crate::exchange::Exchange;

impl Exchange {
    /// Makes the next funding the first one after now. Those in between found nobody to pay.
    pub(crate) fn schedule_funding(&mut self) {
        let Some(funding) = self.rules.funding else { return };
        if self.next_funding.is_none_or(|next| next <= self.now) {
            let past = self.now.0.div_euclid(funding.interval.0);
            self.next_funding = Some(Timestamp((past + 1).saturating_mul(funding.interval.0)));
        }
    }

    /// Pays each position's value at the mark times the rate, rounded against the account.
    pub(crate) fn pay_funding(&mut self) {
        let Some(funding) = self.rules.funding else { return };
        for (place, market) in self.markets.iter().enumerate() {
            let Some(mark) = market.mark else { continue };
            for &holder in &market.holders {
                let account = &mut self.accounts[holder.index()];
                let lots = account.holdings[place].position.quantity;
                let amount = (-market.notional(mark, lots)).times_floor(funding.rate);
                if amount == Amount::ZERO {
                    continue;
                }
                account.wallet += amount;
                self.ledger.funding -= amount;
                // At most 65535 symbols are listed.
                let symbol = SymbolId(u16::try_from(place).unwrap_or(u16::MAX));
                self.events.push(Event::Funding { account: holder, symbol, amount, at: self.now });
            }
        }
        self.schedule_funding();
    }
}
