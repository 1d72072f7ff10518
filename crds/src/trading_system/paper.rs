//! The simulated exchange.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::one_of::one_of;
use crate::values::{
    Delay, Duration, FilePath, Fraction, ObjectName, Positive, Rate, Share, Size, Step, Symbol,
    Url, VenueCode, unless_decimal,
};

/// A simulated exchange. Same manifest, data and seed give the same fills, byte for byte.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaperVenue {
    /// What the account holds at the start, in quote currency.
    pub balance: Positive,
    /// Where market data come from.
    pub data: PaperData,
    /// What can be traded and on which terms.
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["symbol".into()]))]
    pub instruments: Vec<Instrument>,
    /// How long messages take.
    #[serde(default)]
    pub latency: Latency,
    /// How much worse than the bar's price a market order fills, as a share of the price. Used on
    /// bars only; on book data an order walks the book.
    #[serde(default = "Share::constant::<0, 0>")]
    pub slippage: Share,
    /// What holding a position costs. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<Funding>,
    /// Of the generator behind latency's jitter and queue positions.
    #[serde(default)]
    pub seed: u32,
    /// What goes wrong, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub faults: Vec<Fault>,
}

/// Where market data come from: `file`, `files` or `exchange`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("[has(self.file), has(self.files), has(self.exchange)].exists_one(x, x)")
        .message("file, files and exchange are alternatives; set exactly one of them")
)]
pub struct PaperData {
    /// One recording: bars of the only symbol, or a stream that holds every symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<DataFile>,
    /// A recording a symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["symbol".into()]))]
    pub files: Option<Vec<SymbolFile>>,
    /// A Sapphire exchange that several desks share. The trader of this release refuses it: there is none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeData>,
}

one_of! {
    /// Where market data come from.
    PaperDataChoice of PaperData {
        file => File(DataFile),
        files => Files(Vec<SymbolFile>),
        exchange => Exchange(ExchangeData),
    }
}

/// A recording: bars as CSV, or a raw stream as JSON lines; plain or gzip.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataFile {
    /// Relative to this manifest's directory; on a cluster, to the volume's root.
    pub path: FilePath,
    /// What the column `volume` of bars counts. A column whose name says it, such as `quote_volume`,
    /// needs none, and neither does a stream.
    #[serde(default)]
    pub volume_unit: VolumeUnit,
    /// The volume that holds the file on a cluster. A local run needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<DataVolume>,
}

/// The recording of one symbol.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SymbolFile {
    /// Whose it is.
    pub symbol: Symbol,
    /// Relative to this manifest's directory; on a cluster, to the volume's root.
    pub path: FilePath,
    /// What the column `volume` of bars counts. A column whose name says it, such as `quote_volume`,
    /// needs none, and neither does a stream.
    #[serde(default)]
    pub volume_unit: VolumeUnit,
    /// The volume that holds the file on a cluster. A local run needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<DataVolume>,
}

/// What volumes are counted in. Exchanges differ, and a file seldom says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumeUnit {
    /// Base currency: how much was traded.
    #[default]
    Base,
    /// Quote currency: for how much. Divided by the bar's typical price, (high + low + close) / 3.
    Quote,
}

/// A volume with recordings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataVolume {
    /// A PersistentVolumeClaim in the same namespace; mounted read-only.
    pub claim_name: ObjectName,
}

/// An exchange that serves the market data and takes the orders.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeData {
    /// Its address.
    pub url: Url,
}

/// What can be traded and on which terms.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    // In units of 1e-8, modulo one: a tick of a lot must be a whole number of them.
    validation = Rule::new(concat!(unless_decimal!("self.tickSize", "self.lotSize"), "int(double(self.tickSize) * 100000000.0 + 0.5) % 100000000 * (int(double(self.lotSize) * 100000000.0 + 0.5) % 100000000) % 100000000 == 0"))
        .message("tickSize times lotSize is no multiple of 0.00000001, so that money could not be exact; make one of them coarser").field_path(".lotSize"),
    validation = Rule::new(concat!("!has(self.minQuantity) || ", unless_decimal!("self.minQuantity", "self.lotSize"), "double(self.minQuantity) >= double(self.lotSize)"))
        .message("minQuantity is below lotSize, the smallest quantity there is; raise minQuantity or remove it").field_path(".minQuantity"),
    validation = Rule::new(concat!("has(self.maintenanceMargin) && ", unless_decimal!("self.maintenanceMargin"), "has(self.initialMargin) && ", unless_decimal!("self.initialMargin"), "(has(self.maintenanceMargin) ? double(self.maintenanceMargin) : 0.005) < (has(self.initialMargin) ? double(self.initialMargin) : 0.01)"))
        .message("maintenanceMargin must be below initialMargin (defaults 0.005 and 0.01), or a position would be liquidated at its opening; lower it, or raise initialMargin").field_path(".maintenanceMargin")
)]
pub struct Instrument {
    /// The venue's name of it.
    pub symbol: Symbol,
    /// Step of prices, in quote currency. Prices off it are rounded to the nearest tick and counted.
    pub tick_size: Step,
    /// Step of quantities, in base currency.
    pub lot_size: Step,
    /// Least quantity of an order, in base currency. Absent: one lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quantity: Option<Size>,
    /// Least notional of an order, in quote currency. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_notional: Option<Positive>,
    /// Share of the notional that a resting order pays; negative is a rebate.
    pub maker_fee: Rate,
    /// Share of the notional that an order pays which takes liquidity.
    pub taker_fee: Rate,
    /// Share of the notional that opening a position takes: one over the venue's highest leverage.
    #[serde(default = "Fraction::constant::<1, 2>")]
    pub initial_margin: Fraction,
    /// Share of the notional below which the account is liquidated.
    #[serde(default = "Share::constant::<5, 3>")]
    pub maintenance_margin: Share,
    /// Share of the notional that a liquidation costs beside the taker fee.
    #[serde(default = "Share::constant::<0, 0>")]
    pub liquidation_fee: Share,
}

/// How long messages take. Each is drawn as the mean plus up to `jitter`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Latency {
    /// From our decision to the venue.
    #[serde(default = "Delay::constant::<0>")]
    pub submit: Delay,
    /// From the venue's event to us.
    #[serde(default = "Delay::constant::<0>")]
    pub report: Delay,
    /// Most that chance adds to either, evenly spread.
    #[serde(default = "Delay::constant::<0>")]
    pub jitter: Delay,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            submit: Delay::constant::<0>(),
            report: Delay::constant::<0>(),
            jitter: Delay::constant::<0>(),
        }
    }
}

/// What holding a position costs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Funding {
    /// Share of the notional that longs pay shorts each interval; negative the other way.
    pub rate: Rate,
    /// How often, counted from 00:00 UTC.
    #[serde(default = "Duration::constant::<28_800_000>")]
    pub interval: Duration,
}

/// Something that goes wrong, once.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.trigger == 'Fill' ? self.fault in ['DuplicateFill', 'LateFill', 'OutOfOrderFill'] : self.fault in ['NeverSent', 'AckLost', 'RequestLost', 'Refused']")
        .message("a Fill can be DuplicateFill, LateFill or OutOfOrderFill, a Submit or Cancel can be NeverSent, AckLost, RequestLost or Refused; change trigger or fault").field_path(".fault"),
    validation = Rule::new("!has(self.code) || self.fault == 'Refused'")
        .message("only Refused has a code; remove code, or set fault: Refused").field_path(".code"),
    validation = Rule::new("!has(self.delay) || self.fault == 'LateFill'")
        .message("only LateFill has a delay; remove delay, or set fault: LateFill").field_path(".delay")
)]
pub struct Fault {
    /// What it happens to. (Not `on`: YAML 1.1, which kubectl reads, takes that for a boolean.)
    pub trigger: FaultTrigger,
    /// To which of them, counted from 1 over the whole run.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nth: u32,
    /// What happens.
    pub fault: FaultKind,
    /// The code of a refusal. Absent: -2010, new order rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<VenueCode>,
    /// How late a late fill is. Absent: 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
}

/// What a fault happens to.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTrigger {
    /// A new order.
    Submit,
    /// The report of a fill.
    Fill,
    /// A cancellation.
    Cancel,
}

/// What goes wrong.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection fails before the first byte: known not to have been sent.
    NeverSent,
    /// The venue accepts, its answer is lost: the outcome is unknown, the order lives.
    AckLost,
    /// The request is lost on its way: the outcome is unknown, there is no order.
    RequestLost,
    /// A fill is reported twice.
    DuplicateFill,
    /// A fill is reported late.
    LateFill,
    /// A fill is reported after the one that follows it.
    OutOfOrderFill,
    /// The venue refuses.
    Refused,
}
