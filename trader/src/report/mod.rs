//! What a run amounts to: summary, trades, charts.
