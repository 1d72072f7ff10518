//! `kill -9`, a hundred times, at moments that nobody chose.

use std::thread;
use std::time::Duration;

use crate::bench::Bench;

const KILLS: u32 = 100;
/// From the start of a life to its end: some die while they come back, most while they trade.
const LIFE_MILLIS: std::ops::Range<u64> = 20..330;

/// Marsaglia's xorshift: the moments are as random as the machine's own timing needs.
struct Random(u64);

impl Random {
    fn below(&mut self, range: &std::ops::Range<u64>) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        range.start + self.0 % (range.end - range.start)
    }
}

#[test]
fn a_run_that_was_killed_a_hundred_times_is_the_run_that_never_was() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5a17);
    println!("SEED={seed}");
    let mut random = Random(seed);

    let never_killed = Bench::quickstart(1500);
    never_killed.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    let expected = never_killed.records();

    let killed = Bench::quickstart(1500);
    for _ in 0..KILLS {
        // So slow that a hundred lives do not see the end.
        let mut desk = killed.run("--speed 60s --exit");
        thread::sleep(Duration::from_millis(random.below(&LIFE_MILLIS)));
        desk.kill();
    }
    let mut last = killed.run("--speed max --exit");
    assert_eq!(last.left(), 0, "{}", last.said());

    let found = killed.records();
    let differs = expected.iter().zip(&found).position(|(expected, found)| expected != found);
    if let Some(place) = differs {
        panic!("record {place}: {:?} became {:?}", expected[place], found[place]);
    }
    assert_eq!(expected.len(), found.len());
    let fills = found.iter().filter(|(_, record)| record.contains("\"Fill\"")).count();
    assert!(fills > 20, "a run without trades shows nothing: {fills} fills");
    // Lives that wrote something new; the others were killed before they had come back.
    let restarts = killed.restarts();
    assert!(restarts >= 20, "only {restarts} lives went on with the run");
    killed.done("journal verify --db DB").well();
}
