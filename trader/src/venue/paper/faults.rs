//! The script of what goes wrong.

use sapphire_engine::instrument::SymbolId;
use sapphire_engine::order::Purpose;

use super::config::{Fault, FaultKind, FaultTrigger};

/// Faults, and how many of what each selects have come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FaultScript {
    faults: Vec<(Fault, u32)>,
}

impl FaultScript {
    pub(super) fn new(faults: &[Fault]) -> Self {
        Self { faults: faults.iter().map(|&fault| (fault, 0)).collect() }
    }

    /// Counts something that came by, and says what goes wrong with it. Where two faults hit the same
    /// thing, the first of the list does.
    pub(super) fn strike(
        &mut self,
        on: FaultTrigger,
        symbol: SymbolId,
        purpose: Option<Purpose>,
    ) -> Option<FaultKind> {
        let mut hit = None;
        for (fault, seen) in &mut self.faults {
            let selects = fault.on == on
                && fault.symbol.is_none_or(|wanted| wanted == symbol)
                && (fault.purpose.is_none() || fault.purpose == purpose);
            if selects {
                *seen = seen.saturating_add(1);
                if *seen == fault.nth {
                    hit = hit.or(Some(fault.kind));
                }
            }
        }
        hit
    }
}
