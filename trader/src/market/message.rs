//! One line of a raw stream: `<receive time> <message>`, the message in the wire format of USD-M
//! futures, either wrapped by a combined stream (`{"stream":…,"data":{…}}`) or bare, as a REST
//! depth snapshot is.

use std::borrow::Cow;
use std::fmt;

use sapphire_engine::instrument::{Instrument, PriceTicks};
use sapphire_engine::market::{Level, Quote};
use sapphire_engine::order::Side;
use sapphire_engine::time::Timestamp;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::bars::check_symbol;
use super::decimal::{price, quantity};
use super::error::Problem;
use super::stamp;

/// What a message says. The levels of depth messages are in the [`Levels`] it was parsed into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// `bookTicker`.
    Quote(Quote),
    /// `depthUpdate`.
    Depth { first: u64, last: u64, previous: u64 },
    /// A REST snapshot of the book.
    Snapshot { last_update: u64 },
    /// `trade`. The quantity is below one lot where it is zero.
    Trade {
        id: u64,
        price: PriceTicks,
        quantity: sapphire_engine::instrument::QtyLots,
        aggressor: Side,
    },
    /// `markPriceUpdate`.
    Mark(PriceTicks),
    /// A kind that is not traded on.
    Ignored,
}

/// The levels of a message, and how many of its prices were off the tick.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    pub off_tick: u64,
}

/// Splits a line into when it was received and its message.
///
/// # Errors
/// When it has another form.
pub(super) fn split(line: &[u8]) -> Result<(Timestamp, &[u8]), Problem> {
    let space = line.iter().position(|&byte| byte == b' ').ok_or(Problem::NotAStreamLine)?;
    let (received, message) = (&line[..space], line[space + 1..].trim_ascii_start());
    if !message.starts_with(b"{") || !received.iter().all(u8::is_ascii_digit) {
        return Err(Problem::NotAStreamLine);
    }
    let received = stamp::parse(received).ok_or(Problem::NotAStreamLine)?;
    Ok((received, message))
}

/// Parses a message of the instrument's stream; `levels` is cleared first.
///
/// # Errors
/// JSON that is damaged, a field that is missing, a price or quantity that is none, another symbol.
pub(super) fn parse(
    message: &[u8],
    instrument: &Instrument,
    levels: &mut Levels,
) -> Result<Message, Problem> {
    levels.bids.clear();
    levels.asks.clear();
    levels.off_tick = 0;
    let mut fields = Fields::default();
    let mut json = serde_json::Deserializer::from_slice(message);
    let body = Body { instrument, levels, fields: &mut fields };
    body.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| explain(&error))?;
    fields.into_message(instrument, levels)
}

/// The parser's position is one in the JSON, not in the file: the line goes, the column stays.
fn explain(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or_default().to_owned();
    Problem::Json { message, column: error.column() }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quote,
    Depth,
    Trade,
    Mark,
    Other,
}

/// The fields of all kinds together: the name of the kind may come after them.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Kind>,
    first: Option<u64>,
    last: Option<u64>,
    previous: Option<u64>,
    id: Option<u64>,
    last_update: Option<u64>,
    price: Option<Text<'a>>,
    quantity: Option<Text<'a>>,
    bid: Option<Text<'a>>,
    bid_quantity: Option<Text<'a>>,
    ask: Option<Text<'a>>,
    ask_quantity: Option<Text<'a>>,
    buyer_is_maker: Option<bool>,
    trade_type: Option<Text<'a>>,
    symbol: Option<Text<'a>>,
}

type Text<'a> = Cow<'a, str>;

fn present<T>(field: Option<T>, name: &'static str) -> Result<T, Problem> {
    field.ok_or_else(|| Problem::Json { message: format!("`{name}` is missing"), column: 0 })
}

impl Fields<'_> {
    fn into_message(
        self,
        instrument: &Instrument,
        levels: &mut Levels,
    ) -> Result<Message, Problem> {
        if let Some(symbol) = &self.symbol {
            check_symbol(symbol.as_bytes(), instrument)?;
        }
        let mut ticks = |name, text: Option<Text<'_>>| {
            let (ticks, off) = price(instrument, name, present(text, name)?.as_bytes())?;
            levels.off_tick += u64::from(off);
            Ok::<_, Problem>(ticks)
        };
        let lots = |name, text: Option<Text<'_>>| {
            quantity(instrument, name, present(text, name)?.as_bytes())
        };
        Ok(match self.kind {
            Some(Kind::Quote) => Message::Quote(Quote {
                update: present(self.last, "u")?,
                bid: Level {
                    price: ticks("b", self.bid)?,
                    quantity: lots("B", self.bid_quantity)?,
                },
                ask: Level {
                    price: ticks("a", self.ask)?,
                    quantity: lots("A", self.ask_quantity)?,
                },
            }),
            Some(Kind::Depth) => Message::Depth {
                first: present(self.first, "U")?,
                last: present(self.last, "u")?,
                previous: present(self.previous, "pu")?,
            },
            // Settlements of the insurance fund and the like are no trades of the book.
            Some(Kind::Trade) if self.trade_type.as_deref() == Some("NA") => Message::Ignored,
            Some(Kind::Trade) => Message::Trade {
                id: present(self.id, "t")?,
                price: ticks("p", self.price)?,
                quantity: lots("q", self.quantity)?,
                // The buyer's order rested, so the seller took.
                aggressor: if present(self.buyer_is_maker, "m")? { Side::Sell } else { Side::Buy },
            },
            Some(Kind::Mark) => Message::Mark(ticks("p", self.price)?),
            Some(Kind::Other) => Message::Ignored,
            None => match self.last_update {
                Some(last_update) => Message::Snapshot { last_update },
                None => {
                    return Err(Problem::Json {
                        message: "is neither an event (`e`) nor a depth snapshot (`lastUpdateId`)"
                            .into(),
                        column: 0,
                    });
                }
            },
        })
    }
}

/// Reads an object into [`Fields`] and [`Levels`] in one pass, without allocating.
struct Body<'s, 'a> {
    instrument: &'s Instrument,
    levels: &'s mut Levels,
    fields: &'s mut Fields<'a>,
}

impl<'a> DeserializeSeed<'a> for Body<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Body<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of a market data stream")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Body { instrument, levels, fields } = self;
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "data" => map.next_value_seed(Body {
                    instrument,
                    levels: &mut *levels,
                    fields: &mut *fields,
                })?,
                "e" => fields.kind = Some(map.next_value()?),
                "s" => fields.symbol = Some(text(&mut map)?),
                "U" => fields.first = Some(map.next_value()?),
                "u" => fields.last = Some(map.next_value()?),
                "pu" => fields.previous = Some(map.next_value()?),
                "t" => fields.id = Some(map.next_value()?),
                "p" => fields.price = Some(text(&mut map)?),
                "q" => fields.quantity = Some(text(&mut map)?),
                "m" => fields.buyer_is_maker = Some(map.next_value()?),
                "X" => fields.trade_type = Some(text(&mut map)?),
                "B" => fields.bid_quantity = Some(text(&mut map)?),
                "A" => fields.ask_quantity = Some(text(&mut map)?),
                "b" => fields.bid = map.next_value_seed(levels.side(Side::Buy, instrument))?,
                "a" => fields.ask = map.next_value_seed(levels.side(Side::Sell, instrument))?,
                "lastUpdateId" => fields.last_update = Some(map.next_value()?),
                "bids" => drop(map.next_value_seed(levels.side(Side::Buy, instrument))?),
                "asks" => drop(map.next_value_seed(levels.side(Side::Sell, instrument))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn text<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Text<'a>, A::Error> {
    map.next_value::<Key<'a>>().map(|Key(text)| text)
}

/// Text, borrowed from the line where it holds no escapes.
struct Key<'a>(Text<'a>);

impl<'a> Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'a> Visitor<'a> for Borrowed {
            type Value = Key<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

impl<'a> Deserialize<'a> for Kind {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        Key::deserialize(deserializer).map(|Key(name)| match &*name {
            "bookTicker" => Self::Quote,
            "depthUpdate" => Self::Depth,
            "trade" => Self::Trade,
            "markPriceUpdate" => Self::Mark,
            _ => Self::Other,
        })
    }
}

/// `[["price","quantity"],…]` of one side; of a `bookTicker` the same key holds a bare price, which
/// is answered.
struct LevelsOf<'s> {
    instrument: &'s Instrument,
    levels: &'s mut Vec<Level>,
    off_tick: &'s mut u64,
}

impl Levels {
    const fn side<'s>(&'s mut self, side: Side, instrument: &'s Instrument) -> LevelsOf<'s> {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        LevelsOf { instrument, levels, off_tick: &mut self.off_tick }
    }
}

impl<'a> DeserializeSeed<'a> for LevelsOf<'_> {
    type Value = Option<Text<'a>>;
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for LevelsOf<'_> {
    type Value = Option<Text<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price as text, or an array of levels")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    /// Numbers stand here in messages that are not traded on.
    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while let Some(RawLevel(price_text, quantity_text)) = seq.next_element()? {
            let (price, off) =
                price(self.instrument, "price", price_text.as_bytes()).map_err(Error::custom)?;
            let quantity = quantity(self.instrument, "quantity", quantity_text.as_bytes())
                .map_err(Error::custom)?;
            *self.off_tick += u64::from(off);
            self.levels.push(Level { price, quantity });
        }
        Ok(None)
    }
}

/// A level as text.
struct RawLevel<'a>(Text<'a>, Text<'a>);

impl<'a> Deserialize<'a> for RawLevel<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        <(Key<'a>, Key<'a>)>::deserialize(deserializer).map(|(Key(p), Key(q))| Self(p, q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::tests::btc;
    use rstest::rstest;
    use sapphire_engine::instrument::QtyLots;

    fn read(json: &str) -> Result<(Message, Levels), Problem> {
        let mut levels = Levels::default();
        parse(json.as_bytes(), &btc(), &mut levels).map(|message| (message, levels))
    }

    const fn level(price: i64, quantity: i64) -> Level {
        Level { price: PriceTicks(price), quantity: QtyLots(quantity) }
    }

    #[test]
    fn a_quote_is_read() {
        let json = r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":7,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1,"E":2}}"#;
        let quote = Quote { update: 7, bid: level(618_002, 2507), ask: level(618_003, 2510) };
        assert_eq!(read(json).unwrap().0, Message::Quote(quote));
    }

    #[test]
    fn a_depth_update_is_read_with_its_levels() {
        let json = r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":5,"u":9,"pu":4,"b":[["61800.20","0.014"],["61800.14","0"]],"a":[]}}"#;
        let (message, levels) = read(json).unwrap();
        assert_eq!(message, Message::Depth { first: 5, last: 9, previous: 4 });
        assert_eq!(levels.bids, [level(618_002, 14), level(618_001, 0)]);
        assert!(levels.asks.is_empty());
        assert_eq!(levels.off_tick, 1);
    }

    #[rstest]
    #[case("true", Side::Sell)]
    #[case("false", Side::Buy)]
    fn the_aggressor_is_the_side_that_did_not_rest(#[case] maker: &str, #[case] aggressor: Side) {
        let json = format!(
            r#"{{"data":{{"m":{maker},"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":3,"p":"61800.30","q":"0.006","X":"MARKET"}}}}"#
        );
        let trade =
            Message::Trade { id: 3, price: PriceTicks(618_003), quantity: QtyLots(6), aggressor };
        assert_eq!(read(&json).unwrap().0, trade);
    }

    #[test]
    fn a_bare_snapshot_is_read() {
        let json =
            r#"{"lastUpdateId":8,"E":1,"T":2,"bids":[["61800.20","1"]],"asks":[["61800.30","2"]]}"#;
        let (message, levels) = read(json).unwrap();
        assert_eq!(message, Message::Snapshot { last_update: 8 });
        assert_eq!((levels.bids.len(), levels.asks.len()), (1, 1));
    }

    #[rstest]
    #[case(r#"{"e":"aggTrade","s":"BTCUSDT","a":77,"p":"1.0","q":"1","f":1,"l":2,"m":true}"#)]
    #[case(r#"{"e":"trade","s":"BTCUSDT","t":1,"p":"0","q":"0","X":"NA","m":true}"#)]
    fn kinds_that_are_not_traded_on_are_ignored(#[case] json: &str) {
        assert_eq!(read(json).unwrap().0, Message::Ignored);
    }

    #[rstest]
    #[case::cut_off(r#"{"e":"trade","s":"BTCUSDT","t":1,"p":"6180"#, "EOF")]
    #[case::two_messages(r#"{"e":"aggTrade"} {"e":"aggTrade"}"#, "trailing")]
    #[case::nothing_known(r#"{"result":null,"id":1}"#, "neither")]
    #[case::no_price(r#"{"e":"trade","s":"BTCUSDT","t":1,"q":"1","m":true}"#, "`p` is missing")]
    #[case::zero_price(
        r#"{"e":"trade","s":"BTCUSDT","t":1,"p":"0.0","q":"1","m":true}"#,
        "above zero"
    )]
    #[case::not_a_number(r#"{"lastUpdateId":8,"bids":[["NaN","1"]],"asks":[]}"#, "not a number")]
    #[case::negative(r#"{"lastUpdateId":8,"bids":[["1.0","-1"]],"asks":[]}"#, "cannot be negative")]
    #[case::a_float(
        r#"{"e":"trade","s":"BTCUSDT","t":1,"p":1.5,"q":"1","m":true}"#,
        "expected a text"
    )]
    #[case::another_symbol(r#"{"e":"aggTrade","s":"ETHUSDT"}"#, "is of ETHUSDT, but")]
    fn what_cannot_be_understood_is_refused(#[case] json: &str, #[case] says: &str) {
        let problem = read(json).unwrap_err().to_string();
        assert!(problem.contains(says), "{problem}");
    }

    #[rstest]
    #[case("1723161255088169167 {\"a\":1}", true)]
    #[case("1723161255088169167{}", false)]
    #[case("now {}", false)]
    #[case("1723161255088169167 [1]", false)]
    fn a_line_is_a_time_and_a_message(#[case] line: &str, #[case] good: bool) {
        assert_eq!(split(line.as_bytes()).is_ok(), good);
    }
}
