//! What users set up for their calls, as it is written: in the configuration, in the database, by `cordboard ctl` and over
//! HTTP alike. [`Written::read`] makes [`Rules`] of it, which the agents obey.

use cordboard_service::services::{
    Carriage, FindMe, Forwarding, NoAnswer, Pattern, Place, RuleError, Rules, Screening, Step,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Everything that one user has set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Rules)]
pub struct Written {
    /// Where calls go instead.
    pub forward: Forward,
    /// Where the user is looked for, one step after the other.
    pub find_me: Vec<Places>,
    /// Who may call the user, and whom the user may call.
    pub screen: Screen,
}

/// Forwarding (RFC 5359 §2.7 to §2.9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Forward {
    /// Where all calls go.
    pub always: Option<String>,
    /// Where those go that find the user busy.
    pub busy: Option<String>,
    /// Where those go that nobody answers.
    pub no_answer: Option<String>,
    /// After how many seconds.
    pub after_s: Option<u64>,
    /// How they get there.
    pub by: By,
}

/// How a forwarded call gets to where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The switchboard sends it on.
    #[default]
    Proxy,
    /// The caller is told where to call.
    Redirect,
}

/// One step of a find-me list (RFC 5359 §2.12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// What rings at the same time.
    pub ring: Vec<String>,
    /// For how many seconds.
    pub for_s: u64,
}

/// Screening (RFC 5359 §2.13, §2.14).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Screen {
    /// Whose calls are refused.
    pub deny_from: Vec<String>,
    /// Whose calls alone are taken.
    pub allow_from: Vec<String>,
    /// Whom the user may not call.
    pub deny_to: Vec<String>,
}

impl Written {
    /// The rules, without looking whether those whom they name exist.
    pub fn read(&self, domains: &[Box<str>]) -> Result<Rules, RuleError> {
        Ok(Rules {
            forwarding: self.forward.read(domains)?,
            find_me: find_me(&self.find_me, domains)?,
            screening: self.screen.read()?,
        })
    }

    /// The rules of `user`, where `known` tells who exists.
    pub fn check(
        &self,
        user: &str,
        domains: &[Box<str>],
        known: impl Fn(&str) -> bool,
    ) -> Result<Rules, RuleError> {
        let rules = self.read(domains)?;
        rules.check(user, known)?;
        Ok(rules)
    }
}

impl Forward {
    fn read(&self, domains: &[Box<str>]) -> Result<Forwarding, RuleError> {
        let place =
            |text: &Option<String>| text.as_deref().map(|text| Place::parse(text, domains)).transpose();
        let no_answer = match (place(&self.no_answer)?, self.after_s) {
            (Some(to), Some(after)) => Some(NoAnswer { to, after: Duration::from_secs(after) }),
            (Some(_), None) => return Err(RuleError::NoTime),
            (None, Some(_)) => return Err(RuleError::TimeForNothing),
            (None, None) => None,
        };
        let by = match self.by {
            By::Proxy => Carriage::Proxied,
            By::Redirect => Carriage::Redirected,
        };
        Ok(Forwarding { always: place(&self.always)?, busy: place(&self.busy)?, no_answer, by })
    }
}

fn find_me(steps: &[Places], domains: &[Box<str>]) -> Result<FindMe, RuleError> {
    let step = |step: &Places| {
        let places = step.ring.iter().map(|text| Place::parse(text, domains)).collect::<Result<_, _>>()?;
        Ok(Step { places, rings: Duration::from_secs(step.for_s) })
    };
    Ok(FindMe { steps: steps.iter().map(step).collect::<Result<_, RuleError>>()? })
}

impl Screen {
    fn read(&self) -> Result<Screening, RuleError> {
        let list = |texts: &[String]| texts.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>();
        Ok(Screening {
            deny_from: list(&self.deny_from)?,
            allow_from: list(&self.allow_from)?,
            deny_to: list(&self.deny_to)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Rules, String> {
        let written: Written = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let known = |name: &str| name == "bob" || name == "carol";
        written.check("bob", &["example.com".into()], known).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_are_written_as_people_say_them() {
        let rules = read(
            r#"{"forward": {"busy": "carol", "no_answer": "sip:x@y.test", "after_s": 20, "by": "redirect"},
                "find_me": [{"ring": ["bob", "carol"], "for_s": 15}], "screen": {"deny_to": ["+1900*"]}}"#,
        )
        .unwrap();
        assert_eq!(rules.forwarding.busy, Some(Place::User("carol".into())));
        assert_eq!(rules.forwarding.by, Carriage::Redirected);
        assert_eq!(rules.find_me.steps[0].rings, Duration::from_secs(15));
        assert!(read("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_in_words() {
        let thousand =
            format!(r#"{{"find_me": [{}]}}"#, vec![r#"{"ring":["bob"],"for_s":5}"#; 1000].join(","));
        for (json, says) in [
            (r#"{"forward": {"always": "carlo"}}"#, "there is no user carlo"),
            (r#"{"forward": {"always": "bob"}}"#, "come back for ever"),
            (r#"{"forward": {"no_answer": "carol"}}"#, "must be said, in seconds"),
            (r#"{"forward": {"after_s": 5}}"#, "without anybody"),
            (r#"{"forward": {"by": "pigeon"}}"#, "unknown variant `pigeon`"),
            (r#"{"find_me": [{"ring": [], "for_s": 5}]}"#, "rings nobody"),
            (r#"{"screen": {"deny_from": [""]}}"#, "matches nobody"),
            (&thousand, "a find-me list of 1000 steps"),
            (r#"{"forwards": {}}"#, "unknown field `forwards`"),
        ] {
            let told = read(json).unwrap_err();
            assert!(told.contains(says), "{json:.80}: {told}");
        }
    }
}
