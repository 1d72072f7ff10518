//! Environment variables, for those who run the trader by hand. A manifest wins over them.

use sapphire_crds::RiskPolicySpec;

use super::ConfigError;

/// What the environment says about a desk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `ENABLE_PAPER_TRADING=true`: real money is forbidden, whatever the manifest says.
    pub paper_only: bool,
    /// `MAX_DRAWDOWN`: where the policy does not say it.
    pub max_drawdown: Option<String>,
    /// `RISK_MULTIPLIER`: where the policy does not say it.
    pub risk_multiplier: Option<String>,
    /// `TRADING_SYMBOLS`: narrows `symbols.all`. Empty: all.
    pub trading_symbols: Vec<String>,
    /// Which of `DATABASE_URL` and `REDIS_URL` are set: a local run stays embedded.
    pub backends: Vec<&'static str>,
}

impl Environment {
    /// Reads it. `get` gives a variable's value.
    ///
    /// # Errors
    /// [`ConfigError::Environment`] when `ENABLE_PAPER_TRADING` is neither true nor false.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let said = |name| get(name).filter(|value| !value.trim().is_empty());
        let paper_only = match said("ENABLE_PAPER_TRADING").as_deref().map(str::trim) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(value) => {
                return Err(ConfigError::Environment {
                    name: "ENABLE_PAPER_TRADING",
                    value: value.to_owned(),
                    remedy: "write true or false",
                });
            }
        };
        let symbols = said("TRADING_SYMBOLS").unwrap_or_default();
        let symbols = symbols.split(',').map(str::trim).filter(|symbol| !symbol.is_empty());
        let is_set = |name: &&'static str| said(name).is_some();
        Ok(Self {
            paper_only,
            max_drawdown: said("MAX_DRAWDOWN"),
            risk_multiplier: said("RISK_MULTIPLIER"),
            trading_symbols: symbols.map(str::to_owned).collect(),
            backends: ["DATABASE_URL", "REDIS_URL"].into_iter().filter(is_set).collect(),
        })
    }

    /// The process's own.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_process() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Fills in what a policy leaves to its defaults. `states` tells whether the manifest itself
    /// names a field below `spec`.
    ///
    /// # Errors
    /// [`ConfigError::Environment`] for a value that a manifest could not have either.
    pub fn fill_in(
        &self,
        spec: &mut RiskPolicySpec,
        states: impl Fn(&str) -> bool,
    ) -> Result<(), ConfigError> {
        if let Some(value) = &self.max_drawdown
            && !states("limits.maxDrawdown")
        {
            spec.limits.max_drawdown = parse("MAX_DRAWDOWN", value)?;
        }
        if let Some(value) = &self.risk_multiplier
            && !states("limits.riskMultiplier")
        {
            spec.limits.risk_multiplier = parse("RISK_MULTIPLIER", value)?;
        }
        Ok(())
    }
}

fn parse<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, ConfigError> {
    let remedy = match name {
        "MAX_DRAWDOWN" => "write a share of one, such as 0.25 for 25 %",
        _ => "write a number from 1 to 2, such as 1.5",
    };
    value.trim().parse().map_err(|_| ConfigError::Environment {
        name,
        value: value.to_owned(),
        remedy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Plan;
    use rstest::rstest;
    use sapphire_crds::manifest::{Request, load};

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Environment::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[rstest]
    #[case(false, "0.1")]
    #[case(true, "0.25")]
    fn a_manifest_wins_over_the_environment(#[case] stated: bool, #[case] expected: &str) {
        let mut spec = RiskPolicySpec::default();
        let environment = environment(&[("MAX_DRAWDOWN", "0.1")]).unwrap();
        environment.fill_in(&mut spec, |field| stated && field == "limits.maxDrawdown").unwrap();
        assert_eq!(spec.limits.max_drawdown.to_string(), expected);
    }

    #[rstest]
    #[case("MAX_DRAWDOWN", "25")]
    #[case("RISK_MULTIPLIER", "3")]
    #[case("RISK_MULTIPLIER", "much")]
    fn a_value_that_no_manifest_could_have_is_refused(#[case] name: &str, #[case] value: &str) {
        let environment = environment(&[(name, value)]).unwrap();
        let refused = environment.fill_in(&mut RiskPolicySpec::default(), |_| false).unwrap_err();
        assert!(refused.to_string().contains(name) && refused.to_string().contains(value));
    }

    #[test]
    fn nothing_set_means_nothing() {
        assert_eq!(environment(&[]).unwrap(), Environment::default());
        assert_eq!(environment(&[("TRADING_SYMBOLS", " ")]).unwrap(), Environment::default());
    }

    const LIVE: &str = "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {name: desk}
spec:
  venue: {aster: {network: Mainnet, credentials: {secretName: aster}}}
  live: true
  symbols: {list: [BTCUSDT]}
  barInterval: 1h
  riskPolicyRef: {name: careful}
  consensus: {minAgents: 1}
  storage: {postgres: {secretRef: {name: postgres, key: url}}}
  bus: {redis: {secretRef: {name: redis, key: url}}}
---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: RiskPolicy
metadata: {name: careful}
spec: {}
---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingAgent
metadata: {name: one}
spec: {systemRef: {name: desk}, strategy: {vpin: {}}, authority: {consensus: {}}}
";

    #[test]
    fn real_money_is_forbidden_where_the_environment_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("desk.yaml");
        std::fs::write(&file, LIVE).unwrap();
        // As a release that could trade it.
        let request = Request { system: None, strategies: &["vpin"], venues: &["aster"] };
        let manifests = load(&[&file], request).unwrap_or_else(|faults| panic!("{faults}"));
        let plan = |paper: &str| {
            let environment = environment(&[("ENABLE_PAPER_TRADING", paper)]).unwrap();
            Plan::of(&manifests, &environment).unwrap_err()
        };
        let forbidden = plan("true");
        assert!(matches!(forbidden, ConfigError::PaperOnly), "{forbidden}");
        assert!(forbidden.to_string().contains("remove live"), "{forbidden}");
        assert!(!matches!(plan("false"), ConfigError::PaperOnly));
    }

    #[test]
    fn lists_and_switches_are_read() {
        let read = environment(&[
            ("ENABLE_PAPER_TRADING", "true"),
            ("TRADING_SYMBOLS", "BTCUSDT, ETHUSDT,"),
            ("DATABASE_URL", "postgres://db"),
        ])
        .unwrap();
        assert!(read.paper_only);
        assert_eq!(read.trading_symbols, ["BTCUSDT", "ETHUSDT"]);
        assert_eq!(read.backends, ["DATABASE_URL"]);
        assert!(environment(&[("ENABLE_PAPER_TRADING", "perhaps")]).is_err());
    }
}
