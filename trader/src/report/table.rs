//! The report for a terminal: boxes of 80 columns, or plain lines where nobody looks.

use std::fmt::Write;

use super::facts::{Fact, Section, headline, sections};
use super::figures::Report;

/// Columns in all, borders included.
const WIDTH: usize = 79;
/// Columns of text across.
const WIDE: usize = WIDTH - 4;
/// Columns of text in one of two boxes side by side.
const NARROW: usize = (WIDTH - 7) / 2;

/// Boxes of at most 80 columns.
#[must_use]
pub fn boxed(report: &Report) -> String {
    let mut text = String::new();
    rule(&mut text, ['╭', '─', '╮'], None);
    line(&mut text, &fitted(&headline(report), WIDE));
    let all = sections(report);
    let narrow: Vec<&Section> = all.iter().filter(|section| !section.wide).collect();
    let mut above = None;
    for pair in narrow.chunks(2) {
        rule(&mut text, ['├', '─', '┤'], Some(if above.is_some() { '┼' } else { '┬' }));
        let columns: Vec<Vec<String>> = pair.iter().map(|section| lines(section, NARROW)).collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..height {
            let cell = |column: usize| {
                let text = columns.get(column).and_then(|lines| lines.get(row));
                text.cloned().unwrap_or_else(|| " ".repeat(NARROW))
            };
            let _ = writeln!(text, "│ {} │ {} │", cell(0), cell(1));
        }
        above = Some(());
    }
    for section in all.iter().filter(|section| section.wide) {
        rule(&mut text, ['├', '─', '┤'], above.take().map(|()| '┴'));
        lines(section, WIDE).iter().for_each(|content| line(&mut text, content));
    }
    rule(&mut text, ['╰', '─', '╯'], None);
    text
}

/// Lines without boxes, nothing shortened.
#[must_use]
pub fn plain(report: &Report) -> String {
    let mut text = headline(report);
    text.push('\n');
    for section in sections(report) {
        let _ = writeln!(text, "\n{}", section.title);
        for Fact { name, value } in &section.facts {
            let _ = writeln!(text, "  {name:<30} {value}");
        }
    }
    text
}

fn rule(text: &mut String, [left, across, right]: [char; 3], middle: Option<char>) {
    text.push(left);
    for column in 1..WIDTH - 1 {
        text.push(middle.filter(|_| column == NARROW + 3).unwrap_or(across));
    }
    text.push(right);
    text.push('\n');
}

fn line(text: &mut String, content: &str) {
    let _ = writeln!(text, "│ {content} │");
}

/// A section's title and facts, each padded to `width`; a long value goes on below.
fn lines(section: &Section, width: usize) -> Vec<String> {
    let mut all = vec![fitted(&section.title.to_uppercase(), width)];
    for Fact { name, value } in &section.facts {
        let (name_width, value_width) = (name.chars().count(), value.chars().count());
        if name_width + 1 + value_width <= width {
            let gap = width - name_width - value_width;
            all.push(format!("{name}{}{value}", " ".repeat(gap)));
        } else {
            all.push(fitted(name, width));
            all.extend(wrapped(value, width - 2).into_iter().map(|part| format!("{part:>width$}")));
        }
    }
    all
}

/// Cut or padded to `width` columns.
fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{kept}…")
}

/// Broken between words into lines of at most `width`; a longer word is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ if word.chars().count() > width => lines.push(fitted(word, width)),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
