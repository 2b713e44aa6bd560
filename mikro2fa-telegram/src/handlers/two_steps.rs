//! What operators can't take back in a tap has two steps: the first says what follows and does nothing, the second does it. Nobody
//! takes the second about themselves as long as somebody else can.

use mikro2fa_core::directory::Press;

use super::{tap::Tapped, views};
use crate::{
    keyboard::{Buttons, CONFIRM_LIFE},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Key},
};

/// The first step: what follows, a button for each way to go on, and the way back.
pub(super) async fn ask(
    office: &Office,
    tapped: &Tapped<'_>,
    (what, args): (Key, &Args<'_>),
    on: impl IntoIterator<Item = (String, Press)>,
    back: Press,
) -> Result<Toast, Failure> {
    let scene = office.courier.scene(tapped.sender.reader);
    let on = on.into_iter();
    let buttons = on.fold(Buttons::none(), |buttons, (label, press)| {
        buttons.row(label, press)
    });
    let rendered = Rendered {
        html: scene.sheet(what, args).html(),
        buttons: buttons.row(scene.label(Key::ButtonCancel), back),
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, CONFIRM_LIFE).await
}

/// What is `own` is left to somebody else, where there is one.
pub(super) async fn is_for_others(office: &Office, own: bool) -> Result<bool, Failure> {
    Ok(own && office.courier.directory.operators().await?.len() > 1)
}
