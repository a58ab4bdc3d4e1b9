//! Makes passwords that nobody guesses.

use cordboard_core::dice::Dice;
use std::io;

/// A password with more than 70 random bits, in characters that are easy to type and to tell apart.
pub fn random() -> io::Result<String> {
    let mut dice = Dice::new(cordboard_net::system_seed()?, 0);
    let mut letters = dice.call_id();
    letters.truncate(16);
    Ok([&letters[1..6], &letters[6..11], &letters[11..16]].join("-"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_alike() {
        let (one, two) = (super::random().unwrap(), super::random().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 17);
    }
}
