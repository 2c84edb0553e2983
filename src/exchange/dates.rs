//! Parses the date formats that site generators accept, and returns RFC 3339.

use crate::domain::clock::Timestamp;
use crate::exchange::ConversionNote;

/// A parsed date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedDate {
    pub rfc3339: String,
    /// The time of day had no zone, and UTC was assumed.
    pub zone_guessed: bool,
}

/// Parses RFC 3339, `2024-01-05`, `2024-01-05 10:30[:00] [+0100]`, `2024/1/5`, `Jul 08 2022`, `8 July 2022 10:30`, and RFC 2822.
#[must_use]
pub fn parse(text: &str) -> Option<ParsedDate> {
    let text = text.trim();
    // RFC 3339 stays as it was written, so that an export and an import do not change it.
    if Timestamp::parse(text).is_some() {
        return Some(ParsedDate { rfc3339: text.to_owned(), zone_guessed: false });
    }
    let (day, rest) = parse_numeric_day(text).or_else(|| parse_named_day(text))?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ',']);
    let (clock, zone) = parse_time(rest)?;
    let zoned = format!("{day}T{}{}", clock.as_deref().unwrap_or("00:00:00"), zone.as_deref().unwrap_or("Z"));
    let moment = Timestamp::parse(&zoned)?;
    Some(ParsedDate { rfc3339: moment.rfc3339(), zone_guessed: clock.is_some() && zone.is_none() })
}

/// The date at the start of a Jekyll file name, `2024-01-05-my-post`, and the rest.
#[must_use]
pub fn parse_file_name(stem: &str) -> Option<(String, &str)> {
    let day = stem.get(..10)?;
    let rest = stem.get(10..)?.strip_prefix('-')?;
    let shape = day.bytes().enumerate().all(|(index, b)| if index == 4 || index == 7 { b == b'-' } else { b.is_ascii_digit() });
    (shape && !rest.is_empty()).then_some(())?;
    Some((parse(day)?.rfc3339, rest))
}

/// The note about an item's date: a draft loses it, or a published item has none.
#[must_use]
pub fn date_note(status: &str, date: Option<&str>, written: Option<&str>) -> Option<ConversionNote> {
    match (status, date, written) {
        ("draft", Some(date), _) => Some(ConversionNote::new("date-of-draft", format!("{date} is lost: a draft has no date"))),
        ("draft", ..) | (_, Some(_), _) => None,
        (_, None, Some(written)) => {
            Some(ConversionNote::new("date-unreadable", format!("{written:?} is not a date; a new insight is published now")))
        }
        (_, None, None) => Some(ConversionNote::new("date-unreadable", "there is no date; a new insight is published now")),
    }
}

fn format_day(year: &str, month: u8, day: &str) -> Option<String> {
    let (year, day): (u16, u8) = (year.parse().ok()?, day.parse().ok()?);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

fn parse_numeric_day(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '/' && c != '.').unwrap_or(text.len());
    let mut parts = text[..end].split(['-', '/', '.']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    // Day-first and month-first dates look the same, so only year-first is accepted.
    (year.len() == 4 && parts.next().is_none()).then_some(())?;
    Some((format_day(year, month.parse().ok()?, day)?, &text[end..]))
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn parse_named_day(text: &str) -> Option<(String, &str)> {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = text;
    while words.len() < 3 {
        rest = rest.trim_start_matches([' ', ',', '.', '-']);
        let end = rest.find([' ', ',', '.', '-']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if word.is_empty() {
            return None;
        }
        let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().any(|d| word.to_ascii_lowercase().starts_with(d));
        if !(words.is_empty() && weekday) {
            words.push(word);
        }
    }
    let month = |word: &str| {
        let word = word.to_ascii_lowercase();
        MONTHS.iter().position(|m| word.starts_with(m)).and_then(|index| u8::try_from(index + 1).ok())
    };
    let day = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).to_owned();
    let (month, day) = match (month(words[0]), month(words[1])) {
        (Some(month), _) => (month, day(words[1])),
        (None, Some(month)) => (month, day(words[0])),
        (None, None) => return None,
    };
    (words[2].len() == 4).then_some(())?;
    Some((format_day(words[2], month, &day)?, rest))
}

type TimeAndZone = (Option<String>, Option<String>);

fn parse_time(text: &str) -> Option<TimeAndZone> {
    let text = text.trim();
    if text.is_empty() {
        return Some((None, None));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (clock, rest) = text.split_at(end);
    let mut parts = clock.split(':');
    let (hour, minute): (u8, u8) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second = parts.next().unwrap_or("0");
    let (whole, fraction) = second.split_once('.').map_or((second, String::new()), |(whole, part)| (whole, format!(".{part}")));
    let whole: u8 = whole.parse().ok()?;
    let clock = format!("{hour:02}:{minute:02}:{whole:02}{fraction}");
    Some((Some(clock), parse_zone(rest.trim())?))
}

/// The zone in RFC 3339; the inner `None` when there is none.
#[expect(clippy::option_option, reason = "no zone and an invalid zone are different results")]
fn parse_zone(text: &str) -> Option<Option<String>> {
    match text {
        "" => return Some(None),
        "Z" | "z" | "UTC" | "GMT" | "utc" => return Some(Some("Z".to_owned())),
        _ => {}
    }
    let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let end = text[1..].find(|c: char| !c.is_ascii_digit() && c != ':').map_or(text.len(), |length| length + 1);
    let digits: String = text[1..end].chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.len() {
        1 => format!("0{digits}00"),
        2 => format!("{digits}00"),
        4 => digits,
        _ => return None,
    };
    Some(Some(format!("{sign}{}:{}", &digits[..2], &digits[2..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_date_formats_are_parsed() {
        for (text, expected, guessed) in [
            ("2024-01-05", "2024-01-05T00:00:00Z", false),
            ("2024-1-5", "2024-01-05T00:00:00Z", false),
            ("2024/01/05 10:30", "2024-01-05T10:30:00Z", true),
            ("2024-01-05 10:30:15 +0100", "2024-01-05T09:30:15Z", false),
            ("2024-01-05 10:30:15.250 -05:30", "2024-01-05T16:00:15.25Z", false),
            ("2024-01-05T10:30:00", "2024-01-05T10:30:00Z", true),
            ("2024-01-05T10:30:00+01:00", "2024-01-05T10:30:00+01:00", false),
            ("2024-01-05 10:30:00 UTC", "2024-01-05T10:30:00Z", false),
            ("Jul 08 2022", "2022-07-08T00:00:00Z", false),
            ("July 8th, 2022", "2022-07-08T00:00:00Z", false),
            ("8 September 2022 7:05", "2022-09-08T07:05:00Z", true),
            ("Fri, 05 Jan 2024 10:30:00 +0100", "2024-01-05T09:30:00Z", false),
        ] {
            let date = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((date.rfc3339.as_str(), date.zone_guessed), (expected, guessed), "{text}");
        }
        for wrong in ["", "soon", "2024", "2024-13-01", "2024-02-30", "05/01/2024", "2024-01-05 25:00", "2024-01-05 10:30 Mars"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_file_name_may_start_with_a_date() {
        assert_eq!(parse_file_name("2024-01-05-my-post"), Some(("2024-01-05T00:00:00Z".to_owned(), "my-post")));
        for none in ["my-post", "2024-01-05", "2024-01-05-", "2024-99-05-x", "é2024-01-05-x"] {
            assert!(parse_file_name(none).is_none(), "{none}");
        }
    }
}
