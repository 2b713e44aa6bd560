//! What a profile's script says to mikro2fa when a tunnel comes or goes.

use super::choices::Webhook;
use crate::console::Quoted;

/// The call, for RouterOS 6.49 and 7: nothing in it is newer. `check-certificate=yes` and `output=none` are not the defaults:
/// without the first anybody could answer, without the second each call writes a file to flash. That something happened is
/// all it says: the server looks for itself, so that nothing of a name can become anything else.
pub(super) fn script(webhook: &Webhook, event: &str) -> String {
    let header = format!("X-Hook-Key: {}", webhook.key.expose());
    let (url, header) = (Quoted::new(webhook.url.as_bytes()), Quoted::new(header));
    let checked = if webhook.url.starts_with("https:") {
        " check-certificate=yes"
    } else {
        ""
    };
    let event = event.trim_start_matches("on-");
    format!(
        ":do {{ /tool fetch url={url} http-method=post http-data=\"ev={event}\" http-header-field={header}{checked} output=none }} \
         on-error={{ :log warning \"mikro2fa: hook {event} failed\" }}\n"
    )
}
