//! What a button carries: an opaque id of its keyboard, and which button it is. Pure.
//!
//! `1`, then 22 characters of base64url (128 random bits: the keyboard's id), then two of base 36 (the button's place):
//! 25 bytes of the 64 that Telegram takes, and they say nothing. What a button does stands in the keyboard's row in the
//! store, so that data that was guessed, changed or kept from another chat means nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mikro2fa_core::directory::KeyboardId;

/// The form described above. Another one gets another first character.
const VERSION: u8 = b'1';
const ID_LENGTH: usize = 22;
const LENGTH: usize = 1 + ID_LENGTH + 2;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Most buttons in a keyboard.
pub const SLOTS: u16 = 36 * 36;

/// One button of one keyboard.
///
/// # Examples
///
/// ```
/// use mikro2fa_core::directory::KeyboardId;
/// use mikro2fa_telegram::callback::ButtonData;
///
/// let button = ButtonData::new(KeyboardId([7; 16]), 1).unwrap();
/// assert_eq!(button.encode(), "1BwcHBwcHBwcHBwcHBwcHBw01");
/// assert_eq!(ButtonData::decode(&button.encode()), Some(button));
/// assert_eq!(ButtonData::decode("yes"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ButtonData {
    keyboard: KeyboardId,
    slot: u16,
}

impl ButtonData {
    /// The button at this place; `None` from [`SLOTS`] on.
    pub const fn new(keyboard: KeyboardId, slot: u16) -> Option<Self> {
        if slot < SLOTS {
            Some(Self { keyboard, slot })
        } else {
            None
        }
    }

    /// The keyboard it belongs to.
    pub const fn keyboard(self) -> KeyboardId {
        self.keyboard
    }

    /// Its place, from 0.
    pub fn slot(self) -> usize {
        usize::from(self.slot)
    }

    /// As it is sent.
    pub fn encode(self) -> String {
        let mut data = String::with_capacity(LENGTH);
        data.push(char::from(VERSION));
        URL_SAFE_NO_PAD.encode_string(self.keyboard.0, &mut data);
        for digit in [self.slot / 36, self.slot % 36] {
            data.push(
                DIGITS
                    .get(usize::from(digit))
                    .copied()
                    .map_or('0', char::from),
            );
        }
        data
    }

    /// What came with a tap; `None` if it has not exactly this form.
    pub fn decode(data: &str) -> Option<Self> {
        let bytes = data.as_bytes();
        if bytes.len() != LENGTH || bytes.first() != Some(&VERSION) {
            return None;
        }
        let (id, slot) = bytes.get(1..)?.split_at_checked(ID_LENGTH)?;
        let mut keyboard = [0; 16];
        // Exactly 16 bytes, and no stray bits in the last character: every keyboard has one spelling.
        let written = URL_SAFE_NO_PAD.decode_slice(id, &mut keyboard).ok()?;
        if written != keyboard.len() {
            return None;
        }
        let slot = slot.iter().try_fold(0, |slot: u16, byte| {
            let digit = DIGITS.iter().position(|digit| digit == byte)?;
            Some(slot * 36 + u16::try_from(digit).ok()?)
        })?;
        Self::new(KeyboardId(keyboard), slot)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_exact_form_is_read() {
        let good = ButtonData::new(KeyboardId([0xff; 16]), SLOTS - 1)
            .unwrap()
            .encode();
        assert_eq!(good, "1_____________________wzz");
        assert!(ButtonData::decode(&good).is_some());
        for bad in [
            "",
            "1",
            "2_____________________wzz",     // another version
            "1_____________________xzz",     // stray bits
            "1_____________________wZZ",     // another alphabet
            "1____________________+wzz",     // another alphabet
            "1_____________________wz",      // short
            "1_____________________wzzz",    // long
            "1_____________________w\u{e9}", // the right length in bytes
            "1______________________________________________________________",
        ] {
            assert_eq!(ButtonData::decode(bad), None, "{bad}");
        }
        assert_eq!(ButtonData::new(KeyboardId([0; 16]), SLOTS), None);
    }

    proptest! {
        #[test]
        fn round_trips_in_25_bytes(id: [u8; 16], slot in 0..SLOTS) {
            let button = ButtonData::new(KeyboardId(id), slot).unwrap();
            let data = button.encode();
            prop_assert_eq!(data.len(), 25);
            prop_assert_eq!(ButtonData::decode(&data), Some(button));
        }

        #[test]
        fn what_is_read_has_one_spelling(data in "\\PC{0,64}|1[0-9A-Za-z_-]{22}[0-9a-z]{2}") {
            if let Some(button) = ButtonData::decode(&data) {
                prop_assert_eq!(button.encode(), data);
            }
        }
    }
}
