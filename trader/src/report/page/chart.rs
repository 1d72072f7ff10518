//! Charts as inline SVG. A plot stretches to whatever width there is; its labels are text of the
//! page, so that they stay readable at every width.

use std::fmt::Write;

use sapphire_engine::time::{Span, Timestamp};

use super::escaped;
use crate::report::shown::{day, minute, second};

/// The plot's own coordinates run from 0 to this, both ways.
const EXTENT: f64 = 1000.0;
/// A line is drawn with at most twice as many points.
const BUCKETS: usize = 500;

/// More dots than this are drawn small.
const MANY_DOTS: usize = 200;

/// A line of a plot.
pub(super) struct Line<'a> {
    /// Its style, and what the legend calls it.
    pub class: &'a str,
    pub name: &'a str,
    pub points: Vec<(Timestamp, f64)>,
}

/// A dot on a plot.
pub(super) struct Dot {
    pub at: Timestamp,
    pub value: f64,
    pub class: &'static str,
}

/// Something measured over time.
pub(super) struct Plot<'a> {
    pub title: String,
    /// What it shows, for who cannot see it.
    pub summary: String,
    pub lines: Vec<Line<'a>>,
    pub dots: Vec<Dot>,
    /// Fill between the first line and zero.
    pub area: bool,
    /// How its values are written.
    pub unit: Unit,
}

/// How the values of a plot are written.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Amounts and prices.
    Money,
    /// Shares of one.
    Percent,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Percent => "percent",
        }
    }

    /// A value on the axis, as short as can be.
    fn label(self, value: f64) -> String {
        match self {
            Self::Money if value.abs() >= 10_000.0 => format!("{}k", trimmed(value / 1000.0)),
            Self::Money => trimmed(value),
            Self::Percent => format!("{} %", trimmed(value * 100.0)),
        }
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A range of values or times that is drawn along an axis.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let whole = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = whole;
        // What never changes is drawn in the middle.
        let pad = if high > low { 0.0 } else { low.abs().max(1.0) * 0.01 };
        low.is_finite().then_some(Self { low: low - pad, high: high + pad })
    }

    /// From 0 to 1.
    fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Round values within the range, some four to seven of them.
    fn ticks(self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * magnitude);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let ticks = (0..10).map(|n| (first + f64::from(n)) * step);
        // Not -0.
        ticks.take_while(|tick| *tick <= self.high).map(|tick| tick + 0.0).collect()
    }
}

#[allow(clippy::cast_precision_loss)]
const fn time(at: Timestamp) -> f64 {
    at.as_millis() as f64
}

/// Draws a plot as a figure; nothing where there is nothing to draw.
pub(super) fn figure(plot: &Plot<'_>) -> String {
    let all = || plot.lines.iter().flat_map(|line| &line.points);
    let zero = plot.area.then_some(0.0);
    let values = all().map(|(_, value)| *value).chain(plot.dots.iter().map(|dot| dot.value));
    let (Some(x), Some(y)) =
        (Axis::of(all().map(|(at, _)| time(*at))), Axis::of(values.chain(zero)))
    else {
        return String::new();
    };
    let mut html = String::new();
    let _ = write!(
        html,
        "<figure><figcaption><h2>{}</h2>{}</figcaption>",
        escaped(&plot.title),
        legend(plot)
    );
    let _ = write!(
        html,
        "<div class=\"plot\" data-from=\"{}\" data-to=\"{}\" data-low=\"{}\" data-high=\"{}\" data-unit=\"{}\">\
         <div class=\"y\" aria-hidden=\"true\">",
        x.low,
        x.high,
        y.low,
        y.high,
        plot.unit.name(),
    );
    for tick in y.ticks() {
        let top = (1.0 - y.share(tick)) * 100.0;
        let _ = write!(html, "<span style=\"top:{top:.2}%\">{}</span>", plot.unit.label(tick));
    }
    let _ = write!(
        html,
        "</div><div class=\"area\"><svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{}</svg></div>{}</div></figure>",
        escaped(&plot.summary),
        shapes(plot, x, y),
        times(x),
    );
    html
}

fn legend(plot: &Plot<'_>) -> String {
    let mut html = String::new();
    for line in &plot.lines {
        let _ = write!(html, "<span class=\"key {}\">{}</span>", line.class, escaped(line.name));
    }
    html
}

fn shapes(plot: &Plot<'_>, x: Axis, y: Axis) -> String {
    let across = |at: Timestamp| x.share(time(at)) * EXTENT;
    let down = |value: f64| (1.0 - y.share(value)) * EXTENT;
    let mut svg = String::from("<path class=\"grid\" d=\"");
    for tick in y.ticks() {
        let _ = write!(svg, "M0 {:.1}H{EXTENT}", down(tick));
    }
    svg.push_str("\"/>");
    let drawn = plot.lines.iter().enumerate().filter(|(_, line)| !line.points.is_empty());
    for (index, line) in drawn {
        let mut path = String::new();
        for (at, value) in thinned(&line.points) {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", across(at), down(value));
        }
        if plot.area && index == 0 {
            let zero = down(0.0);
            let _ = write!(svg, "<path class=\"fill {}\" d=\"{path}V{zero:.1}H0Z\"/>", line.class);
        }
        let (class, name) = (line.class, escaped(line.name));
        let _ = write!(svg, "<path class=\"line {class}\" data-name=\"{name}\" d=\"{path}\"/>");
    }
    // Beside the line, so that side does not rest on colour alone; small where there are many.
    let size = if plot.dots.len() > MANY_DOTS { "small" } else { "" };
    for (class, beside) in [("buy", 18.0), ("sell", -18.0)] {
        let dots = plot.dots.iter().filter(|dot| dot.class == class);
        let path: String = dots
            .map(|dot| format!("M{:.1} {:.1}h0", across(dot.at), down(dot.value) + beside))
            .collect();
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"dots {class} {size}\" d=\"{path}\"/>");
        }
    }
    svg
}

/// Moments below a plot: days, minutes where all is within three days, seconds within an hour.
fn times(x: Axis) -> String {
    const LABELS: u32 = 4;
    let within = |span: Span| x.high - x.low <= time(Timestamp(span.0));
    let name = if within(Span::hours(1)) {
        second
    } else if within(Span::hours(72)) {
        minute
    } else {
        day
    };
    let mut html = String::from("<div class=\"x\" aria-hidden=\"true\">");
    for n in 0..=LABELS {
        let millis = x.low + (x.high - x.low) * f64::from(n) / f64::from(LABELS);
        #[allow(clippy::cast_possible_truncation)]
        let at = Timestamp(millis as i64 * 1_000_000);
        let _ = write!(html, "<span>{}</span>", name(at));
    }
    html.push_str("</div>");
    html
}

/// Each bucket's lowest and highest point, in the order of time: no peak is lost.
fn thinned(points: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    if points.len() <= 2 * BUCKETS {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(2 * BUCKETS + 2);
    for bucket in points.chunks(points.len().div_ceil(BUCKETS)) {
        let by_value = |a: &&(Timestamp, f64), b: &&(Timestamp, f64)| a.1.total_cmp(&b.1);
        let (low, high) = (bucket.iter().min_by(by_value), bucket.iter().max_by(by_value));
        let mut ends: Vec<(Timestamp, f64)> = low.into_iter().chain(high).copied().collect();
        ends.sort_by_key(|(at, _)| *at);
        ends.dedup();
        kept.extend(ends);
    }
    kept
}

/// A value of a bar chart.
pub(super) struct Bar {
    pub name: String,
    pub value: f64,
    pub shown: String,
}

/// Horizontal bars from a common zero, gains to the right and losses to the left.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let with_zero = bars.iter().map(|bar| bar.value).chain([0.0]);
    let Some(axis) = Axis::of(with_zero).filter(|_| !bars.is_empty()) else {
        return String::new();
    };
    let zero = axis.share(0.0) * 100.0;
    let mut html = format!(
        "<figure><figcaption><h2>{}</h2></figcaption><table class=\"bars\">",
        escaped(title)
    );
    for Bar { name, value, shown } in bars {
        let end = axis.share(*value) * 100.0;
        let (left, width) = (zero.min(end), (end - zero).abs());
        let class = if *value < 0.0 { "loss" } else { "gain" };
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"track\"><i class=\"{class}\" style=\"left:{left:.2}%;width:{width:.2}%\"></i></td><td>{shown}</td></tr>",
            escaped(name),
        );
    }
    html.push_str("</table></figure>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 100.0, &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0])]
    #[case(-0.31, 0.0, &[-0.3, -0.2, -0.1, 0.0])]
    #[case(98_123.0, 101_900.0, &[99_000.0, 100_000.0, 101_000.0])]
    fn ticks_are_round(#[case] low: f64, #[case] high: f64, #[case] expected: &[f64]) {
        let ticks = Axis { low, high }.ticks();
        assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
        assert!(ticks.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{ticks:?}");
    }

    #[test]
    fn what_never_changes_is_drawn_in_the_middle() {
        let axis = Axis::of([5.0, 5.0].into_iter()).unwrap();
        assert!((axis.share(5.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn thinning_loses_no_peak() {
        let mut points: Vec<(Timestamp, f64)> = (0..10_000).map(|n| (Timestamp(n), 1.0)).collect();
        points[5_003].1 = 9.0;
        points[7_001].1 = -9.0;
        let kept = thinned(&points);
        assert!(kept.len() <= 2 * BUCKETS && kept.is_sorted_by_key(|(at, _)| *at));
        assert!(
            kept.contains(&(Timestamp(5_003), 9.0)) && kept.contains(&(Timestamp(7_001), -9.0))
        );
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let plot = Plot {
            title: String::new(),
            summary: String::new(),
            lines: Vec::new(),
            dots: Vec::new(),
            area: false,
            unit: Unit::Money,
        };
        assert_eq!(figure(&plot), "");
        assert_eq!(bars("nothing", &[]), "");
    }
}
