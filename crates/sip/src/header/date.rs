//! `Date` (RFC 3261 §20.17): the hour at the sender's, always in GMT.

use std::fmt;

use super::Header;
use crate::grammar::{number, trim};
use crate::{Malformed, Name};

/// A moment, in seconds since 1970-01-01 00:00:00 GMT, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Seconds; years 0 to 9999 can be printed.
    pub unix_seconds: i64,
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;

impl Header for Date {
    const NAME: Name = Name::DATE;

    /// `Sat, 13 Nov 2010 23:29:00 GMT`. Another zone is an error (RFC 4475 §3.1.2.12).
    fn parse(value: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("the Date is not like Sat, 13 Nov 2010 23:29:00 GMT");
        let mut words = trim(value).split_ascii_whitespace();
        let mut next = || words.next().ok_or(WRONG);
        let (weekday, day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?, next()?);
        let known = WEEKDAYS.iter().any(|known| weekday.strip_suffix(',') == Some(*known));
        let month = MONTHS.iter().position(|known| *known == month).ok_or(WRONG)?;
        if !known || zone != "GMT" || words.next().is_some() || year.len() != 4 {
            return Err(WRONG);
        }
        let mut clock = time.splitn(3, ':').map(|part| number::<i64>(part, "the Date's time is no time"));
        let mut clock = || clock.next().ok_or(WRONG)?;
        let (hour, minute, second) = (clock()?, clock()?, clock()?);
        let day: i64 = number(day, "the Date's day is no day")?;
        let year: i64 = number(year, "the Date's year is no year")?;
        // A leap second is a second.
        if hour > 23 || minute > 59 || second > 60 || day < 1 || day > days_in_month(year, month) {
            return Err(WRONG);
        }
        let days = days_before_year(year) + days_before_month(year, month) + day - 1 - days_before_year(1970);
        Ok(Self { unix_seconds: days * DAY + hour * 3600 + minute * 60 + second })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.unix_seconds.div_euclid(DAY);
        let second = self.unix_seconds.rem_euclid(DAY);
        let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
        let days = days + days_before_year(1970);
        // 400 years have 146,097 days; the guess is off by one year at most.
        let mut year = days * 400 / 146_097;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        while days_before_year(year) > days {
            year -= 1;
        }
        let of_year = days - days_before_year(year);
        let month = (0..12).rev().find(|month| days_before_month(year, *month) <= of_year).unwrap_or(0);
        let day = of_year - days_before_month(year, month) + 1;
        write!(
            f,
            "{weekday}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
            MONTHS[month],
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 0000-01-01 to the first of January of that year.
const fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) + 366
}

const fn days_in_month(year: i64, month: usize) -> i64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn days_before_month(year: i64, month: usize) -> i64 {
    (0..month).map(|month| days_in_month(year, month)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Fri, 29 Feb 2008 12:00:00 GMT", 1_204_286_400),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Sat, 01 Jan 2000 00:00:00 GMT", 946_684_800),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.unix_seconds, seconds, "{text}");
            assert_eq!(date.to_string(), text);
        }
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "",
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 30 Feb 2010 16:00:00 GMT",
            "Fri, 00 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 01 Jan 10 16:00:00 GMT",
            "Fri 01 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 16:00 GMT",
            "Fri, 01 Jan 2010 16:00:00 GMT x",
            "Xxx, 01 Jan 2010 16:00:00 GMT",
        ] {
            assert!(Date::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(unix_seconds in -62_167_219_200_i64..253_402_300_800) {
            let date = Date { unix_seconds };
            prop_assert_eq!(Date::parse(&date.to_string()).unwrap(), date);
        }
    }
}
