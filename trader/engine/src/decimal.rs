//! Scaled integers as decimal text. A record holds dozens of them and a run ten thousands of
//! records, so this does without the formatting machinery.

/// Room for the longest text: a sign, the 39 digits of an `i128` and a point.
pub(crate) const LONGEST: usize = 41;

/// `value` ÷ 10^`PLACES`, with at least `least` places and no further trailing zeros. At most 19
/// places; known when it is compiled, since a division by what is not known then is far slower.
pub(crate) fn text<const PLACES: u32>(value: i128, least: u32, buffer: &mut [u8; LONGEST]) -> &str {
    let (mut whole, mut fraction) = parts(value.unsigned_abs(), const { 10_u64.pow(PLACES) });
    let mut place = LONGEST;
    let mut put = |byte| {
        place -= 1;
        buffer[place] = byte;
    };
    let mut places = PLACES;
    while places > least && fraction.is_multiple_of(10) {
        fraction /= 10;
        places -= 1;
    }
    if places > 0 {
        for _ in 0..places {
            put(digit(fraction % 10));
            fraction /= 10;
        }
        put(b'.');
    }
    // Nearly no amount needs 128 bits, whose division is a function of its own.
    while u64::try_from(whole).is_err() {
        put(digit((whole % 10) as u64));
        whole /= 10;
    }
    let mut whole = whole as u64;
    loop {
        put(digit(whole % 10));
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    if value < 0 {
        put(b'-');
    }
    // Digits, a point and a sign are never anything but text.
    std::str::from_utf8(&buffer[place..]).unwrap_or_default()
}

/// What stands before the point and after it.
#[inline]
fn parts(magnitude: u128, scale: u64) -> (u128, u64) {
    match u64::try_from(magnitude) {
        Ok(small) => (u128::from(small / scale), small % scale),
        Err(_) => (magnitude / u128::from(scale), (magnitude % u128::from(scale)) as u64),
    }
}

const fn digit(value: u64) -> u8 {
    b'0' + value as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_scaled_integer_is_written_out() {
        let mut buffer = [0; LONGEST];
        assert_eq!(text::<8>(0, 0, &mut buffer), "0");
        assert_eq!(text::<8>(0, 2, &mut buffer), "0.00");
        assert_eq!(text::<8>(5, 2, &mut buffer), "0.00000005");
        assert_eq!(text::<8>(-150_000_000, 2, &mut buffer), "-1.50");
        assert_eq!(text::<4>(700_000, 0, &mut buffer), "70");
        assert_eq!(text::<0>(-7, 0, &mut buffer), "-7");
        let least = "-1701411834604692317316873037158.84105728";
        assert_eq!(text::<8>(i128::MIN, 2, &mut buffer), least);
    }

    fn as_formatted<const PLACES: u32>(value: i128, least: u32) {
        let scale = 10_u128.pow(PLACES);
        let (magnitude, width) = (value.unsigned_abs(), PLACES as usize);
        let long = format!("{}.{:0width$}", magnitude / scale, magnitude % scale);
        let shortest = long.len() - width + least as usize;
        let mut end = long.len();
        while end > shortest && long[..end].ends_with('0') {
            end -= 1;
        }
        let (sign, short) = (if value < 0 { "-" } else { "" }, long[..end].trim_end_matches('.'));
        assert_eq!(text::<PLACES>(value, least, &mut [0; LONGEST]), format!("{sign}{short}"));
    }

    proptest! {
        #[test]
        fn it_is_what_the_formatting_machinery_writes(value: i128, small: i32, least in 0..=4_u32) {
            for value in [value, i128::from(small)] {
                as_formatted::<4>(value, least);
                as_formatted::<8>(value, least);
                as_formatted::<19>(value, least);
            }
        }
    }
}
