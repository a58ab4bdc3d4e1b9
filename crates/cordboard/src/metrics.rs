//! Figures as Prometheus reads them (its text format, version 0.0.4).

use std::fmt::Write;

/// The content type of [`Metrics`] as text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A figure that only grows: its name without prefix and suffix, what it means, and how much it is.
pub type Counter = (&'static str, &'static str, u64);

/// Collects figures and writes them.
#[derive(Debug, Default)]
pub struct Metrics(String);

impl Metrics {
    /// Counters, as `cordboard_NAME_total`.
    #[must_use]
    pub fn counters(mut self, counters: impl IntoIterator<Item = Counter>) -> Self {
        for (name, help, value) in counters {
            let name = name.trim_end_matches("_total");
            self.figure(&format!("cordboard_{name}_total"), help, "counter", "", &value.to_string());
        }
        self
    }

    /// A figure that goes up and down, as `cordboard_NAME`.
    #[must_use]
    pub fn gauge(mut self, name: &str, help: &str, value: impl std::fmt::Display) -> Self {
        self.figure(&format!("cordboard_{name}"), help, "gauge", "", &value.to_string());
        self
    }

    /// Which build this is.
    #[must_use]
    pub fn build(mut self) -> Self {
        let labels = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
        self.figure("cordboard_build_info", "Always 1; the labels tell the version.", "gauge", labels, "1");
        self
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }

    fn figure(&mut self, name: &str, help: &str, kind: &str, labels: &str, value: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing into a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_the_format_says() {
        let text = Metrics::default()
            .counters([("requests", "Requests\nseen.", 7), ("calls_total", "Calls.", 0)])
            .gauge("registrations", "Bindings.", 3)
            .into_text();
        assert_eq!(
            text,
            "# HELP cordboard_requests_total Requests\\nseen.\n# TYPE cordboard_requests_total counter\n\
             cordboard_requests_total 7\n\
             # HELP cordboard_calls_total Calls.\n# TYPE cordboard_calls_total counter\ncordboard_calls_total 0\n\
             # HELP cordboard_registrations Bindings.\n# TYPE cordboard_registrations gauge\n\
             cordboard_registrations 3\n"
        );
    }
}
