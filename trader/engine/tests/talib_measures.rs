//! Sharpe, Sortino and maximum drawdown equal empyrical's to 1e-9 on two years of real daily returns.
//! `vectors/make.py` made the references with empyrical-reloaded 0.7.1.

use sapphire_engine::indicators::{max_drawdown, sharpe, sortino};

/// Days in a year of a market that never closes.
const DAYS: f64 = 365.0;

fn agrees(got: Option<f64>, reference: f64) -> bool {
    got.is_some_and(|got| (got - reference).abs() <= 1e-9 * reference.abs())
}

#[test]
fn measures_equal_empyrical_on_two_years_of_bitcoin() {
    let returns: Vec<f64> =
        include_str!("vectors/returns.csv").lines().skip(1).map(|r| r.parse().unwrap()).collect();
    let mut compared = 0;
    for line in include_str!("vectors/measures.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [start, end] = [fields[0], fields[1]].map(|f| f.parse::<usize>().unwrap());
        let [s, o, d] = [fields[2], fields[3], fields[4]].map(|f| f.parse::<f64>().unwrap());
        let part = &returns[start..end];
        assert!(agrees(sharpe(part, DAYS), s), "{line}: Sharpe {:?}", sharpe(part, DAYS));
        assert!(agrees(sortino(part, DAYS), o), "{line}: Sortino {:?}", sortino(part, DAYS));
        assert!(agrees(max_drawdown(part), d), "{line}: drawdown {:?}", max_drawdown(part));
        compared += 1;
    }
    assert_eq!(compared, 6);
    assert!(!agrees(Some(1.0 + 1e-8), 1.0), "the comparison is not blind");
}
