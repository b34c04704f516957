//! Cron schedules and durations as Kubernetes' own parser reads them.

/// A field of a schedule: its name, its bounds, and the words it takes for numbers from the lower bound on.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, words: &[] },
    Field { name: "hour", low: 0, high: 23, words: &[] },
    Field { name: "day of the month", low: 1, high: 31, words: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of the week",
        low: 0,
        high: 6,
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

const NAMED: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

pub(super) fn ensure_cron(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("a schedule must not be empty; write five fields, for example `0 3 * * *`".into());
    }
    if schedule.contains("TZ") {
        return Err("a time zone inside the schedule is refused by Kubernetes; put it in `timeZone`".into());
    }
    if let Some(every) = schedule.strip_prefix("@every ") {
        return ensure_duration(every);
    }
    if schedule.starts_with('@') {
        if NAMED.contains(&schedule) {
            return Ok(());
        }
        let known = NAMED.join(", ");
        return Err(format!("`{schedule}` is no named schedule; use one of {known}, or `@every 1h30m`"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    match fields.len() {
        5 => FIELDS.iter().zip(&fields).try_for_each(|(field, text)| field.ensure(text)),
        6 | 7 => Err(format!(
            "a schedule has five fields and this one has {}; leave out the seconds (and the year)",
            fields.len()
        )),
        count => Err(format!(
            "a schedule has five fields (minute, hour, day of the month, month, day of the week), and this one has {count}"
        )),
    }
}

impl Field {
    fn ensure(&self, text: &str) -> Result<(), String> {
        text.split(',').filter(|part| !part.is_empty()).try_for_each(|part| self.ensure_range(part))
    }

    fn ensure_range(&self, part: &str) -> Result<(), String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            Some((low, high)) => (low, Some(high)),
            None => (range, None),
        };
        if let Some(step) = step {
            self.ensure_step(part, step)?;
        }
        if low == "*" || low == "?" {
            return Ok(());
        }
        let start = self.number(low)?;
        let end = match high {
            Some(high) => self.number(high)?,
            None if step.is_some() => self.high,
            None => start,
        };
        if start > end {
            return Err(format!(
                "the {} `{part}` ends before it begins; write the lower number first",
                self.name
            ));
        }
        Ok(())
    }

    fn ensure_step(&self, part: &str, step: &str) -> Result<(), String> {
        match unsigned(step) {
            Some(0) => Err(format!("the {} `{part}` has the step 0; a step is at least 1", self.name)),
            Some(_) => Ok(()),
            None => Err(format!("the {} `{part}` has the step `{step}`, which is no number", self.name)),
        }
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        if let Some(index) = word {
            return Ok(self.low + index as u32);
        }
        let Some(number) = unsigned(text) else { return Err(self.word_error(text)) };
        match u32::try_from(number) {
            Ok(number) if (self.low..=self.high).contains(&number) => Ok(number),
            Ok(7) if self.high == 6 => Err("the day of the week is 0 to 6, and Sunday is 0, not 7".into()),
            _ => Err(format!("the {} `{text}` is not between {} and {}", self.name, self.low, self.high)),
        }
    }

    fn word_error(&self, text: &str) -> String {
        let name = self.name;
        if text.contains(['L', 'W', '#']) {
            return format!(
                "the {name} `{text}` uses `L`, `W` or `#`, which Kubernetes' schedules do not have"
            );
        }
        let words = match self.words {
            [] => String::new(),
            [first, ..] => format!(" or a name such as `{first}`"),
        };
        format!(
            "the {name} `{text}` is no number{words}; use numbers, `*`, lists `1,2`, ranges `1-5` and steps `*/5`"
        )
    }
}

/// Reads a number as Go's `Atoi` does, which takes a plus sign.
fn unsigned(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse::<i64>().ok().filter(|_| is_digits).map(i64::unsigned_abs)
}

const UNITS: &[&str] = &["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/// Checks a duration as Go's `time.ParseDuration` does, but for overflow.
pub(super) fn ensure_duration(text: &str) -> Result<(), String> {
    let wrong = |why: &str| format!("`{text}` is no duration: {why}; write for example `90s` or `1h30m`");
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(wrong("there is no number"));
    }
    while !rest.is_empty() {
        let number = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (digits, after) = rest.split_at(number);
        if !digits.bytes().any(|b| b.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return Err(wrong("a number is missing before a unit"));
        }
        let unit = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        if unit.is_empty() {
            return Err(wrong("a unit (h, m, s, ms, us, ns) is missing"));
        }
        if !UNITS.contains(&unit) {
            return Err(wrong(&format!("`{unit}` is no unit (h, m, s, ms, us, ns)")));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_kubernetes_takes() {
        for schedule in [
            "* * * * *",
            "0 3 * * *",
            "*/5 * * * *",
            "5/15 * * * *",
            "? ? * * *",
            "0 0 1,15 * mon-fri",
            "0 0 * JAN-mar SUN",
            "1-10/2 0-23 * * 0-6",
            " 0  0 1 1 * ",
            "@every 1h30m",
            "@every 1.5h",
            "@hourly",
            "@midnight",
            "@annually",
            "+5 * * * *",
        ] {
            assert_eq!(ensure_cron(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn refuses_and_names_the_field() {
        let cases = [
            ("", "must not be empty"),
            ("60 * * * *", "the minute `60` is not between 0 and 59"),
            ("0 24 * * *", "the hour `24`"),
            ("0 0 0 * *", "the day of the month `0`"),
            ("0 0 * 13 *", "the month `13`"),
            ("0 0 * * 7", "Sunday is 0, not 7"),
            ("0 0 L * *", "`L`, `W` or `#`"),
            ("0 0 15W * *", "`L`, `W` or `#`"),
            ("0 0 * * mon#1", "`L`, `W` or `#`"),
            ("0 0 0 * * *", "leave out the seconds"),
            ("0 0 * *", "this one has 4"),
            ("*/0 * * * *", "step 0"),
            ("*/x * * * *", "step `x`"),
            ("30-10 * * * *", "ends before it begins"),
            ("1-2-3 * * * *", "the minute"),
            ("1/2/3 * * * *", "the minute"),
            ("a * * * *", "the minute `a` is no number"),
            ("0 0 * foo *", "a name such as `jan`"),
            ("@reboot", "no named schedule"),
            ("@every 5", "unit"),
            ("@every x", "number is missing"),
            ("TZ=UTC 0 0 * * *", "`timeZone`"),
            ("CRON_TZ=UTC 0 0 * * *", "`timeZone`"),
            ("-5 * * * *", "the minute"),
        ];
        for (schedule, words) in cases {
            let error = ensure_cron(schedule).expect_err(schedule);
            assert!(error.contains(words), "{schedule}: {error}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        for text in ["1s", "1.5h", "-1m", "1h30m", "0", "+5s", "10µs", ".5s", "1.s"] {
            assert_eq!(ensure_duration(text), Ok(()), "{text}");
        }
        for text in ["", "1", "s", "1d", "1 h", "1h 30m", ".s", "1.2.3s"] {
            assert!(ensure_duration(text).is_err(), "{text}");
        }
    }
}
