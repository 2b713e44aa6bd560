//! Language, time zone, help, and who is who.

use mikro2fa_core::{
    desk::{Language, User},
    directory::{DeskChange, Press},
};

use super::{Sender, access, linking, tap::Tapped, views};
use crate::{
    api::Outgoing,
    courier::Courier,
    dialogue::Step,
    keyboard::{Buttons, VIEW_LIFE},
    office::{Failure, Office, Toast},
    render::Rendered,
    text::{Args, Html, Key, Reader, parse_zone},
};

/// `/start` of somebody who is linked.
pub(super) async fn welcome(office: &Office, sender: &Sender) -> Result<(), Failure> {
    match &sender.user {
        Some(user) => linking::welcome(office, sender, user).await,
        None => Ok(()),
    }
}

/// `/help`.
pub(super) async fn help(office: &Office, sender: &Sender, update: &str) -> Result<(), Failure> {
    let scene = office.courier.scene(sender.reader);
    let press = Press::Page {
        view: "accounts".into(),
        page: 0,
    };
    let buttons = Buttons::none().row(scene.label(Key::ButtonRequestAccess), press);
    let html = scene.html(Key::Help, &Args::new());
    let rendered = Rendered {
        html,
        buttons,
        silent: true,
        ..Rendered::default()
    };
    office
        .show(sender.chat, sender.holder(), update, &rendered)
        .await;
    Ok(())
}

/// `/whoami`.
pub(super) async fn whoami(office: &Office, sender: &Sender, user: &User) -> Result<(), Failure> {
    let at = user.linked_at.map_or_else(
        || "–".to_owned(),
        |at| sender.reader.moment(at, office.now()),
    );
    let id = sender.chat.to_string();
    let args = Args::new()
        .ready("id", id.clone())
        .ready("chat", id)
        .outside("name", &user.name)
        .ready("at", at);
    office
        .reply(sender.chat, sender.reader, Key::Whoami, &args)
        .await;
    Ok(())
}

/// `/language`.
pub(super) async fn language(
    office: &Office,
    sender: &Sender,
    update: &str,
) -> Result<(), Failure> {
    let rendered = views::languages(office, sender.reader);
    office
        .show(sender.chat, sender.holder(), update, &rendered)
        .await;
    Ok(())
}

/// A language was chosen: menu, commands and open cards come anew, and the time zone is asked for.
pub(super) async fn chosen(
    office: &Office,
    tapped: &Tapped<'_>,
    user: &User,
    code: &str,
) -> Result<Toast, Failure> {
    let language = match code {
        "en" => Language::En,
        "ru" => Language::Ru,
        _ => return Ok(office.popup(tapped.sender.reader, Key::ViewExpired, &Args::new())),
    };
    let changed = User {
        language,
        version: user.version + 1,
        ..user.clone()
    };
    if language != user.language {
        office
            .engine
            .change_desk(vec![DeskChange::PutUser(changed.clone())], Vec::new())
            .await?;
    }
    office
        .dialogues
        .ask(tapped.sender.chat, Step::Zone, office.now());
    let reader = Courier::reader(&changed);
    let scene = office.courier.scene(reader);
    let args = Args::new().ready("now", reader.clock(scene.now));
    let keep = scene.plain(
        Key::ButtonKeepZone,
        &Args::new().ready("zone", reader.zone()),
    );
    let buttons = Buttons::none().row(
        keep,
        Press::Page {
            view: "zone keep".into(),
            page: 0,
        },
    );
    let rendered = Rendered {
        html: scene.html(Key::ZoneChoose, &args),
        buttons,
        ..Rendered::default()
    };
    let toast = views::replace(office, tapped, &rendered, VIEW_LIFE).await?;
    if language != user.language {
        renew(office, &tapped.sender, reader).await;
        access::show_all(office, &changed).await?;
    }
    Ok(toast)
}

/// The zone stays as it is.
pub(super) async fn kept(office: &Office, tapped: &Tapped<'_>) -> Result<Toast, Failure> {
    office.dialogues.end(tapped.sender.chat, office.now());
    let html = views::settings_line(office, tapped.sender.reader);
    let rendered = Rendered {
        html,
        ..Rendered::default()
    };
    views::replace(office, tapped, &rendered, VIEW_LIFE).await
}

/// A time zone was sent.
pub(super) async fn zone(office: &Office, sender: &Sender, text: &str) -> Result<(), Failure> {
    let (Some(minutes), Some(user)) = (parse_zone(text), &sender.user) else {
        office
            .reply(sender.chat, sender.reader, Key::ZoneBad, &Args::new())
            .await;
        return Ok(());
    };
    let changed = User {
        zone_minutes: Some(minutes),
        version: user.version + 1,
        ..user.clone()
    };
    office
        .engine
        .change_desk(vec![DeskChange::PutUser(changed.clone())], Vec::new())
        .await?;
    office.dialogues.end(sender.chat, office.now());
    let reader = Courier::reader(&changed);
    office
        .reply_html(sender.chat, views::settings_line(office, reader))
        .await;
    access::show_all(office, &changed).await
}

async fn renew(office: &Office, sender: &Sender, reader: Reader) {
    let menu = office.courier.menu(reader.language, sender.operator);
    let line: Html = views::settings_line(office, reader);
    office
        .courier
        .tell(sender.chat, Outgoing::new(line).silent().markup(menu))
        .await;
    office
        .list_commands(sender.chat, reader.language, true)
        .await;
}
